//! Operations on tensors that are larger than what the device binds at once (128 MiB on software Vulkan): they run in slices.
//!
//! [`tilewright_ops::Op::cuts`] says along which axes an operation can be computed in pieces; `choose` picks an axis and a
//! number of pieces; `take` brings parts of operands into memory of their own and `join` puts results together, both by the
//! device's own copies, which no limit of bindings holds; a piece is then an operation like any other, on
//! [`Tensor::run_with`]. Where one axis is not enough, the piece is cut again along another. A recording keeps all of it, and
//! what is cut from constants is cut once.

mod choose;
mod in_place;
mod join;
mod limit;
mod ranges;
mod rewrite;
mod runs;
mod take;

use tilewright_ops::{DType, Op, op::cut::Join};

use crate::{error::Error, error::Result, hints::Hints, layout::Layout, tensor::Tensor};

pub(crate) use in_place::{in_place, slices};
pub(crate) use limit::{exceeds, is_needed, limit};
pub(crate) use take::to_layout;

/// Runs `op`, whose operands fit it and whose results have `shapes`, in slices.
///
/// # Errors
/// [`tilewright_runtime::Error::Limit`] if it cannot.
pub(crate) fn run(op: &Op, inputs: &[&Tensor], shapes: &[Vec<usize>], hints: &Hints) -> Result<Vec<Tensor>> {
    // A result is one buffer. Beyond that there is nothing to count pieces for.
    let most = inputs[0].context().limits().max_buffer_size;
    if shapes.iter().any(|shape| limit::bytes(shape) > most.saturating_mul(2)) {
        return Err(refusal(op, inputs, shapes));
    }
    let bare: Vec<_> = inputs.iter().map(|input| input.without_quantization()).collect();
    let inputs: Vec<_> = bare.iter().collect();
    if let Some(results) = rewrite::simply(op, &inputs)? {
        return Ok(results);
    }
    let extents: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
    let choice = choose::choose(op, op.cuts(&extents, shapes), &inputs, shapes);
    match choice {
        Some(choice) if choice.fits => in_pieces(op, choice, &inputs, shapes, hints),
        choice => {
            if let Some(results) = rewrite::in_steps(op, &inputs, hints)? {
                return Ok(results);
            }
            match choice {
                Some(choice) => in_pieces(op, choice, &inputs, shapes, hints),
                None if inputs.iter().any(|input| input.dtype().size() < 4) => widened(op, &inputs, hints),
                None => Err(refusal(op, &inputs, shapes)),
            }
        }
    }
}

fn in_pieces(
    op: &Op,
    choose::Choice { cut, pieces, unit, .. }: choose::Choice<'_>,
    inputs: &[&Tensor],
    shapes: &[Vec<usize>],
    hints: &Hints,
) -> Result<Vec<Tensor>> {
    // What every piece reads is turned around once.
    let facts = op.facts();
    let ready = |(at, input): (usize, &&Tensor)| match facts.input(at).layout {
        tilewright_ops::op::Preference::ChannelsLast if !exceeds(input.shape(), limit(input)) => {
            input.to_layout(Layout::ChannelsLast)
        }
        _ => Ok((*input).clone()),
    };
    let ready: Vec<_> = inputs.iter().enumerate().map(ready).collect::<Result<_>>()?;
    let hints = Hints { over_residual: false, over: None, ..*hints };
    let mut joined: Vec<join::Joined> = match &cut.join {
        Join::Along(axes) => {
            axes.iter().zip(shapes).map(|(&axis, shape)| join::Joined::new(shape, axis, unit)).collect()
        }
        Join::Fold { .. } => Vec::new(),
    };
    let mut folded: Option<Tensor> = None;
    for range in ranges::ranges(cut.extent, unit, pieces) {
        let wanted = range.len();
        let piece = cut.piece(range);
        let operands: Vec<_> = piece
            .operands
            .iter()
            .map(|(at, part)| {
                part.as_ref().map_or_else(|| Ok(ready[*at].clone()), |part| take::take(&ready[*at], part))
            })
            .collect::<Result<_>>()?;
        let results = Tensor::run_with(&piece.op, &operands.iter().collect::<Vec<_>>(), &hints)?;
        match &cut.join {
            Join::Along(_) => {
                for (joined, result) in joined.iter_mut().zip(results) {
                    joined.push(&result, piece.skip, wanted)?;
                }
            }
            Join::Fold { by, .. } => {
                let Some(result) = results.into_iter().next() else { continue };
                let by = Op::Binary { op: *by, activation: None };
                folded = Some(match folded {
                    Some(before) => Tensor::run_one(&by, &[&before, &result])?,
                    None => result,
                });
            }
        }
    }
    let Join::Fold { then, .. } = &cut.join else {
        return joined.into_iter().map(join::Joined::finish).collect();
    };
    let Some(mut y) = folded else { return Err(refusal(op, inputs, shapes)) };
    for step in then {
        let operands = [Some(&y), step.operand.map(|at| inputs[at])];
        y = Tensor::run_one(&step.op, &operands.into_iter().flatten().collect::<Vec<_>>())?;
    }
    Ok(vec![y])
}

/// By way of types of four bytes, which can be cut anywhere.
fn widened(op: &Op, inputs: &[&Tensor], hints: &Hints) -> Result<Vec<Tensor>> {
    let dtypes: Vec<DType> = inputs.iter().map(|input| input.dtype()).collect();
    let dtypes = op.facts().output_dtypes(&dtypes)?;
    let wide = |input: &&Tensor| match input.words() {
        Some(dtype) => input.cast(dtype),
        None => Ok((*input).clone()),
    };
    let wide: Vec<_> = inputs.iter().map(wide).collect::<Result<_>>()?;
    let results = Tensor::run_with(op, &wide.iter().collect::<Vec<_>>(), hints)?;
    results.into_iter().zip(dtypes).map(|(result, dtype)| result.cast(dtype)).collect()
}

/// What cannot be cut.
fn refusal(op: &Op, inputs: &[&Tensor], shapes: &[Vec<usize>]) -> Error {
    let facts = op.facts();
    let named = inputs.iter().enumerate().map(|(at, input)| (facts.input(at).name, input.shape()));
    let results = facts.outputs.iter().zip(shapes).map(|(output, shape)| (output.name, shape.as_slice()));
    let largest = named.chain(results).max_by_key(|(_, shape)| limit::bytes(shape));
    let (name, shape) = largest.unwrap_or_default();
    tilewright_runtime::Error::Limit {
        op: facts.name.to_owned(),
        what: tilewright_runtime::STORAGE_BINDING,
        needed: limit::bytes(shape),
        limit: limit(inputs[0]),
        detail: format!("`{name}` of shape {shape:?}; it cannot run in slices that fit"),
    }
    .into()
}
