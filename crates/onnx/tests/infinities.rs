//! NaN, infinities and empty sets in ONNX operators, of inputs on the device and of constants on the host alike.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, floats, int, ints, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::host::Call;
use tilewright_onnx::proto::{AttributeProto, DimensionValue, GraphProto, NodeProto, ValueInfoProto};
use tilewright_onnx::{Data, ElementType, HostTensor, Import, Model};
use tilewright_runtime::Context;

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

fn tensor(shape: &[usize], data: Data) -> HostTensor {
    HostTensor::new(shape, data).unwrap()
}

fn row(values: &[f32]) -> HostTensor {
    tensor(&[values.len()], Data::F32(values.to_vec()))
}

fn with(op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { attribute: attributes, ..node(op, "it", inputs, &["y"]) }
}

/// A value of a type and a shape, in which an extent of 0 is no open one.
fn typed(name: &str, dtype: ElementType, shape: &[usize]) -> ValueInfoProto {
    let mut info = value(name, &vec![1; shape.len()]);
    let tensor = info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap();
    tensor.elem_type = dtype.number();
    for (dim, &extent) in tensor.shape.as_mut().unwrap().dim.iter_mut().zip(shape) {
        dim.value = Some(DimensionValue::Extent(extent as i64));
    }
    info
}

/// One node, whose operands are the model's inputs.
fn one(node: NodeProto, operands: &[&HostTensor], expected: &HostTensor, opset: i64) -> Model {
    let inputs = node.input.iter().zip(operands);
    let input = inputs.map(|(name, operand)| typed(name, operand.dtype(), operand.shape())).collect();
    let output = vec![typed("y", expected.dtype(), expected.shape())];
    let graph = GraphProto { node: vec![node], input, output, ..GraphProto::default() };
    Model::from_bytes(&encoded(&model(graph, opset))).unwrap()
}

fn on_device(model: &Model, operands: &[&HostTensor]) -> HostTensor {
    let context = Context::new().unwrap();
    let imported = Import::new(model).graph(&context).unwrap();
    let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
    imported.run(&compiled, operands).unwrap().remove(0).1
}

/// On the host, if the operator is computed there.
fn on_host(model: &Model, operands: &[&HostTensor]) -> Option<HostTensor> {
    let node = &model.nodes()[0];
    if !Call::known(node) {
        return None;
    }
    let operands = operands.iter().map(|&operand| Some(operand)).collect();
    Some(Call::new(node, operands).evaluate().unwrap().unwrap().remove(0))
}

fn check(what: &str, node: NodeProto, operands: &[&HostTensor], expected: &HostTensor) {
    check_in(18, what, node, operands, expected);
}

fn check_in(opset: i64, what: &str, node: NodeProto, operands: &[&HostTensor], expected: &HostTensor) {
    let model = one(node, operands, expected, opset);
    let outcomes = [Some(on_device(&model, operands)), on_host(&model, operands)];
    for (place, found) in ["device", "host"].into_iter().zip(outcomes) {
        let Some(found) = found else { continue };
        let difference = common::difference(&found, expected, 1e-6, 0.0);
        assert!(difference.is_none(), "{what} on the {place}: {}", difference.unwrap());
    }
}

#[test]
fn a_nan_stays_one() {
    let x = row(&[NAN, 1.0, -2.0, 7.0, INF]);
    let (zero, five) = (tensor(&[], Data::F32(vec![0.0])), tensor(&[], Data::F32(vec![5.0])));
    let nan = tensor(&[], Data::F32(vec![NAN]));
    check("Max", with("Max", &["x", "z"], vec![]), &[&x, &zero], &row(&[NAN, 1.0, 0.0, 7.0, INF]));
    check("Max of 1", with("Max", &["z", "x"], vec![]), &[&zero, &x], &row(&[NAN, 1.0, 0.0, 7.0, INF]));
    check("Min", with("Min", &["x", "z"], vec![]), &[&x, &zero], &row(&[NAN, 0.0, -2.0, 0.0, 0.0]));
    check("Relu", with("Relu", &["x"], vec![]), &[&x], &row(&[NAN, 1.0, 0.0, 7.0, INF]));
    // Bounds that are known at run time.
    let clip = |low: &HostTensor, expected: [f32; 5]| {
        let (node, operands) = (with("Clip", &["x", "low", "high"], vec![]), [&x, low, &five]);
        let found = on_device(&one(node, &operands, &x, 18), &operands);
        let difference = common::difference(&found, &row(&expected), 0.0, 0.0);
        assert!(difference.is_none(), "Clip: {}", difference.unwrap());
    };
    clip(&zero, [NAN, 1.0, 0.0, 5.0, 5.0]);
    clip(&nan, [NAN; 5]);
}

