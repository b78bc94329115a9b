//! Parameters of what moves elements.

use tilewright_tensor::composite::DepthOrder;

use super::axis::{self, Checked};
use super::operands::Operands;
pub(crate) use super::slice::{Cut, slice};
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
    // What is copied is on both sides: an empty batch leaves the other extents as they are.
    let mut rest_from = from.to_vec();
    let mut rest = target.iter().map(|&extent| usize::try_from(extent).unwrap_or(1)).collect::<Vec<_>>();
    for (at, &extent) in target.iter().enumerate() {
        shape.push(match extent {
            0 if !allow_zero => {
                let copied = *from.get(at).ok_or_else(wrong)?;
                (rest_from[at], rest[at]) = (1, 1);
                copied
            }
            -1 if open.is_none() => {
                open = Some(at);
                1
            }
            extent => usize::try_from(extent).map_err(|_| wrong())?,
        });
    }
    let count = element_count(from).ok_or_else(wrong)?;
    if let Some(at) = open {
        let [left, rest] = [element_count(&rest_from), element_count(&rest)];
        let (left, rest) = (left.ok_or_else(wrong)?, rest.ok_or_else(wrong)?);
        if rest == 0 || !left.is_multiple_of(rest) {
            return Err(wrong());
        }
        shape[at] = left / rest;
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
        // An empty batch.
        assert_eq!(reshape(&[0, 4, 2], &[0, -1], false), Ok(vec![0, 8]));
        assert_eq!(reshape(&[0, 4, 2], &[-1, 8], false), Ok(vec![0, 8]));
        assert_eq!(reshape(&[0, 4, 6], &[0, 3, -1], false), Ok(vec![0, 3, 8]));
        assert!(reshape(&[0, 4, 2], &[0, 3, -1], false).is_err());
        assert_eq!(reshape(&[2, 3], &[6, 1], false), Ok(vec![6, 1]));
        for target in [&[-1, -1][..], &[4], &[-2, 3], &[1, 1, 0], &[i64::MAX, 2]] {
            assert!(reshape(&[2, 3], target, false).is_err(), "{target:?}");
        }
        assert!(reshape(&[0, 3], &[0, -1], true).is_err());
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
