//! Integers and indices that are known at run time: what ONNX Runtime 1.32 gives on x86, where it takes the type, as exact numbers.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, int, int64s, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use tilewright_onnx::{Data, ElementType, Error, HostTensor, Import, Model};
use tilewright_runtime::Context;

fn typed(name: &str, dtype: ElementType, extents: &[usize]) -> ValueInfoProto {
    let mut info = value(name, &extents.iter().map(|&extent| extent as i64).collect::<Vec<_>>());
    info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = dtype.number();
    info
}

fn tensor(shape: &[usize], data: Data) -> HostTensor {
    HostTensor::new(shape, data).unwrap()
}

fn with(mut node: NodeProto, attributes: &[AttributeProto]) -> NodeProto {
    node.attribute = attributes.to_vec();
    node
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 3, s: value.into(), ..AttributeProto::default() }
}

/// Runs the nodes, whose inputs are the letters from `a` on and whose result is `y` of that type.
fn run(
    nodes: &[NodeProto],
    constants: &[TensorProto],
    inputs: &[&HostTensor],
    gives: ElementType,
) -> Result<HostTensor, Error> {
    let names = ["a", "b", "c"];
    let ports = names.iter().zip(inputs).map(|(name, input)| typed(name, input.dtype(), input.shape()));
    let graph = GraphProto {
        node: nodes.to_vec(),
        initializer: constants.to_vec(),
        input: ports.collect(),
        output: vec![typed("y", gives, &[])],
        ..GraphProto::default()
    };
    let model = Model::from_bytes(&encoded(&model(graph, 18))).unwrap();
    let context = Context::new().unwrap();
    let imported = Import::new(&model).graph(&context)?;
    let compiled = Compiled::new(&imported.graph, &Options::default())?;
    Ok(imported.run(&compiled, inputs)?.swap_remove(0).1)
}

fn two(op: &str, attributes: &[AttributeProto]) -> Vec<NodeProto> {
    vec![with(node(op, "op", &["a", "b"], &["y"]), attributes)]
}

fn one(op: &str, attributes: &[AttributeProto]) -> Vec<NodeProto> {
    vec![with(node(op, "op", &["a"], &["y"]), attributes)]
}

#[test]
fn small_types_wrap_in_their_own_bits() {
    let bytes = (tensor(&[4], Data::U8(vec![250, 3, 16, 255])), tensor(&[4], Data::U8(vec![10, 5, 16, 7])));
    let signed =
        (tensor(&[4], Data::I8(vec![120, -100, -128, 7])), tensor(&[4], Data::I8(vec![10, -100, -1, 3])));
    let wide = (tensor(&[2], Data::I16(vec![32_000, -5])), tensor(&[2], Data::I16(vec![1_000, 2])));
    let found = |op: &str, pair: &(HostTensor, HostTensor)| {
        run(&two(op, &[]), &[], &[&pair.0, &pair.1], pair.0.dtype()).unwrap().data().clone()
    };
    assert_eq!(found("Add", &bytes), Data::U8(vec![4, 8, 32, 6]));
    assert_eq!(found("Sub", &bytes), Data::U8(vec![240, 254, 0, 248]));
    assert_eq!(found("Mul", &bytes), Data::U8(vec![196, 15, 0, 249]));
    assert_eq!(found("Div", &bytes), Data::U8(vec![25, 0, 1, 36]));
    assert_eq!(found("Max", &bytes), Data::U8(vec![250, 5, 16, 255]));
    assert_eq!(found("BitShift", &bytes).numbers(), Data::U8(vec![0, 96, 0, 128]).numbers());
    assert_eq!(found("BitwiseXor", &bytes), Data::U8(vec![240, 6, 0, 248]));
    assert_eq!(found("Add", &signed), Data::I8(vec![-126, 56, 127, 10]));
    assert_eq!(found("Div", &signed), Data::I8(vec![12, 1, -128, 2]));
    assert_eq!(found("Mod", &signed), Data::I8(vec![0, 0, 0, 1]));
    assert_eq!(found("Add", &wide), Data::I16(vec![-32_536, -3]));
    let negated = run(&one("Neg", &[]), &[], &[&signed.0], ElementType::I8).unwrap();
    assert_eq!(negated.data(), &Data::I8(vec![-120, 100, -128, -7]));
}

