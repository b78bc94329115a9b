//! Convolutions in three directions by every algorithm that can run them.

use tilewright_kernels::{
    convolution::{Pass, Problem},
    select::{self, Device},
};
use tilewright_ops::{Conv2d, DType, Pool2d, PoolKind, Pooling, UnaryOp};
use tilewright_runtime::Context;
use tilewright_tensor::{Conv2dCall, Epilogue, Result, Tensor};

use crate::{
    sizes::{images, tensor},
    work::{Quantity, Rows, Work},
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
fn quantity(problem: &Problem) -> Result<Quantity> {
    let bytes = problem.op.bytes(problem.x_shape, problem.w_shape, problem.dtype)?;
    Ok(Quantity::Flops { flops: problem.flops(), bytes })
}

/// Layers of networks by every candidate: forward in f32 and f16, with a pooling behind it in one kernel and in two, and
/// both gradients.
///
/// # Errors
/// Those of making the operands.
pub fn convolution(context: &Context) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    for (name, op, x_shape, w_shape) in SHAPES {
        let problem = Problem::new(&op, x_shape, w_shape)?;
        let (x, w) = (images(context, &x_shape)?, tensor(context, &w_shape)?);
        rows.of(&x);
        passes(&mut rows, context, name, &problem, [&x, &w])?;
        pooled(&mut rows, context, name, &problem, [&x, &w])?;
        let problem = problem.with_dtype(DType::F16);
        let (x, w) = (x.cast(DType::F16)?, w.cast(DType::F16)?);
        for algorithm in select::conv2d_candidates(&Device::of(context), Pass::Forward, &problem) {
            let name = format!("{name}/{}/f16/{}", Pass::Forward.name(), algorithm.name());
            let (x, w) = (x.clone(), w.clone());
            rows.push(&name, quantity(&problem)?, move || {
                x.conv2d_with(&w, &Conv2dCall { algorithm: Some(algorithm), ..Conv2dCall::new(op) })
            });
        }
    }
    Ok(rows.done())
}

fn passes(
    rows: &mut Rows,
    context: &Context,
    name: &str,
    problem: &Problem,
    [x, w]: [&Tensor; 2],
) -> Result<()> {
    let (op, x_shape, w_shape) = (problem.op, problem.x_shape, problem.w_shape);
    let grad_y = images(context, &problem.y_shape)?;
    for pass in Pass::ALL {
        for algorithm in select::conv2d_candidates(&Device::of(context), pass, problem) {
            let name = format!("{name}/{}/{}", pass.name(), algorithm.name());
            let (x, w, grad_y, algorithm) = (x.clone(), w.clone(), grad_y.clone(), Some(algorithm));
            rows.push(&name, quantity(problem)?, move || match pass {
                Pass::Forward => x.conv2d_with(&w, &Conv2dCall { algorithm, ..Conv2dCall::new(op) }),
                Pass::BackwardInput => Tensor::conv2d_backward_input(&grad_y, &w, &x_shape, &op, algorithm),
                Pass::BackwardWeight => Tensor::conv2d_backward_weight(&grad_y, &x, &w_shape, &op, algorithm),
            });
        }
    }
    Ok(())
}

fn pooled(
    rows: &mut Rows,
    context: &Context,
    name: &str,
    problem: &Problem,
    [x, w]: [&Tensor; 2],
) -> Result<()> {
    let (op, pooling) = (problem.op, Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) });
    for algorithm in select::conv2d_candidates(&Device::of(context), Pass::Forward, problem) {
        if !algorithm.pools(problem, &pooling) {
            continue;
        }
        for (how, apart) in [("pooled", false), ("pooled_apart", true)] {
            let (x, w) = (x.clone(), w.clone());
            rows.push(&format!("{name}/{how}/{}", algorithm.name()), quantity(problem)?, move || {
                let relu = Epilogue { activation: Some(UnaryOp::Relu), ..Epilogue::default() };
                if apart {
                    x.conv2d_with(
                        &w,
                        &Conv2dCall { algorithm: Some(algorithm), ..Conv2dCall::new(op).with_epilogue(relu) },
                    )
                    .and_then(|y| y.pool2d(&pooling))
                } else {
                    x.conv2d_with(
                        &w,
                        &Conv2dCall {
                            pool: Some(pooling),
                            algorithm: Some(algorithm),
                            ..Conv2dCall::new(op).with_epilogue(relu)
                        },
                    )
                }
            });
        }
    }
    Ok(())
}
