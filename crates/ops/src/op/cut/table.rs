//! The cuts of every operation, one arm for each.

use super::{
    lines::{gathered, gathered_slices, scattered, standardized, statistics},
    pieces::{Cut, Join, Part, Piece, Then},
    products::{attention, columns, conv_batch, conv_outputs, conv_rows, product, transposed},
    windows::Windows,
};
use crate::{
    elementwise::{BinaryOp, UnaryOp},
    loss::{CrossEntropy, Reduction},
    movement::SliceRange,
    op::vocabulary::Op,
    pooling::Pool2d,
    reduction::{ReduceOp, reduced_axes},
};

impl Op {
    /// The ways in which it can be computed in pieces. `inputs` and `outputs` are the shapes of its operands and results,
    /// which fit.
    #[must_use]
    pub fn cuts<'a>(&'a self, inputs: &'a [&'a [usize]], outputs: &'a [Vec<usize>]) -> Vec<Cut<'a>> {
        let x = inputs[0];
        let y = outputs.first().map_or(&[][..], |shape| shape);
        match self {
            Self::Unary(_) | Self::Cast(_) | Self::Binary { .. } | Self::Where => {
                axes(y).map(|axis| broadcast(self, inputs, y, axis)).collect()
            }
            Self::MatMul { op, bias, residual, activation } => {
                product(self, op, [*bias, *residual], *activation, inputs, y)
            }
            Self::Conv2d { op, bias, residual, activation: _, pool } => {
                let mut cuts = vec![conv_batch(self, *residual, inputs)];
                cuts.push(conv_outputs(self, op, [*bias, *residual], inputs));
                if pool.is_none() {
                    cuts.extend([2, 3].map(|axis| conv_rows(self, op, axis, *residual, inputs, y)));
                }
                cuts
            }
            Self::ConvTranspose2d(op) => transposed(self, op, inputs, y),
            Self::Im2col { op: _, kernel } => {
                let taps = kernel[0] * kernel[1];
                vec![Cut::plain(self, &[0], x[0], vec![Some(0)]), columns(self, y[1], taps)]
            }
            Self::BatchNorm { .. } => axes(x).map(|axis| normalised(self, x, axis, &[axis])).collect(),
            Self::BatchNormTrain { .. } => vec![normalised(self, x, 1, &[1, 0, 0, 0, 0, 0])],
            Self::MaxPool2d { pool, indices } => {
                // An index is one of the whole plane.
                let (results, rows) = if *indices { (2, None) } else { (1, Some(pool)) };
                pooled(self, results, rows, x, y)
            }
            Self::AvgPool2d(pool) | Self::SumPool2d(pool) => pooled(self, 1, Some(pool), x, y),
            Self::AdaptiveAvgPool2d(pool) => {
                let mut cuts = pooled(self, 1, None, x, y);
                if pool.output == [1, 1] {
                    // One window is all of the plane.
                    let sums = reduced(ReduceOp::Mean, &[2, 3], true, x, y);
                    cuts.extend(sums.into_iter().filter(|cut| matches!(cut.join, Join::Fold { .. })));
                }
                cuts
            }
            Self::Reduce { op, axes, keepdim } => reduced(*op, axes, *keepdim, x, y),
            Self::Argmax { axes: gone, keepdim } => {
                let flags = reduced_axes("argmax", x, gone).unwrap_or_default();
                kept(&flags, *keepdim)
                    .map(|(from, to)| Cut::plain(self, &[to], x[from], vec![Some(from)]))
                    .collect()
            }
            Self::Softmax(op) => others(self, 1, 1, x, op.axis),
            Self::LogSoftmax(op) => others(self, 1, 1, x, op.axis),
            Self::CrossEntropy { op, weights } => losses(self, op, *weights, x),
            // The mask is drawn by the place of an element in the whole.
            Self::Dropout { .. } => Vec::new(),
            // Nothing is computed.
            Self::Reshape(_) => Vec::new(),
            Self::Permute(order) => {
                axes(y).map(|axis| Cut::plain(self, &[axis], y[axis], vec![Some(order[axis])])).collect()
            }
            Self::Slice(ranges) => axes(y).map(|axis| sliced(ranges, y, axis)).collect(),
            Self::Concat { axis: along } => {
                let beside = axes(y).filter(|axis| axis != along);
                beside
                    .map(|axis| Cut::plain(self, &[axis], y[axis], vec![Some(axis); inputs.len()]))
                    .collect()
            }
            Self::Split { axis: along, parts } => others(self, 1, parts.len(), x, *along),
            Self::Pad { padding, value } => axes(y).map(|axis| padded(padding, *value, x, y, axis)).collect(),
            Self::Expand(shape) => axes(y).map(move |axis| expanded(shape, x, y, axis)).collect(),
            Self::Resample { axis: first } => axes(y)
                .map(|axis| {
                    // The tables of the two axes say where each place reads.
                    let tables = [*first, first + 1].map(|drawn| (drawn == axis).then_some(0));
                    let x = (tables == [None, None]).then_some(axis);
                    Cut::plain(self, &[axis], y[axis], vec![x, tables[0], tables[1]])
                })
                .collect(),
            Self::Gather { axis: along } => axes(y)
                .map(|axis| {
                    let places = *along..along + inputs[1].len();
                    let operands = if places.contains(&axis) {
                        vec![None, Some(axis - along)]
                    } else if axis < *along {
                        vec![Some(axis), None]
                    } else {
                        vec![Some(axis + 1 - inputs[1].len()), None]
                    };
                    Cut::plain(self, &[axis], y[axis], operands)
                })
                .collect(),
            Self::Attention { op, mask } => attention(self, op.causal, *mask, inputs),
            Self::TopK(op) => others(self, 1, 2, x, op.axis),
            // Boxes of an image meet.
            Self::Nms(_) => vec![Cut::plain(self, &[0], x[0], vec![Some(0); 2])],
            Self::RoiAlign(_) => regions(self, 1, inputs),
            Self::RoiPool(_) => regions(self, 2, inputs),
            Self::CumSum(op) => others(self, 1, 1, x, op.axis),
            Self::Moments(op) => statistics(self, op, x),
            Self::Standardize => standardized(self, inputs),
            Self::GatherElements { axis } => gathered(self, *axis, inputs),
            Self::GatherNd { batch } => gathered_slices(self, *batch, inputs),
            Self::ScatterElements { axis, .. } => scattered(self, *axis, inputs),
            // An update meets any place.
            Self::Scatter { .. } | Self::ScatterNd { .. } => Vec::new(),
            Self::FakeQuantize(op) => axes(x).map(|axis| scaled(self, op.axis, x, axis, &[axis])).collect(),
            // Pieces of bytes are no whole words.
            Self::Quantized(_) => vec![],
            // How its pieces would be computed is not known.
            Self::Custom(_) => vec![],
            Self::Gradient(gradient) => gradient.cuts(self, inputs, outputs),
        }
    }
}

