//! Operations on large tensors that are better, or only, made of others.

use tilewright_ops::{DType, Gradient, Op, SliceRange};

use super::join::Joined;
use crate::{error::Result, hints::Hints, layout::Layout, tensor::Tensor};

/// What needs no cut of its own.
pub(super) fn simply(op: &Op, inputs: &[&Tensor]) -> Result<Option<Vec<Tensor>>> {
    let x = inputs[0];
    match op {
        Op::Cast(dtype) if *dtype == x.dtype() => Ok(Some(vec![x.clone()])),
        Op::Unary(_) | Op::Cast(_) | Op::Binary { .. } | Op::Where => flat(op, inputs),
        Op::Gradient(Gradient::Unary(_) | Gradient::Binary { .. }) => flat(op, inputs),
        Op::Concat { axis } => Ok(Some(vec![concat(*axis, inputs)?])),
        Op::Split { axis, parts } => split(*axis, parts, x).map(Some),
        _ => Ok(None),
    }
}

/// Element by element the axes play no part: one of all elements is cut without a gap, at any place.
fn flat(op: &Op, inputs: &[&Tensor]) -> Result<Option<Vec<Tensor>>> {
    let (shape, layout) = (inputs[0].shape(), inputs[0].layout());
    if shape.len() == 1 || inputs.iter().any(|input| input.shape() != shape) {
        return Ok(None);
    }
    let line = |input: &&Tensor| {
        let input = input.to_layout(layout)?;
        Ok(input.relabel(&[input.count()], Layout::RowMajor))
    };
    let lines = inputs.iter().map(line).collect::<Result<Vec<_>>>()?;
    let results = Tensor::run(op, &lines.iter().collect::<Vec<_>>())?;
    Ok(Some(results.iter().map(|result| result.relabel(shape, layout)).collect()))
}

fn concat(axis: usize, inputs: &[&Tensor]) -> Result<Tensor> {
    let mut shape = inputs[0].shape().to_vec();
    shape[axis] = inputs.iter().map(|input| input.shape()[axis]).sum();
    let mut joined = Joined::new(&shape, axis, 1);
    for input in inputs {
        joined.push(input, 0, input.shape()[axis])?;
    }
    joined.finish()
}

fn split(axis: usize, parts: &[usize], x: &Tensor) -> Result<Vec<Tensor>> {
    let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
    let mut at = 0;
    let mut part = |extent: &usize| {
        ranges[axis] = SliceRange::new(at, at + extent);
        at += extent;
        Tensor::run_one(&Op::Slice(ranges.clone()), &[x])
    };
    parts.iter().map(&mut part).collect()
}

/// What its own cuts do not bring down, in steps that have others.
pub(super) fn in_steps(op: &Op, inputs: &[&Tensor], hints: &Hints) -> Result<Option<Vec<Tensor>>> {
    match op {
        Op::Conv2d { op, bias, residual, activation, pool: Some(pooling) } => {
            let plain =
                Op::Conv2d { op: *op, bias: *bias, residual: *residual, activation: *activation, pool: None };
            let y = Tensor::run_one_with(&plain, inputs, hints)?;
            let pooled = Tensor::run_one(&pooling.op(), &[&y.cast(DType::F32)?])?;
            Ok(Some(vec![pooled.cast(y.dtype())?]))
        }
        _ => Ok(None),
    }
}
