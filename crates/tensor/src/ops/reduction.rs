//! Sum, mean, max, min, argmax over any axes, and the sum that undoes broadcasting.

use tilewright_kernels::{
    elementwise,
    reduction::{self, Axis, Plan},
};
use tilewright_ops::{
    DType, Op, ReduceOp, ShapeError, argmax_shape, broadcast_shapes, reduction::reduced_axes,
};

use crate::{Layout, Result, Tensor, trace};

impl Tensor {
    /// Reduces over `axes` (none means all), which go from the shape, or stay with extent 1 where `keepdim`.
    ///
    /// The order in which elements are added is fixed: the same tensor gives the same bits. A mean of nothing is NaN, a
    /// sum of nothing 0.
    ///
    /// # Errors
    /// Those of [`ReduceOp::output_shape`]; [`crate::Error::DType`] unless f32.
    pub fn reduce(&self, op: ReduceOp, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.require_f32(op.name(), "x")?;
        let shape = op.output_shape(self.shape(), axes, keepdim)?;
        let traced = || Op::Reduce { op, axes: axes.to_vec(), keepdim };
        if let Some(y) = trace::step(traced, &[self]) {
            return y;
        }
        let kept = op.output_shape(self.shape(), axes, true)?;
        let y = Self::empty(self.context(), &kept, DType::F32, self.layout())?;
        if self.count() == 0 {
            let nothing = if op == ReduceOp::Mean { f32::NAN } else { 0.0 };
            elementwise::fill(self.context(), y.buffer(), y.count(), nothing.to_bits())?;
        } else if self.count() == y.count() {
            // Each element is its own sum.
            return self.relabel(&kept, self.layout()).without_axes(&shape);
        } else {
            let gone = reduced_axes(op.name(), self.shape(), axes)?;
            let order = self.layout().memory_order(self.rank());
            let plan = Plan::new(self.axes(&order, &gone, false), self.axes(&order, &gone, true));
            reduction::reduce(self.context(), op, self.buffer(), y.buffer(), &plan)?;
        }
        y.without_axes(&shape)
    }

