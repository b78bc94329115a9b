//! The cuts of every gradient, one arm for each.

use std::ops::Range;

use super::{
    pieces::{Cut, Join, Part, Piece},
    products::windows,
    table::{axes, broadcast, others, scaled},
    windows::Windows,
};
use crate::{
    convolution::Conv2d,
    elementwise::BinaryOp,
    loss::{CrossEntropy, Reduction},
    movement::SliceRange,
    op::{gradient::Gradient, vocabulary::Op},
};

impl Gradient {
    /// As [`Op::cuts`]; `whole` is this gradient as an operation.
    pub(super) fn cuts<'a>(
        &'a self,
        whole: &'a Op,
        inputs: &'a [&'a [usize]],
        outputs: &'a [Vec<usize>],
    ) -> Vec<Cut<'a>> {
        let x = inputs[0];
        let y = outputs.first().map_or(&[][..], |shape| shape);
        match self {
            Self::Unary(_) => axes(x).map(|axis| broadcast(whole, inputs, y, axis)).collect(),
            Self::Binary { .. } => axes(y)
                .map(|axis| {
                    let mut cut = broadcast(whole, inputs, y, axis);
                    cut.join = Join::Along(vec![axis; outputs.len()]);
                    cut
                })
                .collect(),
            Self::Conv2dInput { op, x_shape } => by_input(op, *x_shape, inputs),
            Self::Conv2dWeight { op, weight_shape } => by_weight(op, *weight_shape, inputs),
            Self::Conv2dBias => {
                let fold = |axis| {
                    let rule = move |range| Piece::new(whole.clone(), &[Some(axis)], &range);
                    Cut::fold(BinaryOp::Add, Vec::new(), x[axis], rule)
                };
                [Cut::plain(whole, &[0], x[1], vec![Some(1)])]
                    .into_iter()
                    .chain([0, 2, 3].map(fold))
                    .collect()
            }
            Self::Im2col { op, kernel, x_shape } => {
                let taps = kernel[0] * kernel[1];
                let piece = move |axis: usize, extent: usize| {
                    let mut x_shape = *x_shape;
                    x_shape[axis] = extent;
                    Op::Gradient(Self::Im2col { op: *op, kernel: *kernel, x_shape })
                };
                vec![
                    Cut::along(&[0], x[0], move |range| {
                        Piece::new(piece(0, range.len()), &[Some(0)], &range)
                    }),
                    Cut::along(&[1], x_shape[1], move |range: Range<usize>| {
                        let part = Part::new(1, range.start * taps..range.end * taps);
                        Piece { op: piece(1, range.len()), operands: vec![(0, Some(part))], skip: 0 }
                    }),
                ]
            }
            Self::MaxPool2d { x_shape, .. }
            | Self::AvgPool2d { x_shape, .. }
            | Self::SumPool2d { x_shape, .. }
            | Self::AdaptiveAvgPool2d { x_shape, .. } => {
                let operands = inputs.len();
                let planes = [0, 1].map(|axis| {
                    Cut::along(&[axis], x_shape[axis], move |range: Range<usize>| {
                        Piece::new(self.on(axis, range.len()), &vec![Some(axis); operands], &range)
                    })
                });
                let rows = [2, 3].into_iter().filter_map(|axis| self.pooled_rows(axis, x[axis]));
                planes.into_iter().chain(rows).collect()
            }
            Self::BatchNormAgain { .. } => axes(x)
                .map(|axis| {
                    let channels = (axis == 1).then_some(0);
                    Cut::plain(whole, &[axis], x[axis], [vec![Some(axis)], vec![channels; 5]].concat())
                })
                .collect(),
            // Sums over all but the channels.
            Self::BatchNormTrain { .. } | Self::BatchNorm { .. } => {
                let mut operands = vec![Some(0); inputs.len()];
                (operands[0], operands[4]) = (Some(1), Some(1));
                vec![Cut::plain(whole, &[1, 0, 0], x[1], operands)]
            }
            Self::FakeQuantize { op, .. } => {
                axes(x).map(|axis| scaled(whole, op.axis, x, axis, &vec![axis; outputs.len()])).collect()
            }
            Self::Softmax(op) => others(whole, 2, 1, x, op.axis),
            Self::LogSoftmax(op) => others(whole, 2, 1, x, op.axis),
            Self::CrossEntropy { op, weights } => losses(whole, op, *weights, x),
            Self::TopK { op, shape } => axes(shape)
                .filter(|&axis| axis != op.axis)
                .map(|axis| {
                    Cut::along(&[axis], shape[axis], move |range: Range<usize>| {
                        let mut shape = shape.clone();
                        shape[axis] = range.len();
                        Piece::new(Op::Gradient(Self::TopK { op: *op, shape }), &[Some(axis); 2], &range)
                    })
                })
                .collect(),
            // A region is one of any image.
            Self::RoiAlign { x_shape, .. } => {
                vec![Cut::along(&[1], x_shape[1], move |range: Range<usize>| {
                    Piece::new(self.on(1, range.len()), &[None, Some(1)], &range)
                })]
            }
            Self::RoiPool { x_shape, .. } => {
                vec![Cut::along(&[1], x_shape[1], move |range: Range<usize>| {
                    Piece::new(self.on(1, range.len()), &[None, Some(1), Some(1)], &range)
                })]
            }
            Self::Slice { shape, ranges } => axes(shape).map(|axis| put_back(shape, ranges, axis)).collect(),
        }
    }

    /// Rows or columns of a pooling whose windows are given, and without indices, which are of the whole plane.
    fn pooled_rows(&self, axis: usize, windows: usize) -> Option<Cut<'_>> {
        let (Self::AvgPool2d { pool, x_shape } | Self::SumPool2d { pool, x_shape }) = self else {
            return None;
        };
        let (at, extent) = (axis - 2, x_shape[axis]);
        let [stride, padding] = [pool.stride[at], pool.padding[at]];
        let along = Windows::new(axis, stride, padding, [pool.kernel[at], pool.dilation[at]], extent);
        Some(Cut::along(&[axis], extent, move |range: Range<usize>| {
            let (mut part, mut skip) = along.written(&range, windows);
            // Windows that the padding of the piece cuts short, and so divides by less, reach none of the range.
            let margin = padding.div_ceil(stride).min(part.range.start);
            part.range.start -= margin;
            skip += margin * stride;
            let extent = along.spanned(&part.range, windows, range.start - skip);
            Piece { op: self.on(axis, extent), operands: vec![(0, Some(part))], skip }
        }))
    }

    /// A pooling's gradient where `axis` of x has another extent.
    fn on(&self, axis: usize, extent: usize) -> Op {
        let mut piece = self.clone();
        if let Self::MaxPool2d { x_shape, .. }
        | Self::AvgPool2d { x_shape, .. }
        | Self::SumPool2d { x_shape, .. }
        | Self::AdaptiveAvgPool2d { x_shape, .. }
        | Self::RoiAlign { x_shape, .. }
        | Self::RoiPool { x_shape, .. } = &mut piece
        {
            x_shape[axis] = extent;
        }
        Op::Gradient(piece)
    }
}