/// All axes of a shape.
pub(super) fn axes(shape: &[usize]) -> std::ops::Range<usize> {
    0..shape.len()
}

/// `axis` of a result of shape `y` in each operand, which broadcasts to it.
pub(super) fn broadcast<'a>(op: &'a Op, inputs: &[&[usize]], y: &[usize], axis: usize) -> Cut<'a> {
    let own = |shape: &&[usize]| {
        let at = (axis + shape.len()).checked_sub(y.len())?;
        (shape[at] == y[axis]).then_some(at)
    };
    Cut::plain(op, &[axis], y[axis], inputs.iter().map(own).collect())
}

/// Every axis of `shape` but `along`, the same in all operands and results.
pub(super) fn others<'a>(
    op: &'a Op,
    operands: usize,
    results: usize,
    shape: &[usize],
    along: usize,
) -> Vec<Cut<'a>> {
    let cut = |axis: usize| Cut::plain(op, &vec![axis; results], shape[axis], vec![Some(axis); operands]);
    axes(shape).filter(|&axis| axis != along).map(cut).collect()
}

/// An axis of a batch normalisation's x; what belongs to channels goes with axis 1.
fn normalised<'a>(op: &'a Op, x: &[usize], axis: usize, results: &[usize]) -> Cut<'a> {
    let channels = (axis == 1).then_some(0);
    Cut::plain(op, results, x[axis], [vec![Some(axis)], vec![channels; 4]].concat())
}

