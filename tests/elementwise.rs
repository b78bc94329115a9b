//! Elementwise kernels against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts, random};
use tilewright::{
    DType, Layout, Tensor,
    ops::{BinaryOp, UnaryOp},
};

#[test]
fn layout_changes_keep_the_values() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [[2, 3, 5, 7], [1, 1, 4, 4], [3, 4, 1, 1], [2, 8, 3, 1]] {
            let values = random(1, shape.iter().product(), -1.0, 1.0);
            let x = Tensor::from_slice(&context, &values, &shape).unwrap();
            let there = x.to_layout(Layout::ChannelsLast).unwrap();
            assert_eq!(there.layout(), Layout::ChannelsLast);
            cases.check(format!("{shape:?}"), close(&there.to_vec().unwrap(), &values, 0.0, 0.0));
            if shape[1] > 1 && shape[2] * shape[3] > 1 {
                let raw: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read(there.buffer()).unwrap());
                assert_eq!(raw[1], values[shape[2] * shape[3]], "the second number is the second channel");
            }
        }
    }
    cases.finish();
}

#[test]
fn casts_truncate_round_and_come_back() {
    for context in contexts() {
        let x = Tensor::from_slice(&context, &[-2.7f32, -0.5, 0.0, 0.4, 1.0, 3.9, 65504.0], &[7]).unwrap();
        assert_eq!(x.cast(DType::I32).unwrap().to_vec::<i32>().unwrap(), [-2, 0, 0, 0, 1, 3, 65504]);
        let half = x.cast(DType::F16).unwrap();
        let back = half.cast(DType::F32).unwrap().to_vec::<f32>().unwrap();
        let expected: Vec<f32> =
            x.to_vec::<f32>().unwrap().iter().map(|&v| half::f16::from_f32(v).to_f32()).collect();
        assert_eq!(back, expected);
        assert_eq!(half.cast(DType::I32).unwrap().to_vec::<i32>().unwrap()[5], 3);
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    let all = contexts();
    let context = &all[0];
    let x = Tensor::zeros(context, &[2, 3]).unwrap();
    let error = x.add(&Tensor::zeros(context, &[4]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("add") && error.contains("[2, 3]") && error.contains("[4]"), "{error}");
    let error = x.cast(DType::I32).unwrap().relu().unwrap_err().to_string();
    assert!(error.contains("relu") && error.contains("i32"), "{error}");
    let other = tilewright::Context::new().unwrap();
    let error = x.add(&Tensor::zeros(&other, &[2, 3]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("different contexts"), "{error}");
    assert!(Tensor::from_slice(context, &[1.0f32], &[2]).is_err());
    assert!(x.unary(UnaryOp::Clamp { min: 1.0, max: 0.0 }).is_err());
    assert!(x.binary(BinaryOp::Pow, &x).is_ok(), "one tensor twice is allowed");
}

#[test]
fn empty_tensors_pass_through() {
    for context in contexts() {
        let x = Tensor::zeros(&context, &[0, 3]).unwrap();
        assert!(x.relu().unwrap().to_vec::<f32>().unwrap().is_empty());
        assert_eq!(x.add(&Tensor::ones(&context, &[3]).unwrap()).unwrap().shape(), [0, 3]);
    }
}