/// What a slice took goes back to places of `axis`; the others are zero.
fn put_back<'a>(shape: &'a [usize], ranges: &'a [SliceRange], axis: usize) -> Cut<'a> {
    Cut::along(&[axis], shape[axis], move |range: Range<usize>| {
        let (mut shape, mut ranges) = (shape.to_vec(), ranges.to_vec());
        let SliceRange { start, step, .. } = ranges[axis];
        let before = |place: usize| place.saturating_sub(start).div_ceil(step).min(ranges[axis].len());
        let part = Part::new(axis, before(range.start)..before(range.end));
        let (first, last) = if part.range.is_empty() {
            (0, 0)
        } else {
            let place = |at: usize| start + at * step - range.start;
            (place(part.range.start), place(part.range.end - 1) + 1)
        };
        shape[axis] = range.len();
        ranges[axis] = SliceRange { start: first, end: last, step };
        Piece {
            op: Op::Gradient(Gradient::Slice { shape, ranges }),
            operands: vec![(0, Some(part))],
            skip: 0,
        }
    })
}

/// Images, input channels, rows and columns of a convolution's gradient by its input.
fn by_input<'a>(op: &'a Conv2d, x_shape: [usize; 4], inputs: &'a [&'a [usize]]) -> Vec<Cut<'a>> {
    let (grad_y, weight) = (inputs[0], inputs[1]);
    let piece = move |axis: usize, extent: usize| {
        let mut x_shape = x_shape;
        x_shape[axis] = extent;
        Op::Gradient(Gradient::Conv2dInput { op: *op, x_shape })
    };
    let mut cuts = vec![Cut::along(&[0], x_shape[0], move |range| {
        Piece::new(piece(0, range.len()), &[Some(0), None], &range)
    })];
    if op.groups == 1 {
        cuts.push(Cut::along(&[1], x_shape[1], move |range| {
            Piece::new(piece(1, range.len()), &[None, Some(1)], &range)
        }));
    }
    for axis in [2, 3] {
        let windows = windows(op, axis, weight, x_shape[axis]);
        cuts.push(Cut::along(&[axis], x_shape[axis], move |range: Range<usize>| {
            let (part, skip) = windows.written(&range, grad_y[axis]);
            let extent = windows.spanned(&part.range, grad_y[axis], range.start - skip);
            Piece { op: piece(axis, extent), operands: vec![(0, Some(part)), (1, None)], skip }
        }));
    }
    cuts
}