#[test]
fn arithmetic_of_int64_and_int32() {
    let a = tensor(&[6], Data::I64(vec![7, -7, 7, -7, 6, 0]));
    let b = tensor(&[6], Data::I64(vec![2, 2, -2, -2, 3, 5]));
    let wide = |op: &str, attributes: &[AttributeProto]| {
        run(&two(op, attributes), &[], &[&a, &b], ElementType::I64).unwrap().to_i64().unwrap()
    };
    assert_eq!(wide("Div", &[]), [3, -3, -3, 3, 2, 0]);
    assert_eq!(wide("Mod", &[]), [1, 1, -1, -1, 0, 0]);
    assert_eq!(wide("Mod", &[int("fmod", 1)]), [1, -1, 1, -1, 0, 0]);
    assert_eq!(wide("Min", &[]), [2, -7, -2, -7, 3, 0]);
    let less = run(&two("Less", &[]), &[], &[&a, &b], ElementType::Bool).unwrap();
    assert_eq!(less.data(), &Data::Bool(vec![false, true, false, true, false, true]));
    let base = tensor(&[4], Data::I32(vec![3, -2, 2, 10]));
    let power = tensor(&[4], Data::I32(vec![4, 3, 30, 0]));
    let powers = run(&two("Pow", &[]), &[], &[&base, &power], ElementType::I32).unwrap();
    assert_eq!(powers.data(), &Data::I32(vec![81, -8, 1 << 30, 1]));
    // By zero: 0, and no crash.
    let zero = tensor(&[6], Data::I64(vec![0; 6]));
    for op in ["Div", "Mod"] {
        let found = run(&two(op, &[]), &[], &[&a, &zero], ElementType::I64).unwrap();
        assert_eq!(found.to_i64().unwrap(), [0; 6], "{op}");
    }
    // Bounds beyond 32 bits bound nothing that is held in them.
    let clip = [node("Clip", "op", &["a", "low", "high"], &["y"])];
    let mut ends = [int64s("low", &[-6]), int64s("high", &[1 << 40])];
    ends.iter_mut().for_each(|end| end.dims.clear());
    let clipped = run(&clip, &ends, &[&a], ElementType::I64).unwrap();
    assert_eq!(clipped.to_i64().unwrap(), [7, -6, 7, -6, 6, 0]);
    let axes = int64s("axes", &[0]);
    for (op, expected) in
        [("ReduceSum", 6), ("ReduceMax", 7), ("ReduceProd", 0), ("ReduceMean", 1), ("ReduceL1", 34)]
    {
        let sum = [with(node(op, "op", &["a", "axes"], &["y"]), &[int("keepdims", 0)])];
        let found = run(&sum, std::slice::from_ref(&axes), &[&a], ElementType::I64).unwrap();
        assert_eq!(found.to_i64().unwrap(), [expected], "{op}");
    }
}

/// Neighbours that are one f32, and the ends of the range.
#[test]
fn places_of_extremes_are_exact() {
    let values = vec![i32::MIN, 16_777_217, 16_777_216, 16_777_217, -1, i32::MAX - 1, i32::MAX, i32::MAX];
    let x = tensor(&[2, 4], Data::I32(values));
    let place = |op: &str, last: i64| {
        let attributes = [int("axis", 1), int("keepdims", 0), int("select_last_index", last)];
        run(&one(op, &attributes), &[], &[&x], ElementType::I64).unwrap().to_i64().unwrap()
    };
    assert_eq!(place("ArgMax", 0), [1, 2]);
    assert_eq!(place("ArgMax", 1), [3, 3]);
    assert_eq!(place("ArgMin", 0), [0, 0]);
    assert_eq!(place("ArgMin", 1), [0, 0]);
}

/// Known indices of replacing updates become one lookup: the last of equal ones stays, of integers and of floats.
#[test]
fn known_places_are_looked_up() {
    let mut by = int64s("by", &[2, -1, 0, 3]);
    by.dims = vec![4, 1];
    let nodes = [node("ScatterND", "op", &["a", "by", "b"], &["y"])];
    let x = tensor(&[4], Data::I64(vec![10, 20, 30, 40]));
    let u = tensor(&[4], Data::I64(vec![1, 2, 3, 4]));
    let found = run(&nodes, std::slice::from_ref(&by), &[&x, &u], ElementType::I64).unwrap();
    assert_eq!(found.to_i64().unwrap(), [3, 20, 1, 4]);
    by.dims = vec![2, 2];
    let along = [with(node("ScatterElements", "op", &["a", "by", "b"], &["y"]), &[int("axis", 1)])];
    let found = run(&along, &[by], &[&floats(&[2, 4]), &floats(&[2, 2])], ElementType::F32).unwrap();
    assert_eq!(found.to_f32(), [0.0, 1.0, 0.0, 1.0, 2.0, 5.0, 6.0, 3.0]);
}

