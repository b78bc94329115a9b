//! Matrix products by every algorithm that can run them, in floating-point operations per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    MatMulCall,
    kernels::{
        matmul::Problem,
        select::{self, Device},
    },
    ops::{DType, MatMul},
};

/// A square, a batch of linear layers, a pointwise convolution, a weight gradient, an odd one.
const SHAPES: [([usize; 3], MatMul); 5] = [
    ([512, 512, 512], MatMul { transpose_left: false, transpose_right: false }),
    ([64, 1000, 2048], MatMul { transpose_left: false, transpose_right: true }),
    ([3136, 256, 64], MatMul { transpose_left: false, transpose_right: true }),
    ([64, 576, 12544], MatMul { transpose_left: true, transpose_right: false }),
    ([255, 257, 253], MatMul { transpose_left: false, transpose_right: false }),
];

fn matmul(criterion: &mut Criterion) {
    let context = context();
    let device = Device::of(&context);
    for (([m, n, k], op), dtype) in
        SHAPES.into_iter().flat_map(|shape| [(shape, DType::F32), (shape, DType::F16)])
    {
        let left = tensor(&context, &if op.transpose_left { [k, m] } else { [m, k] }).cast(dtype).unwrap();
        let right = tensor(&context, &if op.transpose_right { [n, k] } else { [k, n] }).cast(dtype).unwrap();
        let MatMul { transpose_left, transpose_right } = op;
        let problem =
            Problem { batches: 1, m, n, k, transpose_left, transpose_right, dtype, ..Problem::default() };
        let bytes = op.bytes(left.shape(), right.shape(), dtype).unwrap();
        let work = Work::Flops { flops: problem.flops(), bytes };
        for algorithm in select::matmul_candidates(&device, &problem) {
            let mark = |transposed| if transposed { "t" } else { "" };
            let name = format!("{m}x{n}x{k}{}{}", mark(transpose_left), mark(transpose_right));
            let name = format!("{name}/{dtype}/{}", algorithm.name());
            bench(criterion, "matmul", &name, work, &context, || {
                left.matmul_with(&right, &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(op) })
                    .unwrap()
            });
        }
    }
}

criterion_group!(benches, matmul);
criterion_main!(benches);
