//! Operations that another crate brings, as members of the vocabulary.

use std::{any::Any, fmt, sync::Arc};

use super::facts::{Facts, Input, Output};
use crate::error::ShapeError;

/// What the vocabulary knows of an operation that another crate brings. Who brings one implements `tilewright_tensor`'s
/// `Function`, which says how it is computed as well, and never this.
pub trait Described: fmt::Debug + Send + Sync + 'static {
    /// The name, as in errors and profiles.
    fn name(&self) -> &'static str;

    /// The operands in their order.
    fn operands(&self) -> Vec<Input>;

    /// The results in their order.
    fn results(&self) -> Vec<Output>;

    /// The shapes of the results.
    ///
    /// # Errors
    /// What does not fit.
    fn shapes(&self, operands: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError>;

    /// Floating-point operations, of shapes that fit.
    fn flops(&self, operands: &[&[usize]], results: &[Vec<usize>]) -> u64;

    /// Bytes that are read and written, if that is not each operand and each result once.
    fn bytes(&self, operands: &[&[usize]], results: &[Vec<usize>]) -> Option<u64>;

    /// The same for two operations that compute the same: the type and the parameters.
    fn key(&self) -> String;

    /// Itself.
    fn as_any(&self) -> &dyn Any;
}

/// An operation that another crate brings. Equal are those that compute the same.
#[derive(Clone)]
pub struct Custom(Arc<dyn Described>);

impl Custom {
    /// The operation that is described so.
    #[must_use]
    pub fn new(described: Arc<dyn Described>) -> Self {
        Self(described)
    }

    /// What is known of it, as the type that it is.
    #[must_use]
    pub fn described(&self) -> &dyn Any {
        self.0.as_any()
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        let it = &*self.0;
        let (name, count) = (it.name(), it.results().len());
        let shapes = move |operands: &[&[usize]]| {
            let shapes = it.shapes(operands)?;
            if shapes.len() == count {
                return Ok(shapes);
            }
            let (parameter, value) = ("the number of result shapes", shapes.len().to_string());
            let hint = "the function's `shapes` must give one shape for each of its `results`";
            Err(ShapeError::Parameter { op: name, parameter, value, hint })
        };
        Facts::custom(name, it.operands(), it.results(), shapes)
            .flops(|operands, results| it.flops(operands, results))
            .moves(|operands, results| it.bytes(operands, results))
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.key() == other.0.key()
    }
}
