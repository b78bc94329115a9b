//! `cross_entropy`, `cross_entropy_mean` and `cross_entropy_backward`.

use tilewright_ops::{CrossEntropy, DType, ReduceOp, Reduction};
use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::{
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    reduction::{
        lines::Lines,
        plan::{Axis, Plan},
        reduce::reduce,
        softmax::log_sum_exp,
    },
};

params! { Params for "cross_entropy" {
    samples: u32,
    classes: u32,
    after: u32,
    ignored: i32,
    smoothing: f32,
    not_a_number: u32,
} }

params! { MeanParams for "cross_entropy_mean" { not_a_number: u32 } }

params! { BackwardParams for "cross_entropy_backward" {
    lines: u32,
    along: u32,
    after: u32,
    parts: u32,
    ignored: i32,
    smoothing: f32,
    not_a_number: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, MeanParams::LAYOUT, BackwardParams::LAYOUT];

const OP: &str = "cross_entropy";

/// Classes that the smoothing's loop takes.
const MOST_SMOOTHED: usize = 65_000;

/// The operands of a cross-entropy.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// Logits, f32.
    pub logits: &'a Buffer,
    /// How they lie: a line has the classes of a sample. There is at least one sample and one class.
    pub view: Lines,
    /// Labels, i32, one for each sample.
    pub labels: &'a Buffer,
    /// Weights of the classes, f32.
    pub weights: Option<&'a Buffer>,
}

/// `y` = one loss for each sample, or their sum or mean.
pub fn cross_entropy(context: &Context, op: &CrossEntropy, operands: Operands<'_>, y: &Buffer) -> Result<()> {
    let lines = log_sum_exp(context, OP, operands.logits, operands.view)?;
    let samples = operands.view.lines();
    match op.reduction {
        Reduction::None => terms(context, op, operands, &lines, y),
        Reduction::Sum => {
            let losses = context.alloc(samples as u64 * 4)?;
            terms(context, op, operands, &lines, &losses)?;
            reduce(context, ReduceOp::Sum, DType::F32, &losses, y, &row(1, samples))
        }
        Reduction::Mean => {
            let sums = sums(context, op, operands, &lines)?;
            let kernel = Specialisation::new("cross_entropy_mean").with_u32("WORKGROUP", WORKGROUP);
            let params = MeanParams { not_a_number: f32::NAN.to_bits() };
            let dispatch =
                Dispatch { op: OP, params: bytemuck::bytes_of(&params), buffers: &[&sums, y], groups: 1 };
            context.dispatch(&kernel, &dispatch)
        }
    }
}

/// The gradient of the logits, which lies as they do.
pub fn cross_entropy_backward(
    context: &Context,
    op: &CrossEntropy,
    operands: Operands<'_>,
    grad_y: &Buffer,
    grad_x: &Buffer,
) -> Result<()> {
    let Operands { logits, view, labels, weights } = operands;
    let lines = log_sum_exp(context, OP, logits, view)?;
    // What a variant does not read is bound to something that is there.
    let sums =
        if op.reduction == Reduction::Mean { sums(context, op, operands, &lines)? } else { lines.clone() };
    let weight_sum = match weights {
        Some(weights) if op.label_smoothing > 0.0 => {
            let sum = context.alloc(4)?;
            reduce(context, ReduceOp::Sum, DType::F32, weights, &sum, &row(1, view.along))?;
            sum
        }
        _ => lines.clone(),
    };
    let kernel = specialise("cross_entropy_backward", op, operands)
        .with_bool("MEAN", op.reduction == Reduction::Mean)
        .with_bool("LINES_FIRST", view.lines_first())
        .with_bool("EACH", op.reduction == Reduction::None);
    let params = BackwardParams {
        lines: to_u32(OP, view.lines())?,
        along: to_u32(OP, view.along)?,
        after: to_u32(OP, view.after)?,
        parts: to_u32(OP, view.parts())?,
        ignored: op.ignore_index.unwrap_or_default(),
        smoothing: op.label_smoothing,
        not_a_number: f32::NAN.to_bits(),
    };
    let dispatch = Dispatch {
        op: OP,
        params: bytemuck::bytes_of(&params),
        buffers: &[logits, &lines, labels, weights.unwrap_or(logits), &weight_sum, &sums, grad_y, grad_x],
        groups: workgroups(to_u32(OP, view.lines() * view.parts())?),
    };
    context.dispatch(&kernel, &dispatch)
}

/// The sum of the losses and the sum of the weights that count, one behind the other.
fn sums(context: &Context, op: &CrossEntropy, operands: Operands<'_>, lines: &Buffer) -> Result<Buffer> {
    let samples = operands.view.lines();
    let both = context.alloc(samples as u64 * 8)?;
    terms(context, op, operands, lines, &both)?;
    let sums = context.alloc(8)?;
    reduce(context, ReduceOp::Sum, DType::F32, &both, &sums, &row(2, samples))?;
    Ok(sums)
}

/// The loss of each sample, and for a mean its weight behind all losses.
fn terms(
    context: &Context,
    op: &CrossEntropy,
    operands: Operands<'_>,
    lines: &Buffer,
    terms: &Buffer,
) -> Result<()> {
    let Operands { logits, view, labels, weights } = operands;
    if op.label_smoothing > 0.0 && view.along > MOST_SMOOTHED {
        return Err(Error::Limit {
            op: OP.to_owned(),
            what: "the number of classes with label smoothing",
            needed: view.along as u64,
            limit: MOST_SMOOTHED as u64,
            detail: format!("{view:?}"),
        });
    }
    let samples = to_u32(OP, view.lines())?;
    let kernel = specialise("cross_entropy", op, operands).with_bool("MEAN", op.reduction == Reduction::Mean);
    let params = Params {
        samples,
        classes: to_u32(OP, view.along)?,
        after: to_u32(OP, view.after)?,
        ignored: op.ignore_index.unwrap_or_default(),
        smoothing: op.label_smoothing,
        not_a_number: f32::NAN.to_bits(),
    };
    let dispatch = Dispatch {
        op: OP,
        params: bytemuck::bytes_of(&params),
        buffers: &[logits, lines, labels, weights.unwrap_or(logits), terms],
        groups: workgroups(samples),
    };
    context.dispatch(&kernel, &dispatch)
}

fn specialise(stem: &'static str, op: &CrossEntropy, operands: Operands<'_>) -> Specialisation {
    Specialisation::new(stem)
        .with_u32("WORKGROUP", WORKGROUP)
        .with_bool("WEIGHTED", operands.weights.is_some())
        .with_bool("SMOOTHED", op.label_smoothing > 0.0)
        .with_bool("IGNORES", op.ignore_index.is_some())
}

/// Sums over the rows of a matrix.
fn row(rows: usize, columns: usize) -> Plan {
    Plan::new([Axis { extent: rows, stride: columns }], [Axis { extent: columns, stride: 1 }])
}
