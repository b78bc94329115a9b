//! Boxes chosen by their scores, and maxima put back where they were.

use super::call::Call;
use super::indices::strides;
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::window;
use crate::tensor::{Data, HostTensor};

/// Corners of a box, the smaller ones first, whichever the file has first.
fn corners([a, b, c, d]: [f32; 4], center: bool) -> [f32; 4] {
    if center {
        let (width, height) = (c / 2.0, d / 2.0);
        return [a - width, b - height, a + width, b + height];
    }
    [a.min(c), b.min(d), a.max(c), b.max(d)]
}

/// Whether two boxes share more than a part of what they cover together; a box without an area shares nothing.
fn overlap(a: [f32; 4], b: [f32; 4], threshold: f32) -> bool {
    let side = |axis: usize| (a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis])).max(0.0);
    let area = |x: [f32; 4]| (x[2] - x[0]) * (x[3] - x[1]);
    let (shared, one, other) = (side(0) * side(1), area(a), area(b));
    let together = one + other - shared;
    one > 0.0 && other > 0.0 && together > 0.0 && shared / together > threshold
}

/// Batch, class and place of the boxes that no better one of their class covers, best first in each class. A box is left out
/// if its score is the threshold or less; without a number of boxes there are none, as ONNX has it.
pub(super) fn non_max_suppression(call: &Call) -> Result<Vec<HostTensor>> {
    let (boxes, scores) = (call.operand(0)?, call.operand(1)?);
    let (&[batch, count, 4], &[batches, classes, scored]) = (boxes.shape(), scores.shape()) else {
        return Err(call.node().wrong(format!(
            "boxes of {:?} and scores of {:?}",
            boxes.shape(),
            scores.shape()
        )));
    };
    if batch != batches || count != scored {
        return Err(call.node().wrong(format!(
            "boxes of {:?} and scores of {:?}",
            boxes.shape(),
            scores.shape()
        )));
    }
    let most =
        call.constant(2)?.and_then(HostTensor::whole).map_or(0, |most| usize::try_from(most).unwrap_or(0));
    let threshold = call.number("", 3)?.unwrap_or(0.0);
    let least = call.number("", 4)?;
    let center = call.node().attributes.flag("center_point_box", false)?;
    let all: Vec<[f32; 4]> = boxes.to_f32().as_chunks().0.iter().map(|&one| corners(one, center)).collect();
    let values = scores.to_f32();
    let mut chosen: Vec<i64> = vec![];
    for at in 0..batch {
        let boxes = &all[at * count..][..count];
        for class in 0..classes {
            let scores = &values[(at * classes + class) * count..][..count];
            let mut order: Vec<usize> =
                (0..count).filter(|&place| least.is_none_or(|least| scores[place] > least)).collect();
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
            let mut kept: Vec<usize> = vec![];
            for place in order {
                if kept.len() >= most {
                    break;
                }
                if !kept.iter().any(|&better| overlap(boxes[better], boxes[place], threshold)) {
                    kept.push(place);
                    chosen.extend([at as i64, class as i64, place as i64]);
                }
            }
        }
    }
    Ok(vec![call.tensor(&[chosen.len() / 3, 3], Data::I64(chosen))?])
}

/// Zeros with each element where its index says. The indices count in the tensor that the pooling had, which a larger
/// output holds at its beginning.
pub(super) fn max_unpool(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let (attributes, rank) = (&call.node().attributes, x.shape().len().saturating_sub(2));
    if attributes.ints("kernel_shape")?.is_none() {
        return Err(attributes.wrong("kernel_shape", "is missing".to_owned()));
    }
    let kernel = window::per_axis(call, "kernel_shape", rank)?;
    let (steps, pads) = (window::per_axis(call, "strides", rank)?, window::given_pads(call, rank)?);
    let mut pooled = x.shape().to_vec();
    for axis in 0..rank {
        let span =
            (pooled[axis + 2].saturating_sub(1)).saturating_mul(steps[axis]).saturating_add(kernel[axis]);
        pooled[axis + 2] = span.saturating_sub(pads[axis][0].saturating_add(pads[axis][1]));
    }
    let shape = match call.integers("", 2)? {
        None => pooled.clone(),
        Some(given) => {
            let given: Option<Vec<usize>> =
                given.iter().map(|&extent| usize::try_from(extent).ok()).collect();
            given
                .filter(|given| given.len() == pooled.len() && given.iter().zip(&pooled).all(|(a, b)| a >= b))
                .ok_or_else(|| call.node().wrong(format!("an output smaller than {pooled:?}")))?
        }
    };
    let (inner, outer) = (strides(&pooled), strides(&shape));
    let elements = call.count(&pooled)?;
    let mut from = vec![x.count(); call.count(&shape)?];
    let places = indices.to_i64().unwrap_or_default();
    if places.len() != x.count() {
        return Err(call.node().wrong("it must have an index for each element"));
    }
    for (at, &place) in places.iter().enumerate() {
        let place = usize::try_from(place).ok().filter(|&place| place < elements);
        let place = place.ok_or_else(|| call.node().wrong(format!("an index outside of {pooled:?}")))?;
        let axes = pooled.iter().zip(&inner).zip(&outer);
        let target: usize = axes.map(|((&extent, &inner), &outer)| place / inner % extent * outer).sum();
        from[target] = at;
    }
    // The element behind the last is 0.
    let padded = x.data().numbers().floats().into_iter().chain([0.0]).collect();
    let padded = Data::from_numbers(x.dtype(), &crate::tensor::Numbers::Floats(padded));
    Ok(vec![call.tensor(&shape, padded.take(&from))?])
}