    /// The gradient of x, where `self` is x and `y` the result of [`Self::reduce`] with the same arguments. Equal maxima
    /// (or minima) share the gradient evenly, as torch.amax and torch.amin do.
    ///
    /// # Errors
    /// As [`Self::reduce`], and [`ShapeError::Operand`] where y or grad_y has another shape than the result.
    pub fn reduce_backward(
        &self,
        op: ReduceOp,
        axes: &[usize],
        keepdim: bool,
        y: &Self,
        grad_y: &Self,
    ) -> Result<Self> {
        self.require_f32(op.name(), "x")?;
        let shape = op.output_shape(self.shape(), axes, keepdim)?;
        let kept = op.output_shape(self.shape(), axes, true)?;
        let with_axes = |operand: &'static str, tensor: &Self| -> Result<Self> {
            tensor.require_f32(op.name(), operand)?;
            self.require_same_context(op.name(), tensor)?;
            if tensor.shape() != shape {
                let (found, expected) = (tensor.shape().to_vec(), shape.clone());
                return Err(ShapeError::Operand { op: op.name(), operand, shape: found, expected }.into());
            }
            if tensor.shape() == kept {
                return tensor.to_layout(self.layout());
            }
            tensor.to_layout(Layout::RowMajor)?.relabel(&kept, Layout::RowMajor).to_layout(self.layout())
        };
        let grad_y = with_axes("grad_y", grad_y)?;
        if self.count() == 0 {
            return self.like(DType::F32);
        }
        match op {
            ReduceOp::Sum => grad_y.expand(self.shape()),
            ReduceOp::Mean => {
                let count = self.count() / grad_y.count();
                grad_y.scale(1.0 / count as f32)?.expand(self.shape())
            }
            ReduceOp::Max | ReduceOp::Min => {
                let y = with_axes("y", y)?;
                let mask = self.like(DType::F32)?;
                let index = mask.broadcast_index(self, &y);
                let (x, name) = (self.buffer(), op.name());
                elementwise::equal_broadcast(self.context(), name, x, y.buffer(), mask.buffer(), &index)?;
                let winners = mask.reduce(ReduceOp::Sum, axes, true)?;
                mask.mul(&grad_y.div(&winners)?)
            }
        }
    }

    /// The sum over `axes` (none means all).
    pub fn sum(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Sum, axes, keepdim)
    }

    /// The mean over `axes` (none means all).
    pub fn mean(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Mean, axes, keepdim)
    }

    /// The largest element over `axes` (none means all), as torch.amax.
    pub fn max(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Max, axes, keepdim)
    }

    /// The smallest element over `axes` (none means all), as torch.amin.
    pub fn min(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        self.reduce(ReduceOp::Min, axes, keepdim)
    }

    /// Where the largest element over `axes` (none means all) lies, as i32: the index along the axis, or the row-major
    /// index among several. The first of equal elements wins.
    ///
    /// # Errors
    /// Those of [`argmax_shape`]; [`crate::Error::DType`] unless f32.
    pub fn argmax(&self, axes: &[usize], keepdim: bool) -> Result<Self> {
        let op = "argmax";
        self.require_f32(op, "x")?;
        let shape = argmax_shape(self.shape(), axes, keepdim)?;
        let traced = || Op::Argmax { axes: axes.to_vec(), keepdim };
        if let Some(y) = trace::step(traced, &[self]) {
            return y;
        }
        let kept = argmax_shape(self.shape(), axes, true)?;
        let y = Self::empty(self.context(), &kept, DType::I32, self.layout())?;
        if y.count() > 0 {
            let gone = reduced_axes(op, self.shape(), axes)?;
            let (memory, logical) = (self.layout().memory_order(self.rank()), Layout::RowMajor);
            // Reduced axes in logical order: their index is the result.
            let plan = Plan::new(
                self.axes(&memory, &gone, false),
                self.axes(&logical.memory_order(self.rank()), &gone, true),
            );
            reduction::argmax(self.context(), self.buffer(), y.buffer(), &plan)?;
        }
        y.without_axes(&shape)
    }

    /// The sum over the axes along which `shape` would be broadcast to this tensor's shape: the gradient of broadcasting.
    /// A 4-D result lies as this tensor does.
    ///
    /// # Errors
    /// [`ShapeError::Broadcast`] if `shape` does not broadcast to this tensor's shape.
    pub fn sum_to_shape(&self, shape: &[usize]) -> Result<Self> {
        let op = "sum_to_shape";
        self.require_f32(op, "x")?;
        if !broadcast_shapes(shape, self.shape()).is_ok_and(|joined| joined == self.shape()) {
            let (left, right) = (shape.to_vec(), self.shape().to_vec());
            return Err(ShapeError::Broadcast { op, left, right }.into());
        }
        if shape == self.shape() {
            return Ok(self.clone());
        }
        let missing = self.rank() - shape.len();
        let axes: Vec<usize> = (0..self.rank())
            .filter(|&axis| axis < missing || (shape[axis - missing] == 1 && self.shape()[axis] != 1))
            .collect();
        self.sum(&axes, true)?.without_axes(shape)
    }

    /// The kept (or reduced) axes of this tensor, in `order`.
    fn axes(&self, order: &[usize], gone: &[bool], reduced: bool) -> Vec<Axis> {
        let strides = self.strides();
        let of_kind = order.iter().filter(|&&axis| gone[axis] == reduced);
        of_kind.map(|&axis| Axis { extent: self.shape()[axis], stride: strides[axis] as usize }).collect()
    }

    /// The same elements under `shape`, which lacks some axes of extent 1.
    fn without_axes(&self, shape: &[usize]) -> Result<Self> {
        if shape == self.shape() {
            return Ok(self.clone());
        }
        Ok(self.to_layout(Layout::RowMajor)?.relabel(shape, Layout::RowMajor))
    }
}