/// Bounds of a Clip that are constants: of 0 and 6 too, for which there is an operation of its own.
#[test]
fn clips_by_constants() {
    for (low, high, expected) in [
        (0.0, 5.0, [NAN, 1.0, 0.0, 5.0, 5.0]),
        (0.0, 6.0, [NAN, 1.0, 0.0, 6.0, 6.0]),
        (NAN, 6.0, [NAN; 5]),
        (0.0, NAN, [NAN; 5]),
    ] {
        let x = row(&[NAN, 1.0, -2.0, 7.0, INF]);
        let graph = GraphProto {
            node: vec![with("Clip", &["x", "low", "high"], vec![])],
            initializer: vec![floats("low", &[], &[low]), floats("high", &[], &[high])],
            input: vec![value("x", &[5])],
            output: vec![value("y", &[5])],
            ..GraphProto::default()
        };
        let model = Model::from_bytes(&encoded(&model(graph, 17))).unwrap();
        let difference = common::difference(&on_device(&model, &[&x]), &row(&expected), 0.0, 0.0);
        assert!(difference.is_none(), "{low} to {high}: {}", difference.unwrap());
        let bounds = [tensor(&[], Data::F32(vec![low])), tensor(&[], Data::F32(vec![high]))];
        let found = on_host(&model, &[&x, &bounds[0], &bounds[1]]).unwrap();
        assert!(
            common::difference(&found, &row(&expected), 0.0, 0.0).is_none(),
            "{low} to {high} on the host"
        );
    }
}

#[test]
fn maxima_and_minima_of_infinities() {
    let reduce = |op: &str| with(op, &["x"], vec![int("keepdims", 0)]);
    let x = |values: &[f32]| tensor(&[1, values.len()], Data::F32(values.to_vec()));
    let y = |value: f32| tensor(&[], Data::F32(vec![value]));
    check("ReduceMax", reduce("ReduceMax"), &[&x(&[-INF, -INF])], &y(-INF));
    check("ReduceMin", reduce("ReduceMin"), &[&x(&[INF, INF, INF])], &y(INF));
    for place in 0..9 {
        let mut values = [1.0; 9];
        values[place] = NAN;
        check("ReduceMax", reduce("ReduceMax"), &[&x(&values)], &y(NAN));
        check("ReduceMin", reduce("ReduceMin"), &[&x(&values)], &y(NAN));
    }
    check("ReduceLogSumExp", reduce("ReduceLogSumExp"), &[&x(&[-INF, -INF])], &y(-INF));
    check("ReduceLogSumExp", reduce("ReduceLogSumExp"), &[&x(&[1.0, INF])], &y(INF));
    // As PyTorch: a NaN is larger, and smaller, than any number.
    let place = |at: i64| tensor(&[1], Data::I64(vec![at]));
    for op in ["ArgMax", "ArgMin"] {
        for (last, at) in [(0, 1), (1, 3)] {
            let attributes = vec![int("axis", 1), int("keepdims", 0), int("select_last_index", last)];
            check(op, with(op, &["x"], attributes), &[&x(&[-INF, NAN, 1.0, NAN, INF])], &place(at));
        }
    }
}

