//! Parameters of Slice.

use super::axis::{self, Checked};
use super::operands::Operands;
use crate::error::Result;

/// What Slice takes of one axis: `count` elements from `start` on, `step` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) start: usize,
    pub(crate) step: isize,
    pub(crate) count: usize,
}

/// What Slice takes of each axis.
pub(crate) fn slice(call: &impl Operands, from: &[usize]) -> Result<Vec<Cut>> {
    let missing = |name: &str| call.node().wrong(format!("{name} are missing"));
    let starts = call.integers("starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = call.integers("ends", 2)?.ok_or_else(|| missing("ends"))?;
    let given = call.integers("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.integers("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    let lengths = [starts.len(), ends.len(), given.len(), steps.len()];
    if lengths.iter().any(|&length| length != lengths[0]) {
        let reason = format!("starts, ends, axes and steps have {lengths:?} entries and must have as many");
        return Err(call.node().wrong(reason));
    }
    call.check(axis::all(&given, from.len()))?;
    let whole = |&extent: &usize| Cut { start: 0, step: 1, count: extent };
    let mut cuts: Vec<Cut> = from.iter().map(whole).collect();
    for (at, &one) in given.iter().enumerate() {
        let axis = call.check(axis::one(one, from.len()))?;
        cuts[axis] = call.check(cut(from[axis], starts[at], ends[at], steps[at]))?;
    }
    Ok(cuts)
}

/// ONNX's rule for `start:end:step` on an axis. It is NumPy's but for one thing: a step backwards from before the first
/// element begins at that element, where NumPy takes nothing.
pub(crate) fn cut(extent: usize, start: i64, end: i64, step: i64) -> Checked<Cut> {
    let length = extent as i64;
    let counted = |place: i64| if place < 0 { place.saturating_add(length) } else { place };
    let (start, end) = (counted(start), counted(end));
    let (start, span) = match step {
        0 => return Err("a step of 0".to_owned()),
        1.. => {
            let start = start.clamp(0, length);
            (start, end.clamp(0, length) - start)
        }
        _ if length == 0 => (0, 0),
        _ => {
            let start = start.clamp(0, length - 1);
            (start, start - end.clamp(-1, length - 1))
        }
    };
    let count = if span <= 0 { 0 } else { (span as u64).div_ceil(step.unsigned_abs()) as usize };
    // One element needs no step, and a step beyond the axis could overflow index maths.
    let step = if count <= 1 { step.signum() } else { step };
    Ok(Cut { start: if count == 0 { 0 } else { start as usize }, step: step as isize, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_follow_the_specification() {
        let of = |start, end, step| cut(10, start, end, step).map(|cut| (cut.start, cut.count));
        assert_eq!(of(2, 8, 2), Ok((2, 3)));
        assert_eq!(of(-3, i64::MAX, 1), Ok((7, 3)));
        assert_eq!(of(i64::MAX, i64::MIN, -1), Ok((9, 10)));
        assert_eq!(of(9, 0, -3), Ok((9, 3)));
        assert_eq!(of(5, 5, 1), Ok((0, 0)));
        assert_eq!(of(0, 10, i64::MAX), Ok((0, 1)));
        assert_eq!(of(0, 10, i64::MIN), Ok((0, 0)));
        assert!(of(0, 1, 0).is_err());
        assert_eq!(cut(0, i64::MIN, i64::MAX, -1).map(|cut| cut.count), Ok(0));
        assert_eq!(cut(0, i64::MAX, i64::MIN, -1).map(|cut| cut.count), Ok(0));
        // From before the first element backwards: the first one.
        assert_eq!(cut(3, -6, -9, -1).map(|cut| (cut.start, cut.count)), Ok((0, 1)));
        assert_eq!(of(i64::MIN, i64::MIN, -1), Ok((0, 1)));
        assert_eq!(of(-11, i64::MIN, i64::MIN), Ok((0, 1)));
        assert_eq!(of(-11, 0, -1), Ok((0, 0)));
        // An end beyond the last element is that one, which a step backwards does not reach.
        assert_eq!(of(4, i64::MAX, -1), Ok((0, 0)));
    }

    /// Every start, end and step around an axis against the text of Slice 13, element by element.
    #[test]
    fn every_cut_around_an_axis() {
        let places: Vec<i64> = (-9..=9).chain([i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX]).collect();
        for extent in 0..5_usize {
            let length = extent as i64;
            for (&start, &end) in places.iter().flat_map(|start| places.iter().map(move |end| (start, end))) {
                for step in [1, 2, 3, 7, i64::MAX, -1, -2, -3, -7, i64::MIN] {
                    let [from, to] = [start, end]
                        .map(|at| if at < 0 { i128::from(at) + i128::from(length) } else { at.into() });
                    let (from, to) = if step > 0 {
                        (from.clamp(0, length.into()), to.clamp(0, length.into()))
                    } else {
                        (from.clamp(0, i128::from(length - 1).max(0)), to.clamp(-1, i128::from(length) - 1))
                    };
                    let mut expected = vec![];
                    let mut at = from;
                    while length > 0 && if step > 0 { at < to } else { at > to } {
                        expected.push(at);
                        at += i128::from(step);
                    }
                    let cut = cut(extent, start, end, step).expect("a step that is not 0");
                    let found: Vec<i128> =
                        (0..cut.count).map(|at| cut.start as i128 + at as i128 * cut.step as i128).collect();
                    assert_eq!(found, expected, "{start}:{end}:{step} of {extent}");
                }
            }
        }
    }
}
