//! A node's operands and attributes, as host and device read them.

use crate::error::Result;
use crate::model::Node;
use crate::tensor::HostTensor;

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
