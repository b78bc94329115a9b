//! What the tests of products of f16 share.
#![allow(clippy::unwrap_used)]

use half::f16;
use tilewright::{
    Context, DType, MatMulCall, Tensor,
    kernels::{
        matmul::{MatmulAlgorithm, Problem},
        select::Device,
    },
    ops::{MatMul, UnaryOp},
};
use tilewright_reference::{elementwise, matmul as reference};

use super::common::{Cases, close, random};

pub const TRANSPOSES: [MatMul; 4] = [
    MatMul { transpose_left: false, transpose_right: false },
    MatMul { transpose_left: false, transpose_right: true },
    MatMul { transpose_left: true, transpose_right: false },
    MatMul { transpose_left: true, transpose_right: true },
];

/// A random f16 tensor in −1..1, with the numbers it holds.
pub fn random_f16(context: &Context, seed: u64, shape: &[usize]) -> (Tensor, Vec<f32>) {
    let halves: Vec<f16> =
        random(seed, shape.iter().product(), -1.0, 1.0).into_iter().map(f16::from_f32).collect();
    let values = halves.iter().map(|half| half.to_f32()).collect();
    (Tensor::from_slice(context, &halves, shape).unwrap(), values)
}

pub fn shapes(op: &MatMul, batch: [&[usize]; 2], [m, n, k]: [usize; 3]) -> [Vec<usize>; 2] {
    let left = if op.transpose_left { [k, m] } else { [m, k] };
    let right = if op.transpose_right { [n, k] } else { [k, n] };
    [[batch[0], &left].concat(), [batch[1], &right].concat()]
}

pub fn problem(op: &MatMul, batches: usize, [m, n, k]: [usize; 3], dtype: DType) -> Problem {
    let MatMul { transpose_left, transpose_right } = *op;
    let stride = |elements| if batches > 1 { elements } else { 0 };
    let (left_stride, right_stride) = (stride(m * k), stride(k * n));
    Problem { batches, m, n, k, transpose_left, transpose_right, left_stride, right_stride, dtype }
}

/// A device without f16 in shaders says so, and the test holds it to that.
pub fn has_f16(context: &Context, cases: &mut Cases) -> bool {
    let device = Device::of(context);
    if !device.f16 {
        let (x, _) = random_f16(context, 1, &[4, 4]);
        let naive = Some(MatmulAlgorithm::Naive);
        let error = x
            .matmul_with(&x, &MatMulCall { algorithm: naive, ..MatMulCall::new(MatMul::default()) })
            .unwrap_err()
            .to_string();
        let outcome = if error.contains("no f16 in shaders") { Ok(()) } else { Err(error) };
        cases.check("a device without f16", outcome);
    }
    device.f16
}

pub fn expect(
    op: &MatMul,
    shapes: &[Vec<usize>; 2],
    values: [&[f32]; 2],
    bias: Option<&[f32]>,
    residual: Option<&[f32]>,
    activation: Option<UnaryOp>,
) -> Vec<f32> {
    let mut y = reference::matmul(*op, values[0], &shapes[0], values[1], &shapes[1]);
    if let Some(residual) = residual {
        y.iter_mut().zip(residual).for_each(|(y, residual)| *y += residual);
    }
    if let Some(bias) = bias {
        y.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i % bias.len()]);
    }
    activation.map_or(y.clone(), |activation| elementwise::unary(activation, &y))
}

/// The result is rounded to f16, to half a unit in the last of its 11 bits; the sum before that as one of f32.
pub fn close_f16(y: &Tensor, expected: &[f32], k: usize) -> Result<(), String> {
    assert_eq!(y.dtype(), DType::F16);
    let actual: Vec<f32> = y.to_vec::<f16>().unwrap().iter().map(|half| half.to_f32()).collect();
    close(&actual, expected, 4.9e-4, 8e-7 * (k as f64).sqrt().max(1.0))
}