#[test]
fn poolings_of_infinities() {
    let pool = |pads: &[i64], kernel: &[i64]| {
        with("MaxPool", &["x"], vec![ints("kernel_shape", kernel), ints("pads", pads)])
    };
    let image = |values: &[f32], extents: &[usize]| {
        let shape: Vec<usize> = [1, 1].iter().chain(extents).copied().collect();
        tensor(&shape, Data::F32(values.to_vec()))
    };
    let lowest = image(&[-INF; 8], &[2, 4]);
    check("plain", pool(&[0; 4], &[2, 2]), &[&lowest], &image(&[-INF; 3], &[1, 3]));
    check("padded", pool(&[1, 1, 1, 1], &[2, 2]), &[&lowest], &image(&[-INF; 15], &[3, 5]));
    check("one-sided", pool(&[0, 1, 1, 0], &[2, 2]), &[&lowest], &image(&[-INF; 8], &[2, 4]));
    let cube = image(&[-INF; 8], &[2, 2, 2]);
    check("3-D", pool(&[0, 0, 0, 1, 0, 0], &[2, 2, 2]), &[&cube], &image(&[-INF; 2], &[2, 1, 1]));
    check("global", with("GlobalMaxPool", &["x"], vec![]), &[&lowest], &image(&[-INF], &[1, 1]));
    for place in 0..8 {
        let mut values = [1.0; 8];
        values[place] = NAN;
        check(
            "global",
            with("GlobalMaxPool", &["x"], vec![]),
            &[&image(&values, &[2, 4])],
            &image(&[NAN], &[1, 1]),
        );
        check("3-D", pool(&[0; 6], &[2, 2, 2]), &[&image(&values, &[2, 2, 2])], &image(&[NAN], &[1, 1, 1]));
        let whole = pool(&[0, 1, 0, 0], &[2, 5]);
        check("one-sided", whole, &[&image(&values, &[2, 4])], &image(&[NAN], &[1, 1]));
    }
}

/// Of nothing the largest is -infinity, or the least number of the type; the rest as PyTorch has it.
#[test]
fn reductions_of_nothing() {
    // Axes were attributes in operator set 12.
    let of = |op: &str| with(op, &["x"], vec![int("keepdims", 0), ints("axes", &[1])]);
    let nothing = tensor(&[2, 0], Data::F32(vec![]));
    for (op, expected) in [
        ("ReduceMax", -INF),
        ("ReduceMin", INF),
        ("ReduceSum", 0.0),
        ("ReduceProd", 1.0),
        ("ReduceMean", NAN),
        ("ReduceL1", 0.0),
        ("ReduceL2", 0.0),
        ("ReduceSumSquare", 0.0),
        ("ReduceLogSum", -INF),
        ("ReduceLogSumExp", -INF),
    ] {
        check_in(12, op, of(op), &[&nothing], &row(&[expected; 2]));
    }
    for (op, expected) in [("ReduceMax", false), ("ReduceMin", true)] {
        // Truth values since operator set 20, where axes are an operand; without them all go.
        let (nothing, expected) =
            (tensor(&[2, 0], Data::Bool(vec![])), tensor(&[], Data::Bool(vec![expected])));
        check_in(20, op, with(op, &["x"], vec![int("keepdims", 0)]), &[&nothing], &expected);
    }
    let cases = [
        ("ReduceMax", Data::I32(vec![]), Data::I32(vec![i32::MIN; 2])),
        ("ReduceMin", Data::I32(vec![]), Data::I32(vec![i32::MAX; 2])),
        ("ReduceMax", Data::I64(vec![]), Data::I64(vec![i64::MIN; 2])),
        ("ReduceMin", Data::U8(vec![]), Data::U8(vec![u8::MAX; 2])),
        ("ReduceSum", Data::I32(vec![]), Data::I32(vec![0; 2])),
    ];
    for (op, nothing, expected) in cases {
        check_in(12, op, of(op), &[&tensor(&[2, 0], nothing)], &tensor(&[2], expected));
    }
}

#[test]
fn powers_of_zero() {
    let (base, power) = (row(&[0.0, 0.0, -0.0, 2.0, NAN, -2.0]), row(&[-1.0, 0.0, -3.0, -1.0, 0.0, 3.0]));
    let expected = row(&[INF, 1.0, -INF, 0.5, 1.0, -8.0]);
    check("Pow", with("Pow", &["a", "b"], vec![]), &[&base, &power], &expected);
    let minus_one = tensor(&[], Data::F32(vec![-1.0]));
    let expected = row(&[INF, INF, -INF, 0.5, NAN, -0.5]);
    check("Pow by one", with("Pow", &["a", "b"], vec![]), &[&base, &minus_one], &expected);
}
