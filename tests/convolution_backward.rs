//! The gradients of a convolution by every algorithm against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/convolution_sweep.rs"]
mod convolution_sweep;
#[path = "common/convolutions.rs"]
mod convolutions;

use common::{Cases, contexts, host::random_channels_last};
use convolution_sweep::{agree, backward_input, backward_weight, candidates, sweep};
use convolutions::PLAIN;
use tilewright::{Tensor, kernels::convolution::Pass, ops::Conv2d};
use tilewright_reference::convolution as reference;

#[test]
fn input_gradient_by_every_algorithm() {
    sweep(Pass::BackwardInput, |context, shape, algorithm| backward_input(context, shape, Some(algorithm)));
}

#[test]
fn weight_gradient_by_every_algorithm() {
    sweep(Pass::BackwardWeight, |context, shape, algorithm| backward_weight(context, shape, Some(algorithm)));
}

#[test]
fn long_sums_over_pixels() {
    // 2 · 150 · 130 pixels for each element of the weight's gradient.
    let shape = (Conv2d { padding: [1, 1], ..PLAIN }, [2, 2, 150, 130], [4, 2, 3, 3]);
    let mut cases = Cases::new();
    for context in contexts() {
        for algorithm in candidates(&context, Pass::BackwardWeight, &shape) {
            let outcome = backward_weight(&context, &shape, Some(algorithm));
            cases.check(format!("{algorithm:?}"), outcome);
        }
    }
    cases.finish();
}

#[test]
fn bias_gradient() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [[2, 3, 5, 7], [1, 1, 1, 1], [3, 64, 4, 4], [2, 5, 150, 130], [0, 3, 4, 4]] {
            let (grad_y, values) = random_channels_last(&context, 1, &shape);
            let grad_bias = Tensor::conv2d_backward_bias(&grad_y).unwrap();
            let expected = reference::conv2d_backward_bias(&values, shape);
            cases.check(
                format!("{shape:?}"),
                agree(&grad_bias, &expected, shape[0] * shape[2] * shape[3], None),
            );
        }
    }
    cases.finish();
}
