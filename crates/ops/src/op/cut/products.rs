//! The cuts of matrix products and convolutions.

use std::ops::Range;

use super::{
    pieces::{Cut, Part, Piece, Then},
    windows::Windows,
};
use crate::{
    conv_transpose::ConvTranspose2d,
    convolution::Conv2d,
    elementwise::{BinaryOp, UnaryOp},
    matmul::MatMul,
    op::vocabulary::Op,
};

pub(super) fn product<'a>(
    whole: &'a Op,
    op: &'a MatMul,
    [bias, residual]: [bool; 2],
    activation: Option<UnaryOp>,
    inputs: &'a [&'a [usize]],
    y: &'a [usize],
) -> Vec<Cut<'a>> {
    let (left, right, rank) = (inputs[0], inputs[1], y.len());
    // The axes of the operands: rows and what is summed over, that and columns.
    let [m, left_k] = swapped(left.len(), op.transpose_left);
    let [right_k, n] = swapped(right.len(), op.transpose_right);
    let addends = |columns: Option<usize>, axis: usize| {
        [bias.then_some(columns), residual.then_some(Some(axis))].into_iter().flatten()
    };
    let mut cuts = Vec::new();
    for (axis, &extent) in y.iter().enumerate() {
        let own = |shape: &[usize]| {
            let at = (axis + shape.len()).checked_sub(rank)?;
            (shape[at] == extent).then_some(at)
        };
        let (factors, columns) = match rank - axis {
            1 => ([None, Some(n)], Some(0)),
            2 => ([Some(m), None], None),
            _ => ([own(left), own(right)], None),
        };
        cuts.push(Cut::plain(
            whole,
            &[axis],
            extent,
            factors.into_iter().chain(addends(columns, axis)).collect(),
        ));
    }
    let plain = Op::MatMul { op: *op, bias: false, residual: false, activation: None };
    let then = bias.then(|| Then::plus(2)).into_iter();
    let then = then.chain(residual.then(|| Then::plus(inputs.len() - 1)));
    let then = then.chain(activation.map(|activation| Then::alone(Op::Unary(activation)))).collect();
    let rule = move |range| Piece::new(plain.clone(), &[Some(left_k), Some(right_k)], &range);
    cuts.push(Cut::fold(BinaryOp::Add, then, left[left_k], rule));
    cuts
}

/// The last two axes of an operand of a product, as they are read.
fn swapped(rank: usize, transpose: bool) -> [usize; 2] {
    if transpose { [rank - 1, rank - 2] } else { [rank - 2, rank - 1] }
}

pub(super) fn conv_batch<'a>(whole: &'a Op, residual: bool, inputs: &[&[usize]]) -> Cut<'a> {
    let mut operands = vec![None; inputs.len()];
    operands[0] = Some(0);
    if residual {
        operands[inputs.len() - 1] = Some(0);
    }
    Cut::plain(whole, &[0], inputs[0][0], operands)
}

/// Output channels; whole groups of them where there are several.
pub(super) fn conv_outputs<'a>(
    whole: &'a Op,
    op: &'a Conv2d,
    [bias, residual]: [bool; 2],
    inputs: &'a [&'a [usize]],
) -> Cut<'a> {
    let (outputs, inputs_each) = (inputs[1][0], inputs[1][1]);
    let each = if op.groups > 1 { outputs / op.groups } else { 1 };
    let rule = move |range: Range<usize>| {
        let mut piece = whole.clone();
        let groups = range.start / each..range.end / each;
        if let (Op::Conv2d { op: piece, .. }, true) = (&mut piece, op.groups > 1) {
            piece.groups = groups.len();
        }
        let x = (op.groups > 1).then(|| Part::new(1, groups.start * inputs_each..groups.end * inputs_each));
        let mut operands = vec![(0, x), (1, Some(Part::new(0, range.clone())))];
        operands.extend(bias.then(|| (2, Some(Part::new(0, range.clone())))));
        operands.extend(residual.then(|| (inputs.len() - 1, Some(Part::new(1, range.clone())))));
        Piece { op: piece, operands, skip: 0 }
    };
    Cut::along(&[1], outputs, rule).by(each)
}

/// Rows or columns, without a pooling behind.
pub(super) fn conv_rows<'a>(
    whole: &'a Op,
    op: &Conv2d,
    axis: usize,
    residual: bool,
    inputs: &'a [&'a [usize]],
    y: &[usize],
) -> Cut<'a> {
    let windows = windows(op, axis, inputs[1], inputs[0][axis]);
    let rule = move |range: Range<usize>| {
        let (part, skip) = windows.read(&range);
        // A residual has as many rows as the piece makes.
        let (made, wanted) = (windows.count(part.range.len()), range.len());
        let border = (skip, made.saturating_sub(skip + wanted));
        let mut operands: Vec<_> = (0..inputs.len()).map(|at| (at, None)).collect();
        operands[0].1 = Some(part);
        if residual {
            operands[inputs.len() - 1].1 = Some(Part { border, ..Part::new(axis, range) });
        }
        Piece { op: whole.clone(), operands, skip }
    };
    Cut::along(&[axis], y[axis], rule)
}

/// The windows of a convolution along `axis` of an x of `extent` positions.
pub(super) fn windows(op: &Conv2d, axis: usize, weight: &[usize], extent: usize) -> Windows {
    let at = axis - 2;
    Windows::new(axis, op.stride[at], op.padding[at], [weight[axis], op.dilation[at]], extent)
}

pub(super) fn transposed<'a>(
    whole: &'a Op,
    op: &ConvTranspose2d,
    inputs: &[&'a [usize]],
    y: &[usize],
) -> Vec<Cut<'a>> {
    let (x, weight) = (inputs[0], inputs[1]);
    let mut cuts = vec![Cut::plain(whole, &[0], x[0], vec![Some(0), None])];
    if op.groups == 1 {
        cuts.push(Cut::plain(whole, &[1], y[1], vec![None, Some(1)]));
    }
    for axis in [2, 3] {
        let windows = windows(&op.transposed(), axis, weight, y[axis]);
        cuts.push(Cut::along(&[axis], y[axis], move |range| {
            let (part, skip) = windows.written(&range, x[axis]);
            Piece { op: whole.clone(), operands: vec![(0, Some(part)), (1, None)], skip }
        }));
    }
    cuts
}

/// Whole channels of windows as columns.
pub(super) fn columns(op: &Op, extent: usize, taps: usize) -> Cut<'_> {
    let rule = move |range: Range<usize>| {
        let part = Part::new(1, range.start / taps..range.end / taps);
        Piece { op: op.clone(), operands: vec![(0, Some(part))], skip: 0 }
    };
    Cut::along(&[1], extent, rule).by(taps)
}

/// Batches, heads, and queries where their places do not matter.
pub(super) fn attention<'a>(op: &'a Op, causal: bool, mask: bool, inputs: &[&[usize]]) -> Vec<Cut<'a>> {
    let query = inputs[0];
    let axes = if causal { 0..2 } else { 0..3 };
    let rule = |axis: usize| {
        let keys = (axis < 2).then_some(axis);
        let mut operands = vec![Some(axis), keys, keys];
        operands.extend(mask.then(|| (inputs[3][axis] == query[axis]).then_some(axis)));
        Cut::plain(op, &[axis; 2], query[axis], operands)
    };
    axes.map(rule).collect()
}
