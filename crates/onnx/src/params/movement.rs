//! Parameters of what moves elements.

use tilewright_tensor::composite::DepthOrder;

use super::axis::{self, Checked};
use super::operands::Operands;
use crate::element::ElementType;
use crate::error::Result;
use crate::limit::LIMIT;
use crate::table::operator::Relabel;
use crate::tensor::{HostTensor, element_count};

/// The shape that Reshape means: 0 copies an extent (unless `allowzero`), −1 takes what is left.
fn reshape(from: &[usize], target: &[i64], allow_zero: bool) -> Checked<Vec<usize>> {
    let wrong = || format!("shape {from:?} cannot be reshaped to {target:?}");
    let mut open = None;
    let mut shape = Vec::with_capacity(target.len());
    for (at, &extent) in target.iter().enumerate() {
        shape.push(match extent {
            0 if !allow_zero => *from.get(at).ok_or_else(wrong)?,
            -1 if open.is_none() => {
                open = Some(at);
                1
            }
            extent => usize::try_from(extent).map_err(|_| wrong())?,
        });
    }
    let count = element_count(from).ok_or_else(wrong)?;
    if let Some(at) = open {
        let rest = element_count(&shape).ok_or_else(wrong)?;
        if rest == 0 || !count.is_multiple_of(rest) {
            return Err(wrong());
        }
        shape[at] = count / rest;
    }
    if element_count(&shape) == Some(count) { Ok(shape) } else { Err(wrong()) }
}

/// The shape after Squeeze.
fn squeeze(call: &impl Operands, from: &[usize]) -> Result<Vec<usize>> {
    let gone = match call.integers("axes", 1)? {
        Some(given) => call.check(axis::all(&given, from.len()))?,
        None => (0..from.len()).filter(|&axis| from[axis] == 1).collect(),
    };
    if let Some(wide) = gone.iter().find(|&&axis| from[axis] != 1) {
        return Err(call.node().wrong(format!("axis {wide} of shape {from:?} is not 1 and cannot go")));
    }
    Ok((0..from.len()).filter(|axis| !gone.contains(axis)).map(|axis| from[axis]).collect())
}

/// The shape after Unsqueeze.
fn unsqueeze(call: &impl Operands, from: &[usize]) -> Result<Vec<usize>> {
    let given = call.integers("axes", 1)?.ok_or_else(|| call.node().wrong("axes are missing"))?;
    let new = call.check(axis::all(&given, from.len() + given.len()))?;
    let mut rest = from.iter().copied();
    let extents =
        (0..from.len() + new.len()).map(|axis| if new.contains(&axis) { Some(1) } else { rest.next() });
    Ok(extents.flatten().collect())
}

/// The shape after Flatten.
fn flatten(call: &impl Operands, from: &[usize]) -> Result<Vec<usize>> {
    let at = call.check(axis::one(call.node().attributes.int("axis", 1)?, from.len() + 1))?;
    // Counted from the back, −1 is the last axis and not the end.
    let negative = call.node().attributes.int("axis", 1)? < 0;
    let at = if negative { at.saturating_sub(1) } else { at };
    Ok(vec![from[..at].iter().product(), from[at..].iter().product()])
}

/// The order of axes of Transpose, by default backwards.
pub(crate) fn permutation(call: &impl Operands, rank: usize) -> Result<Vec<usize>> {
    let Some(given) = call.node().attributes.ints("perm")? else {
        return Ok((0..rank).rev().collect());
    };
    call.check(axis::all(given, rank))?;
    if given.len() != rank {
        return Err(call.node().wrong(format!("perm {given:?} does not order {rank} axes")));
    }
    Ok(given.iter().map(|&axis| axis as usize).collect())
}

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

/// The extents of the parts that Split makes of an axis.
pub(crate) fn split(call: &impl Operands, extent: usize) -> Result<Vec<usize>> {
    let parts = call.node().outputs.len();
    let sizes = match call.integers("split", 1)? {
        Some(sizes) => sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>(),
        None => {
            let wanted = call.node().attributes.int("num_outputs", parts as i64)?;
            if usize::try_from(wanted) != Ok(parts) || parts == 0 {
                return Err(call.node().wrong(format!("{wanted} parts are wanted and {parts} are named")));
            }
            // The last one may be smaller.
            let each = extent.div_ceil(parts);
            Some((0..parts).map(|part| each.min(extent.saturating_sub(part * each))).collect())
        }
    };
    let whole = |sizes: &Vec<usize>| {
        sizes.len() == parts
            && sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size)) == Some(extent)
    };
    sizes.filter(whole).ok_or_else(|| {
        call.node().wrong(format!("the parts do not make up an axis of {extent} in {parts} results"))
    })
}

