//! Parameters of TopK.

use tilewright_ops::TopK;

use super::axis;
use super::operands::Operands;
use crate::error::Result;

/// What TopK takes of an operand of `shape`. Before operator set 10, k was an attribute; without `sorted` any order will
/// do, the best first too.
pub(crate) fn topk(call: &impl Operands, shape: &[usize]) -> Result<TopK> {
    let attributes = &call.node().attributes;
    let axis = call.check(axis::one(attributes.int("axis", -1)?, shape.len()))?;
    let wanted = match attributes.int_ref("k")? {
        Some(&old) => Some(old),
        None => call.integers("", 1)?.and_then(|values| values.first().copied()),
    };
    let wanted = wanted.ok_or_else(|| call.node().wrong("k is missing"))?;
    let k = usize::try_from(wanted).ok().filter(|&k| k <= shape[axis]);
    let k = k.ok_or_else(|| call.node().wrong(format!("k is {wanted} on an axis of {}", shape[axis])))?;
    Ok(TopK { k, axis, largest: attributes.flag("largest", true)? })
}
