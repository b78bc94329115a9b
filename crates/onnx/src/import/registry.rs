//! Which operators run on the device, from which version of the operator set on.

use super::node::Ctx;
use super::value::Value;
use super::{
    activation, convolution, elementwise, indexing, loss, matmul, movement, normalization, pooling,
    reduction, resize,
};
use crate::{Node, Result};

/// Runs a node on the device.
pub(super) type Operator = fn(&Ctx) -> Result<Vec<Value>>;

/// An operator: its name, the first version of the standard operator set whose definition is read, and its mapping.
pub(super) type Entry = (&'static str, i64, Operator);

fn families() -> [&'static [Entry]; 11] {
    [
        elementwise::OPERATORS,
        activation::OPERATORS,
        matmul::OPERATORS,
        convolution::OPERATORS,
        pooling::OPERATORS,
        normalization::OPERATORS,
        reduction::OPERATORS,
        movement::OPERATORS,
        indexing::OPERATORS,
        resize::OPERATORS,
        loss::OPERATORS,
    ]
}

/// The mapping of a node's operator, or why there is none, if there is more to say.
pub(super) fn find(node: &Node, opset: i64) -> std::result::Result<Operator, Option<String>> {
    if !node.domain.is_empty() {
        return Err(None);
    }
    let found = families().into_iter().flatten().find(|(name, _, _)| *name == node.op_type);
    match found {
        None => Err(None),
        Some(&(_, since, _)) if opset < since => {
            Err(Some(format!("the model uses operator set {opset}, and it is read from {since} on")))
        }
        Some(&(_, _, operator)) => Ok(operator),
    }
}

/// The operators that run on the device, by name, each with the first version of the standard operator set that is read.
#[must_use]
pub fn operators() -> Vec<(&'static str, i64)> {
    let mut all: Vec<_> = families().into_iter().flatten().map(|&(name, since, _)| (name, since)).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let all = operators();
        let twice: Vec<_> = all.windows(2).filter(|pair| pair[0].0 == pair[1].0).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert!(all.len() > 100, "{}", all.len());
    }
}