/// Channels of a convolution's gradient by its weight; images, rows and columns of the sums over pixels.
fn by_weight<'a>(op: &'a Conv2d, weight_shape: [usize; 4], inputs: &'a [&'a [usize]]) -> Vec<Cut<'a>> {
    let (grad_y, x) = (inputs[0], inputs[1]);
    let piece = move |weight_shape| Op::Gradient(Gradient::Conv2dWeight { op: *op, weight_shape });
    let mut cuts = Vec::new();
    if op.groups == 1 {
        for axis in [0, 1] {
            cuts.push(Cut::along(&[axis], weight_shape[axis], move |range: Range<usize>| {
                let mut shape = weight_shape;
                shape[axis] = range.len();
                let operands = if axis == 0 { [Some(1), None] } else { [None, Some(1)] };
                Piece::new(piece(shape), &operands, &range)
            }));
        }
    }
    cuts.push(Cut::fold(BinaryOp::Add, Vec::new(), x[0], move |range| {
        Piece::new(piece(weight_shape), &[Some(0); 2], &range)
    }));
    for axis in [2, 3] {
        let windows = windows(op, axis, &weight_shape, x[axis]);
        cuts.push(Cut::fold(BinaryOp::Add, Vec::new(), grad_y[axis], move |range: Range<usize>| {
            let (part, skip) = windows.read(&range);
            // Windows that belong to another piece have a gradient of zero here.
            let after = windows.count(part.range.len()).saturating_sub(skip + range.len());
            let own = Part { border: (skip, after), ..Part::new(axis, range) };
            Piece { op: piece(weight_shape), operands: vec![(0, Some(own)), (1, Some(part))], skip: 0 }
        }));
    }
    cuts
}

/// As the loss itself: without a mean, whose divisor only all samples know.
fn losses<'a>(op: &'a Op, loss: &CrossEntropy, weights: bool, logits: &[usize]) -> Vec<Cut<'a>> {
    let each = match loss.reduction {
        Reduction::None => true,
        Reduction::Sum => false,
        Reduction::Mean => return Vec::new(),
    };
    let cut = |axis: usize| {
        let labels = axis.saturating_sub(usize::from(axis > 1));
        let operands = [Some(axis), Some(labels), each.then_some(labels)];
        let operands = operands.into_iter().chain(weights.then_some(None)).collect();
        Cut::plain(op, &[axis], logits[axis], operands)
    };
    axes(logits).filter(|&axis| axis != 1).map(cut).collect()
}
