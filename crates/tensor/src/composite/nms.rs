//! The boxes that no better one covers, by their places, best first.

use tilewright_ops::{BinaryOp, CumSum, DType, Nms, Op, ReduceOp, ScatterReduction, ShapeError, TopK};

use super::operand::Operand;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What [`Tensor::batched_nms`] keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchedNms {
    /// The overlap from 0 to 1 up to which two boxes of a class are both kept.
    pub iou_threshold: f32,
    /// Only boxes with a higher score count; a score that is no number is not higher. Without it all of them count.
    pub score_threshold: Option<f32>,
    /// Places in the result, of an image.
    pub max: usize,
}

const OP: &str = "batched_nms";

/// See [`Tensor::batched_nms`].
fn batched(boxes: &Tensor, scores: &Tensor, classes: &Tensor, op: &BatchedNms) -> Result<(Tensor, Tensor)> {
    let nms = Nms { iou_threshold: op.iou_threshold };
    let shape = nms.output_shape(boxes.shape(), scores.shape())?;
    nms.output_shape(boxes.shape(), classes.shape())?;
    classes.require_dtype(OP, "classes", DType::I32)?;
    let (images, count, context) = (shape[0], shape[1], scores.context());
    // As f32 a place is exact: there are fewer than 2^24.
    let max = op.max.min(1 << 24);
    if max < op.max {
        let (value, hint) = (op.max.to_string(), "it may be up to 16,777,216");
        return Err(ShapeError::Parameter { op: OP, parameter: "max", value, hint }.into());
    }
    let none = Tensor::from_slice(context, &[-1_i32], &[])?;
    if images == 0 || count == 0 || max == 0 {
        let counts = Tensor::from_slice(context, &vec![0_i32; images], &[images])?;
        return Ok((none.expand(&[images, max])?, counts));
    }
    // A sort of the whole is stable: equal scores stay in the order of their places.
    let (best, order) = scores.topk(TopK { k: count, axis: 1, largest: true })?;
    let mut sorted = classes.gather_elements(1, &order)?;
    if let Some(least) = op.score_threshold {
        let counts = best.binary(BinaryOp::Greater, &Tensor::from_slice(context, &[least], &[])?)?;
        sorted = sorted.where_on(&counts, &none)?;
    }
    let tuples = Operand::with_shape(&order, &[images, count, 1])?;
    let keep = boxes.gather_nd(1, &tuples)?.nms_keep(&sorted, nms)?;
    let kept = keep.cast(DType::F32)?;
    // Each of those that are kept has as many before it; a place behind the last is left out.
    let before = kept.cumsum(&CumSum { axis: 1, exclusive: true, reverse: false })?;
    let behind = Tensor::full(context, max as f32, &[])?;
    let places = before.where_on(&keep, &behind)?.cast(DType::I32)?;
    let scatter = Op::ScatterElements { axis: 1, reduction: ScatterReduction::Replace };
    let found = Tensor::run_one(&scatter, &[&none.expand(&[images, max])?, &places, &order])?;
    let total = kept.reduce(ReduceOp::Sum, &[1], false)?;
    Ok((found, total.binary(BinaryOp::Minimum, &behind)?.cast(DType::I32)?))
}

impl Tensor {
    /// The places of the boxes that no better one covers by more than `iou_threshold`, best first: `torchvision.ops.nms`. `self` has
    /// shape `[N, 4]` (x1 y1 x2 y2), `scores` `[N]`. Results: the places as i32 of shape `[N]`, with −1 behind the last, and their
    /// number, i32 of shape `[]`. Of equal scores the lower place counts as better. Nothing is read back, so that it can be
    /// captured; N is [`Nms::MOST`] at most.
    ///
    /// # Errors
    /// Those of [`Self::batched_nms`]; [`ShapeError::Rank`] unless the boxes have two axes.
    pub fn nms(&self, scores: &Self, iou_threshold: f32) -> Result<(Self, Self)> {
        let &[max, corners] = self.shape() else {
            let (operand, shape) = ("boxes", self.shape().to_vec());
            return Err(ShapeError::Rank { op: "nms", operand, shape, expected: "two (boxes, 4)" }.into());
        };
        let boxes = Operand::with_shape(self, &[1, max, corners])?;
        let scores = Operand::with_shape(scores, &[&[1], scores.shape()].concat())?;
        let classes = Self::from_slice(self.context(), &[0_i32], &[])?.expand(&[1, max])?;
        let op = BatchedNms { iou_threshold, score_threshold: None, max };
        let (places, count) = batched(&boxes, &scores, &classes, &op)?;
        Ok((Operand::with_shape(&places, &[max])?, Operand::with_shape(&count, &[])?))
    }

    /// The same of several images, where only boxes of one class suppress each other: `torchvision.ops.batched_nms` of each image,
    /// with a least score and a number of places. `self` has shape `[B, N, 4]` (x1 y1 x2 y2), `scores` `[B, N]`, `classes` (i32)
    /// `[B, N]`; a class below 0 means that there is no box. Results: the places among the N as i32 of shape `[B, max]`, best first,
    /// with −1 behind the last, and their numbers, i32 of shape `[B]`. Of equal scores the lower place counts as better.
    ///
    /// # Errors
    /// Those of [`Nms::output_shape`]; [`ShapeError::Parameter`] for a `max` beyond 2²⁴; [`Error::DType`] for scores or boxes that
    /// are not f32 and classes that are not i32.
    pub fn batched_nms(&self, scores: &Self, classes: &Self, op: &BatchedNms) -> Result<(Self, Self), Error> {
        batched(self, scores, classes, op)
    }
}