#[test]
fn the_largest_of_small_integers() {
    let x = tensor(&[2, 4], Data::U8(vec![3, 255, 0, 255, 9, 1, 200, 9]));
    let top = [node("TopK", "op", &["a", "k"], &["y", "places"])];
    let found = run(&top, &[int64s("k", &[2])], &[&x], ElementType::U8).unwrap();
    assert_eq!(found.data(), &Data::U8(vec![255, 255, 200, 9]));
}

/// Known and at run time alike: a NaN stays and wins.
#[test]
fn a_nan_wins_where_extremes_are_scattered() {
    let values = [f32::NAN, 1.0, -1.0];
    let updates = [2.0, f32::NAN, 3.0];
    let by = int64s("by", &[0, 1, 2]);
    let scatter = |x: &str, u: &str| {
        let attributes = [text("reduction", "max")];
        [with(node("ScatterElements", "op", &[x, "by", u], &["y"]), &attributes)]
    };
    let (x, u) = (tensor(&[3], Data::F32(values.to_vec())), tensor(&[3], Data::F32(updates.to_vec())));
    let constants = [by.clone(), common::floats("x", &[3], &values), common::floats("u", &[3], &updates)];
    for found in [
        run(&scatter("x", "u"), &constants, &[&x], ElementType::F32).unwrap().to_f32(),
        run(&scatter("a", "b"), &[by], &[&x, &u], ElementType::F32).unwrap().to_f32(),
    ] {
        assert!(found[0].is_nan() && found[1].is_nan() && found[2] == 3.0, "{found:?}");
    }
}

#[test]
fn casts_follow_one_rule() {
    let x = tensor(
        &[9],
        Data::F32(vec![-1.9, 300.0, -129.5, 65_535.7, 3e9, f32::NAN, f32::INFINITY, 1e-30, -0.0]),
    );
    let cast = |dtype: ElementType| {
        run(&one("Cast", &[int("to", dtype.number().into())]), &[], &[&x], dtype).unwrap().data().clone()
    };
    let least = i32::MIN;
    assert_eq!(cast(ElementType::I32), Data::I32(vec![-1, 300, -129, 65_535, least, least, least, 0, 0]));
    assert_eq!(cast(ElementType::U8), Data::U8(vec![255, 44, 127, 255, 0, 0, 0, 0, 0]));
    assert_eq!(cast(ElementType::I8), Data::I8(vec![-1, 44, 127, -1, 0, 0, 0, 0, 0]));
    assert_eq!(cast(ElementType::I16), Data::I16(vec![-1, 300, -129, -1, 0, 0, 0, 0, 0]));
    let truth = vec![true, true, true, true, true, true, true, true, false];
    assert_eq!(cast(ElementType::Bool), Data::Bool(truth));
    let whole = tensor(&[3], Data::I64(vec![300, -1, 0]));
    let cast = |dtype: ElementType| {
        run(&one("Cast", &[int("to", dtype.number().into())]), &[], &[&whole], dtype).unwrap().data().clone()
    };
    assert_eq!(cast(ElementType::U8), Data::U8(vec![44, 255, 0]));
    assert_eq!(cast(ElementType::Bool), Data::Bool(vec![true, true, false]));
    assert_eq!(cast(ElementType::F32), Data::F32(vec![300.0, -1.0, 0.0]));
    // 31 bits are held of it: what has a sign has no place there.
    let error = run(&one("Cast", &[int("to", 12)]), &[], &[&whole], ElementType::U32).unwrap_err();
    assert!(error.to_string().contains("uint32"), "{error}");
}

fn floats(shape: &[usize]) -> HostTensor {
    tensor(shape, Data::F32((0..shape.iter().product::<usize>()).map(|at| at as f32).collect()))
}

