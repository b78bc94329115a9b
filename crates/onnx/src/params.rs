//! What the operators' parameters mean, for host and device alike: ONNX gives the same parameter as an attribute in one
//! version and as an operand in another, counts axes from the back, and leaves defaults out.

mod movement;
mod reduce;
mod window;

pub(crate) use movement::*;
pub(crate) use reduce::*;
pub(crate) use window::*;

use crate::{Error, HostTensor, Node, Result};

/// A node whose operands may be known at import.
pub(crate) trait Operands {
    fn node(&self) -> &Node;

    /// The version of the node's operator set.
    fn opset(&self) -> i64;

    /// The value of an operand that must be known at import; `None` where it is left out.
    ///
    /// # Errors
    /// [`Error::NotConstant`] if it is there and not known.
    fn constant(&self, index: usize) -> Result<Option<&HostTensor>>;

    /// Names the node in what is wrong.
    fn check<T>(&self, outcome: std::result::Result<T, String>) -> Result<T> {
        outcome.map_err(|reason| self.node().wrong(reason))
    }

    /// Integers that came as an attribute in some versions and as an operand in others.
    fn integers(&self, attribute: &str, operand: usize) -> Result<Option<Vec<i64>>> {
        if let Some(values) = self.node().attributes.ints(attribute)? {
            return Ok(Some(values.to_vec()));
        }
        match self.constant(operand)? {
            None => Ok(None),
            Some(tensor) => match tensor.to_i64() {
                Some(values) => Ok(Some(values)),
                None => {
                    let dtype = tensor.dtype();
                    Err(self.node().wrong(format!("operand {operand} is {dtype} and must be of integers")))
                }
            },
        }
    }

    /// One number that came as an attribute in some versions and as an operand in others.
    fn number(&self, attribute: &str, operand: usize) -> Result<Option<f32>> {
        if let Some(&value) = self.node().attributes.float_ref(attribute)? {
            return Ok(Some(value));
        }
        match self.constant(operand)? {
            None => Ok(None),
            Some(tensor) => match tensor.to_f32()[..] {
                [value] => Ok(Some(value)),
                _ => Err(self.node().wrong(format!("operand {operand} must have one element"))),
            },
        }
    }
}

impl Node {
    /// What is wrong with this node.
    pub(crate) fn wrong(&self, reason: impl Into<String>) -> Error {
        Error::Node { node: self.place(), reason: reason.into() }
    }
}

/// An outcome whose error does not name the node yet.
pub(crate) type Checked<T> = std::result::Result<T, String>;

/// An axis counted from the back where it is negative. `rank` may be reached by some operators: they pass one more.
pub(crate) fn axis(axis: i64, rank: usize) -> Checked<usize> {
    let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    counted
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|&axis| axis < rank)
        .ok_or_else(|| format!("axis {axis} is outside a rank of {rank}"))
}

/// Distinct axes, sorted.
pub(crate) fn axes(given: &[i64], rank: usize) -> Checked<Vec<usize>> {
    let mut found: Vec<usize> = given.iter().map(|&one| axis(one, rank)).collect::<Checked<_>>()?;
    found.sort_unstable();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(format!("axes {given:?} name an axis twice"));
    }
    Ok(found)
}

/// NumPy's rule.
pub(crate) fn broadcast_shapes(left: &[usize], right: &[usize]) -> Checked<Vec<usize>> {
    let rank = left.len().max(right.len());
    let extent =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|axis| match (extent(left, axis), extent(right, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(format!("shapes {left:?} and {right:?} do not broadcast")),
        })
        .collect()
}
