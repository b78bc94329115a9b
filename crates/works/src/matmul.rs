//! Matrix products by every algorithm that can run them.

use tilewright_kernels::{
    matmul::Problem,
    select::{self, Device},
};
use tilewright_ops::{DType, MatMul};
use tilewright_runtime::Context;
use tilewright_tensor::MatMulCall;
use tilewright_tensor::Result;

use crate::{
    sizes::tensor,
    work::{Quantity, Rows, Work},
};

/// M, N, K of a square, a batch of linear layers, a pointwise convolution, a weight gradient, an odd one.
const SHAPES: [([usize; 3], MatMul); 5] = [
    ([512, 512, 512], MatMul { transpose_left: false, transpose_right: false }),
    ([64, 1000, 2048], MatMul { transpose_left: false, transpose_right: true }),
    ([3136, 256, 64], MatMul { transpose_left: false, transpose_right: true }),
    ([64, 576, 12544], MatMul { transpose_left: true, transpose_right: false }),
    ([255, 257, 253], MatMul { transpose_left: false, transpose_right: false }),
];

/// Products of f32 and f16 by every candidate.
///
/// # Errors
/// Those of making the operands.
pub fn matmul(context: &Context) -> Result<Vec<Work>> {
    let device = Device::of(context);
    let mut rows = Rows::new();
    for (([m, n, k], op), dtype) in
        SHAPES.into_iter().flat_map(|shape| [(shape, DType::F32), (shape, DType::F16)])
    {
        let MatMul { transpose_left, transpose_right } = op;
        let left = tensor(context, &if transpose_left { [k, m] } else { [m, k] })?.cast(dtype)?;
        let right = tensor(context, &if transpose_right { [n, k] } else { [k, n] })?.cast(dtype)?;
        let problem =
            Problem { batches: 1, m, n, k, transpose_left, transpose_right, dtype, ..Problem::default() };
        let bytes = op.bytes(left.shape(), right.shape(), dtype)?;
        let quantity = Quantity::Flops { flops: problem.flops(), bytes };
        let mark = |transposed| if transposed { "t" } else { "" };
        rows.of(&left);
        for algorithm in select::matmul_candidates(&device, &problem) {
            let name = format!(
                "{m}x{n}x{k}{}{}/{dtype}/{}",
                mark(transpose_left),
                mark(transpose_right),
                algorithm.name()
            );
            let (a, b) = (left.clone(), right.clone());
            rows.push(&name, quantity, move || {
                a.matmul_with(&b, &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(op) })
            });
        }
    }
    Ok(rows.done())
}