/// An axis of x, of which the numbers of `own` have scales of their own.
pub(super) fn scaled<'a>(
    op: &'a Op,
    own: Option<usize>,
    x: &[usize],
    axis: usize,
    results: &[usize],
) -> Cut<'a> {
    let numbers = (own == Some(axis)).then_some(0);
    let grad_y = matches!(op, Op::Gradient(_)).then_some(Some(axis));
    let operands = [Some(axis), numbers, numbers].into_iter().chain(grad_y).collect();
    Cut::plain(op, results, x[axis], operands)
}

/// The axes that a reduction keeps, and what they are in its result.
fn kept(gone: &[bool], keepdim: bool) -> impl Iterator<Item = (usize, usize)> + '_ {
    let place =
        move |axis: usize| if keepdim { axis } else { gone[..axis].iter().filter(|gone| !**gone).count() };
    (0..gone.len()).filter(|&axis| !gone[axis]).map(move |axis| (axis, place(axis)))
}

fn reduced<'a>(op: ReduceOp, axes: &[usize], keepdim: bool, x: &'a [usize], y: &[usize]) -> Vec<Cut<'a>> {
    let gone = reduced_axes(op.name(), x, axes).unwrap_or_default();
    // Which axes they are does not change with an extent; none would mean all.
    let named: Vec<usize> = (0..gone.len()).filter(|&axis| gone[axis]).collect();
    let piece = |op| Op::Reduce { op, axes: named.clone(), keepdim };
    let mut cuts: Vec<Cut<'a>> = Vec::new();
    for (from, to) in kept(&gone, keepdim) {
        let piece = piece(op);
        cuts.push(Cut::along(&[to], x[from], move |range| Piece::new(piece.clone(), &[Some(from)], &range)));
    }
    let (by, of, then) = match op {
        ReduceOp::Sum => (BinaryOp::Add, op, vec![]),
        ReduceOp::Mean => {
            let count: usize = x.iter().product::<usize>() / y.iter().product::<usize>().max(1);
            let value = 1.0 / count.max(1) as f32;
            (BinaryOp::Add, ReduceOp::Sum, vec![Then::alone(Op::Unary(UnaryOp::MulScalar { value }))])
        }
        ReduceOp::Max => (BinaryOp::Maximum, op, vec![]),
        ReduceOp::Min => (BinaryOp::Minimum, op, vec![]),
        ReduceOp::Prod => (BinaryOp::Mul, op, vec![]),
    };
    for axis in named.iter().copied() {
        let piece = piece(of);
        let rule = move |range| Piece::new(piece.clone(), &[Some(axis)], &range);
        cuts.push(Cut::fold(by, then.clone(), x[axis], rule));
    }
    cuts
}

