//! Convolutions in three directions by every algorithm that can run them, in floating-point operations per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    Conv2dCall, DType, Layout, Tensor,
    kernels::{
        convolution::{Pass, Problem},
        select::{self, Device},
    },
    ops::{Conv2d, Pool2d, PoolKind, Pooling, UnaryOp},
    tensor::Epilogue,
};

/// Layers of well-known networks at small batches: name, padding, stride, groups, x, weight.
const SHAPES: [(&str, Conv2d, [usize; 4], [usize; 4]); 6] = [
    ("stem_7x7", conv(3, 2, 1), [1, 3, 224, 224], [64, 3, 7, 7]),
    ("3x3_64", conv(1, 1, 1), [1, 64, 56, 56], [64, 64, 3, 3]),
    ("3x3_256", conv(1, 1, 1), [1, 256, 14, 14], [256, 256, 3, 3]),
    ("3x3_stride_2", conv(1, 2, 1), [1, 128, 28, 28], [256, 128, 3, 3]),
    ("1x1", conv(0, 1, 1), [1, 64, 56, 56], [256, 64, 1, 1]),
    ("depthwise_3x3", conv(1, 1, 96), [1, 96, 112, 112], [96, 1, 3, 3]),
];

const fn conv(padding: usize, stride: usize, groups: usize) -> Conv2d {
    Conv2d { stride: [stride; 2], padding: [padding; 2], dilation: [1; 2], groups }
}

/// FLOPs, and the bytes of operands and result.
fn work(problem: &Problem) -> Work {
    let bytes = problem.op.bytes(problem.x_shape, problem.w_shape, problem.dtype).unwrap();
    Work::Flops { flops: problem.flops(), bytes }
}

fn convolution(criterion: &mut Criterion) {
    let context = context();
    let device = Device::of(&context);
    for (name, op, x_shape, w_shape) in SHAPES {
        let problem = Problem::new(&op, x_shape, w_shape).unwrap();
        let x = tensor(&context, &x_shape).to_layout(Layout::ChannelsLast).unwrap();
        let w = tensor(&context, &w_shape);
        let grad_y = tensor(&context, &problem.y_shape).to_layout(Layout::ChannelsLast).unwrap();
        for pass in Pass::ALL {
            for algorithm in select::conv2d_candidates(&device, pass, &problem) {
                let name = format!("{name}/{}/{}", pass.name(), algorithm.name());
                let work = work(&problem);
                let algorithm = Some(algorithm);
                bench(criterion, "convolution", &name, work, &context, || match pass {
                    Pass::Forward => {
                        x.conv2d_with(&w, &Conv2dCall { algorithm, ..Conv2dCall::new(op) }).unwrap()
                    }
                    Pass::BackwardInput => {
                        Tensor::conv2d_backward_input(&grad_y, &w, &x_shape, &op, algorithm).unwrap()
                    }
                    Pass::BackwardWeight => {
                        Tensor::conv2d_backward_weight(&grad_y, &x, &w_shape, &op, algorithm).unwrap()
                    }
                });
            }
        }
        // A following pooling, in one kernel and in two.
        let pooling = Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) };
        for algorithm in select::conv2d_candidates(&device, Pass::Forward, &problem) {
            if !algorithm.pools(&problem, &pooling) {
                continue;
            }
            let (named, work) = (Some(algorithm), work(&problem));
            let relu = Epilogue { activation: Some(UnaryOp::Relu), ..Epilogue::default() };
            let name = |how: &str| format!("{name}/{how}/{}", algorithm.name());
            bench(criterion, "convolution", &name("pooled"), work, &context, || {
                x.conv2d_with(
                    &w,
                    &Conv2dCall {
                        pool: Some(pooling),
                        algorithm: named,
                        ..Conv2dCall::new(op).with_epilogue(relu)
                    },
                )
                .unwrap()
            });
            bench(criterion, "convolution", &name("pooled_apart"), work, &context, || {
                x.conv2d_with(&w, &Conv2dCall { algorithm: named, ..Conv2dCall::new(op).with_epilogue(relu) })
                    .and_then(|y| y.pool2d(&pooling))
                    .unwrap()
            });
        }
        let problem = problem.with_dtype(DType::F16);
        let (x, w) = (x.cast(DType::F16).unwrap(), w.cast(DType::F16).unwrap());
        for algorithm in select::conv2d_candidates(&device, Pass::Forward, &problem) {
            let name = format!("{name}/{}/f16/{}", Pass::Forward.name(), algorithm.name());
            let work = work(&problem);
            bench(criterion, "convolution", &name, work, &context, || {
                x.conv2d_with(&w, &Conv2dCall { algorithm: Some(algorithm), ..Conv2dCall::new(op) }).unwrap()
            });
        }
    }
}

criterion_group!(benches, convolution);
criterion_main!(benches);