/// How Pad fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PadMode {
    /// With a value.
    Constant,
    /// Mirrored, without repeating the edge.
    Reflect,
    /// With the edge.
    Edge,
    /// From the other side.
    Wrap,
}

/// How many elements Pad adds before and behind each axis; negative ones are taken away.
pub(crate) fn pads(call: &impl Operands, from: &[usize]) -> Result<(PadMode, Vec<[i64; 2]>)> {
    let node = call.node();
    let mode = match node.attributes.string("mode")?.unwrap_or("constant") {
        "constant" => PadMode::Constant,
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return Err(node.attributes.wrong("mode", format!("`{other}` is unknown"))),
    };
    let given = match node.attributes.ints("paddings")? {
        Some(old) => Some(old.to_vec()),
        None => call.integers("pads", 1)?,
    };
    let given = given.ok_or_else(|| node.wrong("pads are missing"))?;
    let named = match if call.opset() >= 18 { call.integers("axes", 3)? } else { None } {
        Some(named) => {
            call.check(axis::all(&named, from.len()))?;
            named.iter().map(|&one| call.check(axis::one(one, from.len()))).collect::<Result<Vec<_>>>()?
        }
        None => (0..from.len()).collect(),
    };
    if given.len() != 2 * named.len() {
        return Err(node.wrong(format!("pads {given:?} are not two for each of {} axes", named.len())));
    }
    let mut pads = vec![[0; 2]; from.len()];
    for (at, &axis) in named.iter().enumerate() {
        pads[axis] = [given[at], given[at + named.len()]];
    }
    Ok((mode, pads))
}

/// For each place of a padded axis the one that it copies, `None` for the value.
pub(crate) fn pad_places(
    mode: PadMode,
    extent: usize,
    [before, after]: [i64; 2],
) -> Checked<Vec<Option<usize>>> {
    let length = extent as i64;
    let total = length.checked_add(before).and_then(|sum| sum.checked_add(after)).filter(|&sum| sum >= 0);
    let wrong = || format!("{before} and {after} elements cannot be added to an axis of {extent}");
    let total = total.filter(|&total| total <= LIMIT as i64).ok_or_else(wrong)?;
    if extent == 0 && total > 0 && mode != PadMode::Constant {
        return Err(wrong());
    }
    let source = |place: i64| match mode {
        _ if (0..length).contains(&place) => Some(place),
        PadMode::Constant => None,
        PadMode::Edge => Some(place.clamp(0, length - 1)),
        PadMode::Wrap => Some(place.rem_euclid(length)),
        PadMode::Reflect => {
            let period = (2 * (length - 1)).max(1);
            let place = place.rem_euclid(period);
            Some(place.min(period - place).min(length - 1))
        }
    };
    Ok((0..total).map(|place| source(place - before).map(|place| place as usize)).collect())
}

/// Repeats of Tile.
pub(crate) fn repeats(call: &impl Operands, from: &[usize]) -> Result<Vec<usize>> {
    // Version 1 took one axis and a count.
    if call.opset() < 6 {
        let one = |index: usize| -> Result<i64> {
            let tensor = call.constant(index)?.filter(|tensor| tensor.count() == 1);
            let number = tensor.and_then(HostTensor::whole);
            number.ok_or_else(|| call.node().wrong(format!("operand {index} must be one whole number")))
        };
        let count = usize::try_from(one(1)?).map_err(|_| call.node().wrong("tiles must not be negative"))?;
        let along = call.check(axis::one(one(2)?, from.len()))?;
        return Ok((0..from.len()).map(|axis| if axis == along { count } else { 1 }).collect());
    }
    let given = call.integers("repeats", 1)?.unwrap_or_default();
    let repeats: Option<Vec<usize>> = given.iter().map(|&count| usize::try_from(count).ok()).collect();
    repeats
        .filter(|repeats| repeats.len() == from.len())
        .ok_or_else(|| call.node().wrong(format!("repeats {given:?} do not fit the shape {from:?}")))
}

