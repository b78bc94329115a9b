//! What the sweeps over convolutions share: who can run a shape, how far sums may be apart, the sweep itself, and each gradient
//! against the scalar reference.

use tilewright::{
    Context, Conv2dAlgorithm, Mode, Tensor,
    kernels::{
        convolution::{Pass, Problem},
        select::{self, Device},
    },
};
use tilewright_reference::convolution as reference;

use crate::{
    common::{
        Cases, close, contexts, full,
        host::{numbers, random_channels_last},
        random_tensor,
    },
    convolutions::{Shape, shapes},
};

pub fn candidates(context: &Context, pass: Pass, (op, x, w): &Shape) -> Vec<Conv2dAlgorithm> {
    select::conv2d_candidates(&Device::of(context), pass, &Problem::new(op, *x, *w).unwrap())
}

/// For sums of `terms` products of numbers in −1..1. The transforms of F(4 × 4, 3 × 3) go through numbers that are larger
/// than the sums, so that rounding is worse by a factor of up to 4.
pub fn agree(
    actual: &Tensor,
    expected: &[f32],
    terms: usize,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<(), String> {
    let rounding = if algorithm == Some(Conv2dAlgorithm::WinogradF4) { 3.2e-6 } else { 8e-7 };
    close(&numbers::<f32>(actual), expected, 1e-5, rounding * (terms as f64).sqrt().max(1.0))
}

pub fn sweep(pass: Pass, run: impl Fn(&Context, &Shape, Conv2dAlgorithm) -> Result<(), String>) {
    let mut cases = Cases::new();
    for context in contexts() {
        for (at, shape) in shapes().into_iter().enumerate() {
            // Checked mode looks for accesses out of bounds, and meets every text of a kernel but not every extent in it. By
            // pairs, for of two neighbours one often has whole vec4s of channels and the other not.
            if !full() && context.mode() == Mode::Checked && at / 2 % 2 != 0 {
                continue;
            }
            for algorithm in candidates(&context, pass, &shape) {
                // Its sums are a product's, which tests/matmul.rs tries around every tile.
                if !full() && algorithm == Conv2dAlgorithm::Im2col && at % 3 != 0 {
                    continue;
                }
                let outcome = run(&context, &shape, algorithm);
                cases.check(format!("{:?} {algorithm:?} {shape:?}", context.mode()), outcome);
            }
        }
    }
    cases.finish();
}

pub fn backward_input(
    context: &Context,
    (op, x_shape, w_shape): &Shape,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<(), String> {
    let y_shape = op.output_shape(*x_shape, *w_shape).unwrap();
    let (grad_y, grad_values) = random_channels_last(context, 1, &y_shape);
    let (w, w_values) = random_tensor(context, 2, w_shape);
    let grad_x = Tensor::conv2d_backward_input(&grad_y, &w, x_shape, op, algorithm)
        .map_err(|error| error.to_string())?;
    let expected = reference::conv2d_backward_input(op, &grad_values, *x_shape, &w_values, *w_shape);
    agree(&grad_x, &expected, w_shape[0] / op.groups * w_shape[2] * w_shape[3], algorithm)
}

pub fn backward_weight(
    context: &Context,
    (op, x_shape, w_shape): &Shape,
    algorithm: Option<Conv2dAlgorithm>,
) -> Result<(), String> {
    let y_shape = op.output_shape(*x_shape, *w_shape).unwrap();
    let (grad_y, grad_values) = random_channels_last(context, 1, &y_shape);
    let (x, x_values) = random_channels_last(context, 2, x_shape);
    let grad_weight = Tensor::conv2d_backward_weight(&grad_y, &x, w_shape, op, algorithm)
        .map_err(|error| error.to_string())?;
    let expected = reference::conv2d_backward_weight(op, &grad_values, &x_values, *x_shape, *w_shape);
    agree(&grad_weight, &expected, y_shape[0] * y_shape[2] * y_shape[3], algorithm)
}
