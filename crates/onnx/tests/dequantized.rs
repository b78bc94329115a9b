//! Files whose weights alone are quantised: they run in f32.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use common::{encoded, floats, int, model, node, value};
use tilewright_graph::Options;
use tilewright_onnx::proto::{GraphProto, NodeProto, TensorProto};
use tilewright_onnx::{Import, Model};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

/// Rows of `w` in steps of a scale for each column.
fn weights(rows: usize, columns: usize, dtype: i32, bytes: Vec<u8>) -> Model {
    let w = TensorProto {
        name: "w".into(),
        dims: vec![rows as i64, columns as i64],
        data_type: dtype,
        raw_data: bytes,
        ..TensorProto::default()
    };
    let scales: Vec<f32> = (0..columns).map(|at| 0.5 + at as f32 % 3.0).collect();
    let dequantize =
        NodeProto { attribute: vec![int("axis", 1)], ..node("DequantizeLinear", "", &["w", "s"], &["f"]) };
    let graph = GraphProto {
        node: vec![dequantize, node("MatMul", "", &["x", "f"], &["y"])],
        initializer: vec![w, floats("s", &[columns as i64], &scales)],
        input: vec![value("x", &[0, rows as i64])],
        output: vec![value("y", &[])],
        ..GraphProto::default()
    };
    Model::from_bytes(&encoded(&model(graph, 21))).unwrap()
}

/// More elements than the host computes with elsewhere: 4,196,352.
#[test]
fn weights_of_any_size_are_dequantised() {
    let (rows, columns) = (2049, 2048);
    let bytes: Vec<u8> = (0..rows * columns).map(|at| (at % 251) as u8).collect();
    let model = Arc::new(weights(rows, columns, 3, bytes.clone()));
    let context = Context::new().unwrap();
    let plans = model.plans(&context, Options::default(), 2);
    let mut x = vec![0.0; rows];
    (x[7], x[2048]) = (1.0, -2.0);
    let y: Vec<f32> =
        plans.run(&[&Tensor::from_slice(&context, &x, &[1, rows]).unwrap()]).unwrap()[0].to_vec().unwrap();
    for (column, &y) in y.iter().enumerate() {
        let step = |row: usize| f32::from(bytes[row * columns + column] as i8);
        let expected = (step(7) - 2.0 * step(2048)) * (0.5 + column as f32 % 3.0);
        assert_eq!(y, expected, "{column}");
    }
}

/// One copy on the device, whatever the batch.
#[test]
fn plans_share_dequantised_weights() {
    let context = Context::new().unwrap();
    let model = weights(3, 2, 22, vec![0x21, 0x7f, 0x80]);
    let kept = Arc::default();
    for batch in [1, 2] {
        let import = Import::new(&model).weights(&kept).shape("x", &[batch, 3]);
        assert_eq!(import.graph(&context).unwrap().outputs[0].shape(), [batch, 2]);
        assert_eq!(kept.len(), 1);
    }
    let plans = Arc::new(model).plans(&context, Options::default(), 2);
    let x = Tensor::from_slice(&context, &[1.0_f32, 10.0, 100.0], &[1, 3]).unwrap();
    let y: Vec<f32> = plans.run(&[&x]).unwrap()[0].to_vec().unwrap();
    // int4: 1 2, −1 7, 0 −8; scales 0.5 and 1.5.
    assert_eq!(y, [0.5 * (1.0 - 10.0), 1.5 * (2.0 + 70.0 - 800.0)]);
}
