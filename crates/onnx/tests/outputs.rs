//! Every output that a model declares comes out, in order and of its type: what is known, what is an input, and masks.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use common::{encoded, floats, int64s, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use tilewright_onnx::{Data, ElementType, Error, HostTensor, Import, Model, export_ports};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

fn typed(name: &str, extents: &[i64], dtype: ElementType) -> ValueInfoProto {
    let mut info = value(name, extents);
    info.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = dtype.number();
    info
}

fn graph(
    nodes: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    input: Vec<ValueInfoProto>,
    output: Vec<ValueInfoProto>,
) -> GraphProto {
    GraphProto { node: nodes, initializer, input, output, ..GraphProto::default() }
}

fn loaded(proto: &ModelProto) -> Model {
    Model::from_bytes(&encoded(proto)).unwrap()
}

fn run(context: &Context, model: &Model, inputs: &[&HostTensor]) -> Vec<(String, HostTensor)> {
    let imported = Import::new(model).graph(context).unwrap();
    let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
    imported.run(&compiled, inputs).unwrap()
}

#[test]
fn a_model_without_inputs_runs_on_the_device() {
    let context = Context::new().unwrap();
    let conv = node("Conv", "c", &["a", "w"], &["y"]);
    let constants = vec![floats("a", &[1, 1, 2, 2], &[1.0; 4]), floats("w", &[1, 1, 1, 1], &[3.0])];
    let outputs = vec![value("w", &[1, 1, 1, 1]), value("y", &[1, 1, 2, 2])];
    let model = loaded(&model(graph(vec![conv], constants, vec![], outputs), 17));
    let found = run(&context, &model, &[]);
    assert_eq!(found[0].0, "w");
    assert_eq!(found[1].1.data(), &Data::F32(vec![3.0; 4]));
}

/// Before version 10 a mask was of the operand's type, then of bool.
#[test]
fn the_mask_of_dropout_has_its_versions_type() {
    let context = Context::new().unwrap();
    for (opset, dtype) in
        [(7, ElementType::F32), (9, ElementType::F32), (10, ElementType::Bool), (17, ElementType::Bool)]
    {
        let dropout = node("Dropout", "d", &["x"], &["y", "m"]);
        let outputs = vec![typed("m", &[2], dtype), value("y", &[2])];
        let model = loaded(&model(graph(vec![dropout], vec![], vec![value("x", &[2])], outputs), opset));
        let x = HostTensor::vector(Data::F32(vec![1.0, -2.0]));
        let found = run(&context, &model, &[&x]);
        assert_eq!(
            found[0].1.data(),
            &Data::from_numbers(dtype, &tilewright_onnx::Numbers::Integers(vec![1, 1])),
            "{opset}"
        );
        assert_eq!(found[1].1, x);
    }
}

/// A graph has no outputs that depend on no input; plans by shape have them as constants, in the model's order.
#[test]
fn plans_give_known_outputs_too() {
    let context = Context::new().unwrap();
    let nodes = vec![node("Shape", "s", &["x"], &["shape"]), node("Relu", "r", &["x"], &["y"])];
    let outputs = vec![typed("shape", &[2], ElementType::I64), value("w", &[2]), value("y", &[0, 3])];
    let proto =
        model(graph(nodes, vec![floats("w", &[2], &[7.0, 8.0])], vec![value("x", &[0, 3])], outputs), 17);
    let plans = Arc::new(loaded(&proto)).plans(&context, Options::default(), 4);
    for rows in [1, 2] {
        let x = Tensor::from_slice(&context, &vec![-1.0f32; rows * 3], &[rows, 3]).unwrap();
        let found = plans.run(&[&x]).unwrap();
        assert_eq!(found[0].to_vec::<i32>().unwrap(), [rows as i32, 3]);
        assert_eq!(found[1].to_vec::<f32>().unwrap(), [7.0, 8.0]);
        assert_eq!(found[2].to_vec::<f32>().unwrap(), vec![0.0; rows * 3]);
    }
}

/// x goes through, under its own name and another; w is known; both keep their declared types in the file that is written.
#[test]
fn an_export_declares_what_the_model_declared() {
    let context = Context::new().unwrap();
    let nodes = vec![
        node("Identity", "i", &["n"], &["again"]),
        node("Relu", "r", &["x"], &["y"]),
        node("Shape", "s", &["y"], &["shape"]),
    ];
    let inputs = vec![value("x", &[2, 3]), typed("n", &[2], ElementType::I64)];
    let outputs = vec![
        typed("shape", &[2], ElementType::I64),
        value("x", &[2, 3]),
        typed("n", &[2], ElementType::I64),
        typed("again", &[2], ElementType::I64),
        value("y", &[2, 3]),
        typed("w", &[2], ElementType::I64),
    ];
    let first = loaded(&model(graph(nodes, vec![int64s("w", &[1 << 40, -1])], inputs, outputs), 17));
    let imported = Import::new(&first).graph(&context).unwrap();
    let bytes = export_ports(&imported.graph, "again", &imported.inputs, &imported.outputs).unwrap();
    let second = Model::from_bytes(&bytes).unwrap();
    let declared = |model: &Model| -> Vec<_> {
        model
            .inputs()
            .chain(model.outputs())
            .map(|info| (info.name.clone(), info.dtype, info.shape.clone()))
            .collect()
    };
    assert_eq!(declared(&second), declared(&first));
    let x = HostTensor::new(&[2, 3], Data::F32(vec![1.0, -2.0, 3.0, -4.0, 5.0, -6.0])).unwrap();
    let n = HostTensor::integers(&[5, -6]);
    let expected = run(&context, &first, &[&x, &n]);
    assert_eq!(expected[2].1, n);
    assert_eq!(expected[5].1.data(), &Data::I64(vec![1 << 40, -1]));
    assert_eq!(run(&context, &second, &[&x, &n]), expected);
    // An output that is called as another input.
    let mut outputs = imported.outputs.clone();
    outputs[0] = tilewright_onnx::OutputPort::computed("n".to_owned(), ElementType::F32, vec![2, 3], 0);
    let refused = export_ports(&imported.graph, "again", &imported.inputs, &outputs);
    assert!(matches!(refused, Err(Error::DuplicateName { .. })));
    let fewer = export_ports(&imported.graph, "again", &imported.inputs[1..], &imported.outputs);
    assert!(matches!(fewer, Err(Error::Input { .. })));
}