/// Planes, and where the windows are given rows and columns.
fn pooled<'a>(op: &'a Op, results: usize, rows: Option<&Pool2d>, x: &[usize], y: &[usize]) -> Vec<Cut<'a>> {
    let planes = [0, 1].map(|axis| Cut::plain(op, &vec![axis; results], x[axis], vec![Some(axis)]));
    let rows = rows.into_iter().flat_map(|pool| [2, 3].map(|axis| (pool, axis)));
    let rows = rows.map(|(pool, axis)| {
        let at = axis - 2;
        let taps = [pool.kernel[at], pool.dilation[at]];
        let windows = Windows::new(axis, pool.stride[at], pool.padding[at], taps, x[axis]);
        Cut::along(&[axis], y[axis], move |range| {
            let (part, skip) = windows.read(&range);
            Piece { op: op.clone(), operands: vec![(0, Some(part))], skip }
        })
    });
    planes.into_iter().chain(rows).collect()
}

/// Regions, and channels.
fn regions<'a>(op: &'a Op, results: usize, inputs: &[&[usize]]) -> Vec<Cut<'a>> {
    let cut = |axis: usize, extent: usize, operands: Vec<Option<usize>>| {
        Cut::plain(op, &vec![axis; results], extent, operands)
    };
    vec![cut(0, inputs[1][0], vec![None, Some(0)]), cut(1, inputs[0][1], vec![Some(1), None])]
}

/// A loss of each sample, or their sum. A mean divides by what only all of them know.
fn losses<'a>(op: &'a Op, loss: &CrossEntropy, weights: bool, logits: &[usize]) -> Vec<Cut<'a>> {
    let beside = axes(logits).filter(|&axis| axis != 1);
    let operands = |axis: usize| {
        let labels = axis.saturating_sub(usize::from(axis > 1));
        let whole = weights.then_some(None);
        (labels, [Some(axis), Some(labels)].into_iter().chain(whole).collect::<Vec<_>>())
    };
    match loss.reduction {
        Reduction::None => beside
            .map(|axis| {
                let (to, operands) = operands(axis);
                Cut::plain(op, &[to], logits[axis], operands)
            })
            .collect(),
        Reduction::Sum => beside
            .map(|axis| {
                let (_, operands) = operands(axis);
                let rule = move |range| Piece::new(op.clone(), &operands, &range);
                Cut::fold(BinaryOp::Add, Vec::new(), logits[axis], rule)
            })
            .collect(),
        Reduction::Mean => Vec::new(),
    }
}

fn sliced<'a>(ranges: &'a [SliceRange], y: &[usize], axis: usize) -> Cut<'a> {
    Cut::along(&[axis], y[axis], move |range| {
        let SliceRange { start, step, .. } = ranges[axis];
        let mut own = ranges.to_vec();
        // From the first index that is taken to the last.
        let end = if range.is_empty() { start } else { start + (range.end - 1) * step + 1 };
        let part = Part::new(axis, (start + range.start * step).min(end)..end);
        own[axis] = SliceRange { start: 0, end: part.range.len(), step };
        Piece { op: Op::Slice(own), operands: vec![(0, Some(part))], skip: 0 }
    })
}

fn padded<'a>(
    padding: &'a [(usize, usize)],
    value: f32,
    x: &'a [usize],
    y: &[usize],
    axis: usize,
) -> Cut<'a> {
    Cut::along(&[axis], y[axis], move |range| {
        let (before, extent) = (padding[axis].0, x[axis]);
        let place = |at: usize| at.saturating_sub(before).min(extent);
        let part = Part::new(axis, place(range.start)..place(range.end));
        let mut own = padding.to_vec();
        let front = before.min(range.end).saturating_sub(range.start);
        own[axis] = (front, range.len() - front - part.range.len());
        Piece { op: Op::Pad { padding: own, value }, operands: vec![(0, Some(part))], skip: 0 }
    })
}

fn expanded<'a>(shape: &'a [usize], x: &'a [usize], y: &[usize], axis: usize) -> Cut<'a> {
    let own = (axis + x.len()).checked_sub(y.len()).filter(|&at| x[at] == y[axis]);
    Cut::along(&[axis], y[axis], move |range| {
        let mut shape = shape.to_vec();
        shape[axis] = range.len();
        Piece::new(Op::Expand(shape), &[own], &range)
    })
}
