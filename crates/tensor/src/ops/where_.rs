//! A choice between two tensors.

use tilewright_kernels::elementwise;
use tilewright_ops::{DType, Op};

use crate::{Result, Tensor, trace};

impl Tensor {
    /// This tensor where `condition` is not 0, else `other`, all three broadcast to one shape: `torch.where`. What is not
    /// chosen may be anything, NaN included.
    pub fn where_on(&self, condition: &Self, other: &Self) -> Result<Self> {
        let op = "where";
        condition.require_f32(op, "condition")?;
        self.require_f32(op, "a")?;
        other.require_f32(op, "b")?;
        self.require_same_context(op, condition)?;
        self.require_same_context(op, other)?;
        let shape = Op::Where.output_shape(&[condition.shape(), self.shape(), other.shape()])?;
        if let Some(y) = trace::step(|| Op::Where, &[condition, self, other]) {
            return y;
        }
        // It lies as the first operand does that has its shape.
        let of_its_shape = [self, other, condition].into_iter().find(|tensor| tensor.shape() == shape);
        let layout = of_its_shape.map_or_else(Default::default, Self::layout);
        let whole = |tensor: &Self| -> Result<Self> {
            let expanded = if tensor.shape() == shape { tensor.clone() } else { tensor.expand(&shape)? };
            expanded.to_layout(layout)
        };
        let (condition, a, b) = (whole(condition)?, whole(self)?, whole(other)?);
        let y = Self::empty(self.context(), &shape, DType::F32, layout)?;
        let (c, to) = (condition.buffer(), y.buffer());
        elementwise::where_(self.context(), c, a.buffer(), b.buffer(), to, y.count())?;
        Ok(y)
    }
}
