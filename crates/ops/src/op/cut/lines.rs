//! The cuts of what goes along lines: running sums, statistics, elements by index.

use super::pieces::Cut;
use crate::{moments::Moments, op::vocabulary::Op};

/// Statistics of the lines that the axes that stay tell apart. Those of a whole line follow from no two halves in f32.
pub(super) fn statistics<'a>(op: &'a Op, moments: &Moments, x: &[usize]) -> Vec<Cut<'a>> {
    let gone = moments.reduced(x).unwrap_or_default();
    let kept = (0..x.len()).filter(|&axis| gone.get(axis) == Some(&false));
    kept.map(|axis| Cut::plain(op, &[axis; 3], x[axis], vec![Some(axis)])).collect()
}

/// x, and what belongs to a line of it.
pub(super) fn standardized<'a>(op: &'a Op, inputs: &[&[usize]]) -> Vec<Cut<'a>> {
    let [x, mean] = [inputs[0], inputs[1]];
    let own = |axis: usize| (mean[axis] == x[axis]).then_some(axis);
    (0..x.len())
        .map(|axis| Cut::plain(op, &[axis], x[axis], [vec![Some(axis)], vec![own(axis); 3]].concat()))
        .collect()
}

/// Along the axis any part of the indices reads any of x; beside it each line its own.
pub(super) fn gathered<'a>(op: &'a Op, along: usize, inputs: &[&[usize]]) -> Vec<Cut<'a>> {
    let [x, indices] = [inputs[0], inputs[1]];
    (0..indices.len())
        // A part that begins elsewhere reads x from there, whether x is longer or not.
        .map(|axis| Cut::plain(op, &[axis], indices[axis], vec![(axis != along).then_some(axis), Some(axis)]))
        .filter(|_| x.len() == indices.len())
        .collect()
}

/// Batches, and tuples beside tuples.
pub(super) fn gathered_slices<'a>(op: &'a Op, batch: usize, inputs: &[&[usize]]) -> Vec<Cut<'a>> {
    let indices = inputs[1];
    (0..indices.len().saturating_sub(1))
        .map(|axis| Cut::plain(op, &[axis], indices[axis], vec![(axis < batch).then_some(axis), Some(axis)]))
        .collect()
}

/// Lines beside each other, where x, indices and updates have the same of them. Updates of one line are met in their order.
pub(super) fn scattered<'a>(op: &'a Op, along: usize, inputs: &[&[usize]]) -> Vec<Cut<'a>> {
    let x = inputs[0];
    let alike = |axis: usize| inputs.iter().all(|shape| shape.get(axis) == Some(&x[axis]));
    (0..x.len())
        .filter(|&axis| axis != along && alike(axis))
        .map(|axis| Cut::plain(op, &[axis], x[axis], vec![Some(axis); inputs.len()]))
        .collect()
}
