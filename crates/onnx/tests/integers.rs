//! int64, the other integers and bool at the border: what goes in comes out as it was, or an error says why not.
//!
//! The device holds integers in 32 bits. A value beyond them is refused where it would go to the device: at an input, and
//! where a node there reads an initializer. What the host computes has all 64 bits, outputs included.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, int, int64s, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use tilewright_onnx::{Data, ElementType, Error, HostTensor, Import, Model};
use tilewright_runtime::Context;

const BEYOND: i64 = 1 << 32;

fn typed(name: &str, dtype: ElementType, extents: &[i64]) -> ValueInfoProto {
    let mut info = value(name, extents);
    info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = dtype.number();
    info
}

fn graph(
    nodes: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    input: Vec<ValueInfoProto>,
    output: Vec<ValueInfoProto>,
) -> Model {
    let graph = GraphProto { node: nodes, initializer, input, output, ..GraphProto::default() };
    Model::from_bytes(&encoded(&model(graph, 17))).unwrap()
}

fn run(model: &Model, inputs: &[&HostTensor]) -> Result<Vec<HostTensor>, Error> {
    let context = Context::new().unwrap();
    let imported = Import::new(model).graph(&context)?;
    let compiled = Compiled::new(&imported.graph, &Options::default())?;
    Ok(imported.run(&compiled, inputs)?.into_iter().map(|(_, value)| value).collect())
}

fn tensor(shape: &[usize], data: Data) -> HostTensor {
    HostTensor::new(shape, data).unwrap()
}

/// `x` turned around, which moves elements on the device.
fn turned(dtype: ElementType) -> Model {
    let turn = node("Transpose", "turn", &["x"], &["y"]);
    graph(vec![turn], vec![], vec![typed("x", dtype, &[2, 2])], vec![typed("y", dtype, &[2, 2])])
}

#[test]
fn integers_that_fit_32_bits_come_back_as_they_were() {
    let edge = [i64::from(i32::MIN), i64::from(i32::MAX), -1, 0];
    let back = [edge[0], edge[2], edge[1], edge[3]];
    let given = tensor(&[2, 2], Data::I64(edge.to_vec()));
    let found = run(&turned(ElementType::I64), &[&given]).unwrap();
    assert_eq!(found[0], tensor(&[2, 2], Data::I64(back.to_vec())));
    for (given, expected) in [
        (Data::U8(vec![0, 255, 7, 128]), Data::U8(vec![0, 7, 255, 128])),
        (Data::I8(vec![-128, 127, 7, -1]), Data::I8(vec![-128, 7, 127, -1])),
        (Data::U16(vec![0, 65535, 7, 1]), Data::U16(vec![0, 7, 65535, 1])),
        (Data::U32(vec![0, 1, i32::MAX as u32, 2]), Data::U32(vec![0, i32::MAX as u32, 1, 2])),
        (Data::U64(vec![0, 1, i32::MAX as u64, 2]), Data::U64(vec![0, i32::MAX as u64, 1, 2])),
        (Data::Bool(vec![true, false, true, true]), Data::Bool(vec![true, true, false, true])),
    ] {
        let found = run(&turned(given.dtype()), &[&tensor(&[2, 2], given)]).unwrap();
        assert_eq!(found[0], tensor(&[2, 2], expected));
    }
}

#[test]
fn an_input_beyond_32_bits_is_an_error_that_names_it() {
    for given in [
        Data::I64(vec![0, BEYOND, 1, 2]),
        Data::I64(vec![0, i64::MIN, 1, 2]),
        Data::U32(vec![0, u32::MAX, 1, 2]),
        Data::U64(vec![0, u64::MAX, 1, 2]),
    ] {
        let model = turned(given.dtype());
        let error = run(&model, &[&tensor(&[2, 2], given.clone())]).unwrap_err();
        let Error::Range { place, dtype, value, .. } = &error else { panic!("{error}") };
        let expected = given.numbers();
        assert!(place.contains("`x`") && *dtype == given.dtype(), "{error}");
        assert_eq!(tilewright_onnx::Numbers::Integers(vec![0, *value, 1, 2]), expected);
        assert!(error.to_string().contains("32 bits"), "{error}");
    }
}

/// On the host an initializer has all its bits, and so has an output that follows from constants.
#[test]
fn constants_have_all_64_bits() {
    let nodes = vec![
        node("Add", "sum", &["a", "b"], &["large"]),
        node("Identity", "same", &["x"], &["y"]),
        node("Less", "order", &["a", "large"], &["truth"]),
    ];
    let constants = vec![int64s("a", &[i64::MAX - 1, BEYOND]), int64s("b", &[1, 1])];
    let outputs = vec![
        typed("large", ElementType::I64, &[2]),
        typed("y", ElementType::F32, &[1]),
        typed("truth", ElementType::Bool, &[2]),
    ];
    let model = graph(nodes, constants, vec![value("x", &[1])], outputs);
    let found = run(&model, &[&tensor(&[1], Data::F32(vec![1.0]))]).unwrap();
    assert_eq!(found[0], HostTensor::integers(&[i64::MAX, BEYOND + 1]));
    assert_eq!(found[2], tensor(&[2], Data::Bool(vec![true, true])));
}

#[test]
fn an_initializer_beyond_32_bits_is_refused_where_the_device_reads_it() {
    let mut join = node("Concat", "join", &["x", "w"], &["y"]);
    join.attribute = vec![int("axis", 0)];
    let model = |values: &[i64]| {
        let (x, y) = (typed("x", ElementType::I64, &[1]), typed("y", ElementType::I64, &[2]));
        graph(vec![join.clone()], vec![int64s("w", values)], vec![x], vec![y])
    };
    let x = HostTensor::integers(&[5]);
    assert_eq!(run(&model(&[-7]), &[&x]).unwrap()[0], HostTensor::integers(&[5, -7]));
    let error = run(&model(&[BEYOND]), &[&x]).unwrap_err();
    let Error::Range { place, value, .. } = &error else { panic!("{error}") };
    assert!(place.contains("`join`") && *value == i128::from(BEYOND), "{error}");
}

/// Neighbours that are one f64: order and place are exact.
#[test]
fn order_on_the_host_is_exact_beyond_53_bits() {
    let base = 1_i64 << 60;
    let mut largest = node("ArgMax", "where", &["w"], &["place"]);
    largest.attribute = vec![int("axis", 0), int("keepdims", 0)];
    let top = node("TopK", "top", &["w", "k"], &["values", "indices"]);
    let constants = vec![int64s("w", &[base, base + 2, base + 1]), int64s("k", &[2])];
    let outputs = ["place", "values", "indices", "y"].map(|name| typed(name, ElementType::I64, &[])).to_vec();
    let same = node("Identity", "same", &["x"], &["y"]);
    let model = graph(vec![largest, top, same], constants, vec![typed("x", ElementType::I64, &[1])], outputs);
    let found = run(&model, &[&HostTensor::integers(&[0])]).unwrap();
    assert_eq!(found[0], tensor(&[], Data::I64(vec![1])));
    assert_eq!(found[1], HostTensor::integers(&[base + 2, base + 1]));
    assert_eq!(found[2], HostTensor::integers(&[1, 2]));
}