#[test]
fn elements_by_index_at_run_time() {
    let x = floats(&[3, 4]);
    let by = tensor(&[3, 2], Data::I64(vec![0, -1, 2, 3, -4, 1]));
    let found = run(&two("GatherElements", &[int("axis", 1)]), &[], &[&x, &by], ElementType::F32).unwrap();
    assert_eq!(found, tensor(&[3, 2], Data::F32(vec![0.0, 3.0, 6.0, 7.0, 8.0, 9.0])));
    // Outside: 0.
    let outside = tensor(&[1, 3], Data::I64(vec![4, -5, 2]));
    let found =
        run(&two("GatherElements", &[int("axis", 1)]), &[], &[&x, &outside], ElementType::F32).unwrap();
    assert_eq!(found.to_f32(), [0.0, 0.0, 2.0]);
    let tuples = tensor(&[3, 2], Data::I64(vec![0, 1, -1, -1, 3, 0]));
    let found = run(&two("GatherND", &[]), &[], &[&x, &tuples], ElementType::F32).unwrap();
    assert_eq!(found.to_f32(), [1.0, 11.0, 0.0]);
    let updates = tensor(&[3, 2], Data::F32(vec![10.0, 20.0, 30.0, 40.0, 50.0, 60.0]));
    let three = |op: &str, attributes: &[AttributeProto]| {
        vec![with(node(op, "op", &["a", "b", "c"], &["y"]), attributes)]
    };
    let scatter = three("ScatterElements", &[int("axis", 1), text("reduction", "add")]);
    let found = run(&scatter, &[], &[&x, &by, &updates], ElementType::F32).unwrap();
    assert_eq!(found.to_f32(), [10.0, 1.0, 2.0, 23.0, 4.0, 5.0, 36.0, 47.0, 58.0, 69.0, 10.0, 11.0]);
    let rows = tensor(&[2, 1], Data::I64(vec![-1, 5]));
    let found = run(&three("ScatterND", &[]), &[], &[&x, &rows, &floats(&[2, 4])], ElementType::F32).unwrap();
    assert_eq!(found.to_f32()[4..], [4.0, 5.0, 6.0, 7.0, 0.0, 1.0, 2.0, 3.0]);
    let hot = [node("OneHot", "op", &["a", "depth", "values"], &["y"])];
    let (mut depth, values) = (int64s("depth", &[3]), common::floats("values", &[2], &[-1.0, 1.0]));
    depth.dims.clear();
    let places = tensor(&[4], Data::I64(vec![0, -1, 5, 1]));
    let found = run(&hot, &[depth, values], &[&places], ElementType::F32).unwrap();
    assert_eq!(found.to_f32(), [1.0, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0]);
}

/// What is known at import is checked there, and named.
#[test]
fn a_known_index_outside_is_an_error() {
    let x = floats(&[3, 4]);
    for (op, indices, dims) in [
        ("GatherElements", &[0, 3][..], &[1, 2][..]),
        ("GatherND", &[2, 4], &[1, 2]),
        ("Gather", &[-4], &[1]),
    ] {
        let mut by = int64s("by", indices);
        by.dims = dims.to_vec();
        let error = run(&[node(op, "op", &["a", "by"], &["y"])], &[by], &[&x], ElementType::F32).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`op`") && text.contains("outside"), "{op}: {text}");
    }
    let mut by = int64s("by", &[3]);
    by.dims = vec![1, 1];
    let scatter = [node("ScatterND", "op", &["a", "by", "b"], &["y"])];
    let error = run(&scatter, &[by], &[&x, &floats(&[1, 4])], ElementType::F32).unwrap_err();
    assert!(error.to_string().contains("index 3 is outside an extent of 3"), "{error}");
}

/// The other bits, what is no number, what is infinite, and a diagonal of which only the shape is known before.
#[test]
fn questions_of_bits() {
    let not = |data: Data| {
        let x = tensor(&[3], data);
        run(&one("BitwiseNot", &[]), &[], &[&x], x.dtype()).unwrap().data().clone()
    };
    assert_eq!(not(Data::U8(vec![0, 255, 10])), Data::U8(vec![255, 0, 245]));
    assert_eq!(not(Data::I8(vec![0, -1, -128])), Data::I8(vec![-1, 0, 127]));
    assert_eq!(not(Data::I32(vec![0, i32::MIN, 77])), Data::I32(vec![-1, i32::MAX, -78]));
    let x = [1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, f32::MIN];
    let x = tensor(&[7], Data::F32(x.to_vec()));
    let asked = |op: &str, attributes: &[AttributeProto]| {
        let y = run(&one(op, attributes), &[], &[&x], ElementType::Bool).unwrap();
        y.data().numbers()
    };
    let truths = |places: &[usize]| Data::Bool((0..7).map(|at| places.contains(&at)).collect()).numbers();
    assert_eq!(asked("IsNaN", &[]), truths(&[1]));
    assert_eq!(asked("IsInf", &[]), truths(&[2, 3]));
    assert_eq!(asked("IsInf", &[int("detect_negative", 0)]), truths(&[2]));
    assert_eq!(asked("IsInf", &[int("detect_positive", 0)]), truths(&[3]));
    let x = tensor(&[2, 3], Data::F32(vec![9.0; 6]));
    let eye = run(&one("EyeLike", &[int("k", 1)]), &[], &[&x], ElementType::F32).unwrap();
    assert_eq!(eye.data(), &Data::F32(vec![0.0, 1.0, 0.0, 0.0, 0.0, 1.0]));
    let eye = run(&one("EyeLike", &[int("dtype", 6)]), &[], &[&x], ElementType::I32).unwrap();
    assert_eq!(eye.data(), &Data::I32(vec![1, 0, 0, 0, 1, 0]));
}