/// The extents that Shape gives, from `start` to `end`.
pub(crate) fn shape_extents(call: &impl Operands, from: &[usize]) -> Result<Vec<i64>> {
    let attributes = &call.node().attributes;
    let rank = from.len() as i64;
    let counted =
        |place: i64| if place < 0 { place.saturating_add(rank) } else { place }.clamp(0, rank) as usize;
    let (start, end) = (counted(attributes.int("start", 0)?), counted(attributes.int("end", rank)?));
    Ok(from.get(start..end).unwrap_or(&[]).iter().map(|&extent| extent as i64).collect())
}

/// The shape of Expand: NumPy's rule with both sides.
pub(crate) fn expand(call: &impl Operands, from: &[usize]) -> Result<Vec<usize>> {
    let given = call.integers("shape", 1)?.ok_or_else(|| call.node().wrong("the shape is missing"))?;
    let shape: Option<Vec<usize>> = given.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    let shape = shape.ok_or_else(|| call.node().wrong(format!("{given:?} is no shape")))?;
    call.check(axis::broadcast_shapes(from, &shape))
}

/// The side of a block of DepthToSpace and SpaceToDepth.
pub(crate) fn block(call: &impl Operands) -> Result<usize> {
    let attributes = &call.node().attributes;
    let given = attributes.int("blocksize", 0)?;
    let block = usize::try_from(given).ok().filter(|&block| block > 0);
    block.ok_or_else(|| attributes.wrong("blocksize", format!("is {given} and must be positive")))
}

/// How the channels of a block lie.
pub(crate) fn depth_order(call: &impl Operands) -> Result<DepthOrder> {
    let attributes = &call.node().attributes;
    match attributes.string("mode")?.unwrap_or("DCR") {
        "DCR" => Ok(DepthOrder::Dcr),
        "CRD" => Ok(DepthOrder::Crd),
        other => Err(attributes.wrong("mode", format!("`{other}` is unknown"))),
    }
}

/// The type that Cast's attribute names.
pub(crate) fn cast_type(call: &impl Operands) -> Result<ElementType> {
    let attributes = &call.node().attributes;
    let number = attributes.int("to", 0)?;
    let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
    known.map_err(|name| {
        attributes.wrong("to", format!("is {name} (number {number} of the format), which is not read"))
    })
}

/// The shape that an operator gives the elements.
pub(crate) fn relabel(call: &impl Operands, relabel: Relabel, from: &[usize]) -> Result<Vec<usize>> {
    match relabel {
        Relabel::Reshape => {
            let target =
                call.integers("shape", 1)?.ok_or_else(|| call.node().wrong("the shape is missing"))?;
            call.check(reshape(from, &target, call.node().attributes.flag("allowzero", false)?))
        }
        Relabel::Flatten => flatten(call, from),
        Relabel::Squeeze => squeeze(call, from),
        Relabel::Unsqueeze => unsqueeze(call, from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshapes() {
        assert_eq!(reshape(&[2, 3, 4], &[0, -1], false), Ok(vec![2, 12]));
        assert_eq!(reshape(&[0, 3], &[0, 3], true), Ok(vec![0, 3]));
        assert_eq!(reshape(&[2, 3], &[6, 1], false), Ok(vec![6, 1]));
        for target in [&[-1, -1][..], &[4], &[-2, 3], &[1, 1, 0], &[i64::MAX, 2]] {
            assert!(reshape(&[2, 3], target, false).is_err(), "{target:?}");
        }
        assert!(reshape(&[0, 3], &[0, -1], true).is_err());
    }

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

    #[test]
    fn padded_places() {
        let some = |places: &[usize]| Ok(places.iter().map(|&place| Some(place)).collect::<Vec<_>>());
        assert_eq!(pad_places(PadMode::Reflect, 3, [2, 2]), some(&[2, 1, 0, 1, 2, 1, 0]));
        assert_eq!(pad_places(PadMode::Edge, 3, [1, 2]), some(&[0, 0, 1, 2, 2, 2]));
        assert_eq!(pad_places(PadMode::Wrap, 3, [1, 1]), some(&[2, 0, 1, 2, 0]));
        assert_eq!(pad_places(PadMode::Constant, 2, [1, -1]), Ok(vec![None, Some(0)]));
        assert!(pad_places(PadMode::Constant, 2, [-3, 0]).is_err());
        assert!(pad_places(PadMode::Edge, 0, [1, 0]).is_err());
        assert!(pad_places(PadMode::Constant, 2, [i64::MAX, i64::MAX]).is_err());
    }
}
