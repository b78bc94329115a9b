//! Classes as vectors.

use tilewright_ops::BinaryOp;

use super::operand::parameter;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

impl Tensor {
    /// A new last axis of `classes` numbers, 1 at the class and 0 elsewhere, of i32 classes: `torch.nn.functional.one_hot`,
    /// as f32. What is no class, negative ones included, gives zeros.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] for more classes than i32 counts; [`Error::DType`] unless i32.
    pub fn one_hot(&self, classes: usize) -> Result<Self> {
        let op = "one_hot";
        if self.dtype() != crate::DType::I32 {
            let (operand, expected) = ("x", "i32");
            return Err(Error::DType { op, operand, found: self.dtype(), expected });
        }
        if classes > 1 << 24 {
            return Err(parameter::<Self>(op, "classes", classes, "16,777,216 are the most"));
        }
        let numbers: Vec<i32> = (0..classes as i32).collect();
        let numbers = Self::from_slice(self.context(), &numbers, &[classes])?;
        let mut shape: Vec<isize> = self.shape().iter().map(|&extent| extent as isize).collect();
        shape.push(1);
        self.reshape(&shape)?.binary(BinaryOp::Equal, &numbers)
    }
}
