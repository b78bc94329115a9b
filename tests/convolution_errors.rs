//! What a convolution refuses: shapes and types that do not fit, limits, and weights packed for something else.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{context, contexts, random_tensor};
use tilewright::{
    Conv2dAlgorithm, Conv2dCall, DType, Layout, Tensor,
    kernels::{
        convolution::{self, Conv2dLaunch as Launch, Pass, Problem},
        select::{self, Device},
    },
    ops::Conv2d,
    tensor::Epilogue,
};

const PLAIN: Conv2d = Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };

#[test]
fn a_weight_packed_for_something_else_is_a_typed_error() {
    let context = context();
    let (op, x_shape, w_shape) = (PLAIN, [1, 8, 9, 9], [8, 8, 3, 3]);
    let problem = Problem::new(&op, x_shape, w_shape).unwrap();
    let (x, _) = random_tensor(&context, 1, &x_shape);
    let (w, _) = random_tensor(&context, 2, &w_shape);
    let x = x.to_layout(Layout::ChannelsLast).unwrap();
    let y = Tensor::empty(&context, &problem.y_shape, DType::F32, Layout::ChannelsLast).unwrap();
    let packed =
        convolution::pack_weight(&context, &problem, w.buffer(), Some(Conv2dAlgorithm::Im2col)).unwrap();
    let run = |problem: &Problem, algorithm| {
        let call = Launch { algorithm, ..Launch::new(problem, x.buffer(), &packed) };
        convolution::forward(&context, &call, y.buffer())
    };
    run(&problem, None).unwrap();
    run(&problem, Some(Conv2dAlgorithm::Im2col)).unwrap();
    let error = run(&problem, Some(Conv2dAlgorithm::Direct)).unwrap_err().to_string();
    assert!(error.contains("packed for im2col, not for direct"), "{error}");
    let other = Problem::new(&op, [1, 4, 9, 9], [8, 4, 3, 3]).unwrap();
    let error = run(&other, None).unwrap_err().to_string();
    assert!(error.contains("[8, 8, 3, 3]") && error.contains("[8, 4, 3, 3]"), "{error}");
    // Another size of the input is no other weight.
    let smaller = Problem::new(&op, [1, 8, 5, 7], w_shape).unwrap();
    run(&smaller, None).unwrap();
    let error = convolution::pack_weight(&context, &problem, w.buffer(), Some(Conv2dAlgorithm::Depthwise));
    assert!(error.unwrap_err().to_string().contains("one filter to a channel"));
}

#[test]
fn a_matrix_of_patches_over_the_limit_is_a_typed_error_and_never_chosen() {
    let all = contexts();
    let context = &all[0];
    // 1 MiB of patches for each tap.
    let edge =
        (context.limits().max_storage_buffer_binding_size as f64 / f64::from(1 << 20)).sqrt() as usize + 2;
    let op = Conv2d { padding: [edge / 2; 2], ..PLAIN };
    let shape = (op, [1, 16, 128, 128], [1, 16, edge, edge]);
    let (x, w) = (Tensor::zeros(context, &shape.1).unwrap(), Tensor::zeros(context, &shape.2).unwrap());
    let error = x
        .conv2d_with(&w, &Conv2dCall { algorithm: Some(Conv2dAlgorithm::Im2col), ..Conv2dCall::new(op) })
        .unwrap_err()
        .to_string();
    assert!(error.contains("matrix of patches") && error.contains("[1, 16, 128, 128]"), "{error}");
    let problem = Problem::new(&op, shape.1, shape.2).unwrap();
    for pass in Pass::ALL {
        let candidates = select::conv2d_candidates(&Device::of(context), pass, &problem);
        assert!(!candidates.contains(&Conv2dAlgorithm::Im2col));
    }
    let error = x
        .conv2d_with(&w, &Conv2dCall { algorithm: Some(Conv2dAlgorithm::Depthwise), ..Conv2dCall::new(op) })
        .unwrap_err()
        .to_string();
    assert!(error.contains("depthwise") && error.contains("one filter to a channel"), "{error}");
}

#[test]
fn what_does_not_fit_is_a_typed_error() {
    let all = contexts();
    let context = &all[0];
    let (x, _) = random_tensor(context, 1, &[1, 3, 5, 5]);
    let (w, _) = random_tensor(context, 2, &[4, 3, 3, 3]);
    let (other, _) = random_tensor(context, 2, &[4, 2, 3, 3]);
    let error = x.conv2d(&other, None, &PLAIN).unwrap_err().to_string();
    assert!(error.contains("[1, 3, 5, 5]") && error.contains("[4, 2, 3, 3]"), "{error}");
    let (bias, _) = random_tensor(context, 3, &[3]);
    let error = x.conv2d(&w, Some(&bias), &PLAIN).unwrap_err().to_string();
    assert!(error.contains("bias") && error.contains("[3]") && error.contains("[4]"), "{error}");
    let (grad_y, _) = random_tensor(context, 4, &[1, 4, 4, 3]);
    let error =
        Tensor::conv2d_backward_input(&grad_y, &w, &[1, 3, 5, 5], &PLAIN, None).unwrap_err().to_string();
    assert!(error.contains("grad_y") && error.contains("[1, 4, 3, 3]"), "{error}");
    let residual = Epilogue { residual: Some(&grad_y), ..Epilogue::default() };
    let error = x.conv2d_with(&w, &Conv2dCall::new(PLAIN).with_epilogue(residual)).unwrap_err().to_string();
    assert!(error.contains("residual") && error.contains("[1, 4, 3, 3]"), "{error}");
    assert!(x.reshape(&[3, 25]).unwrap().conv2d(&w, None, &PLAIN).is_err());
}

#[test]
fn padding_that_index_maths_cannot_hold_is_a_typed_error() {
    for context in contexts() {
        let (x, weight) =
            (Tensor::ones(&context, &[1, 1, 1, 1]).unwrap(), Tensor::ones(&context, &[1, 1, 1, 1]).unwrap());
        let op = Conv2d { stride: [1 << 31, 1], padding: [1 << 31, 0], ..Conv2d::default() };
        let error = x.conv2d(&weight, None, &op).unwrap_err().to_string();
        assert!(error.contains("conv2d") && error.contains("below 2³¹"), "{error}");
    }
}
