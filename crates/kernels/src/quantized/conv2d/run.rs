//! A convolution of bytes by the algorithm that is named or chosen, whatever its numbers of channels.

use tilewright_ops::QConv2d;
use tilewright_runtime::{Buffer, Context, Error, Result};

use super::{
    algorithm::QConv2dAlgorithm,
    call::{Operands, QConv2dLaunch},
    depthwise, direct, implicit_gemm, lanes,
    prepare::constants,
    table::choose,
    trial::try_out,
};
use crate::{
    base::device::Device,
    quantized::channels::{through_words, whole_words},
};

/// The convolution, in y: bytes N OH OW O in memory, or i32 where sums do not become bytes.
///
/// # Errors
/// [`Error::Unsupported`] for an algorithm that cannot run this shape here.
pub fn qconv2d(context: &Context, call: &QConv2dLaunch<'_>, y: &Buffer) -> Result<()> {
    let (op, problem) = (QConv2d::OP, &call.problem);
    if call.algorithm.is_none() {
        try_out(context);
    }
    let device = Device::of(context);
    let algorithm = call.algorithm.unwrap_or_else(|| choose(&device, problem).algorithm);
    if let Some(obstacle) = algorithm.obstacle(&device, problem) {
        return Err(Error::Unsupported {
            op: op.to_owned(),
            algorithm: algorithm.name(),
            reason: format!("{obstacle}: {problem}"),
        });
    }
    let pixels = |[n, _, h, w]: [usize; 4]| n * h * w;
    // A depthwise kernel knows no groups: a word holds channels of four of them.
    let [inputs, outputs] = problem.group_channels();
    let (groups, inputs, outputs) = match algorithm {
        QConv2dAlgorithm::Depthwise => (1, problem.x_shape[1], problem.y_shape[1]),
        _ => (problem.op.groups, inputs, outputs),
    };
    let (x_rows, y_rows) = (pixels(problem.x_shape) * groups, pixels(problem.y_shape) * groups);
    let x = whole_words(context, op, call.x, x_rows, inputs, call.op.x_zero)?;
    let residual = match call.residual {
        Some((residual, _, means)) => whole_words(context, op, residual, y_rows, outputs, means.zero_point)?,
        None => x.clone(),
    };
    let constants = constants(context, call, algorithm)?;
    let run = |y: &Buffer| {
        let operands = Operands { x: &x, constants: &constants, residual: &residual, y };
        match algorithm {
            QConv2dAlgorithm::Direct => direct::run(context, call, &operands),
            QConv2dAlgorithm::Lanes => lanes::run(context, call, &operands),
            QConv2dAlgorithm::ImplicitGemm => implicit_gemm::run(context, call, &operands, false),
            QConv2dAlgorithm::ImplicitGemmF32 => implicit_gemm::run(context, call, &operands, true),
            QConv2dAlgorithm::Depthwise => depthwise::run(context, call, &operands),
        }
    };
    match call.op.y {
        // Sums are stored one by one.
        None => run(y),
        Some(_) => through_words(context, op, y, y_rows, outputs, run),
    }
}
