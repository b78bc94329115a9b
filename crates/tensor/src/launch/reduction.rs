//! Sum, mean, maximum, minimum, product, argmax over any axes.

use tilewright_kernels::reduction::{self, Axis, Lines, Plan};
use tilewright_ops::{DType, ReduceOp, argmax_shape, reduction::reduced_axes};

use crate::{error::Result, layout::Layout, tensor::Tensor};

pub(super) fn reduce(op: ReduceOp, axes: &[usize], x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let kept = op.output_shape(x.shape(), axes, true)?;
    let y = Tensor::empty(x.context(), &kept, x.dtype(), x.layout())?;
    if x.count() == 0 {
        y.fill(of_nothing(op, x.dtype()))?;
    } else if x.count() == y.count() {
        // Each element is its own sum.
        return x.relabel(&kept, x.layout()).without_axes(shape);
    } else {
        let gone = reduced_axes(op.name(), x.shape(), axes)?;
        let order = x.layout().memory_order(x.rank());
        let plan = Plan::new(x.axes(&order, &gone, false), x.axes(&order, &gone, true));
        reduction::reduce(x.context(), op, x.dtype(), x.buffer(), y.buffer(), &plan)?;
    }
    y.without_axes(shape)
}

/// The bits of what nothing is reduced to.
fn of_nothing(op: ReduceOp, dtype: DType) -> u32 {
    let (float, integer) = match op {
        ReduceOp::Mean => (f32::NAN, 0),
        ReduceOp::Prod => (1.0, 1),
        ReduceOp::Sum => (0.0, 0),
        // The facts refuse these two of nothing, unless there is no result either.
        ReduceOp::Max => (0.0, i32::MIN),
        ReduceOp::Min => (0.0, i32::MAX),
    };
    if dtype == DType::I32 { integer.cast_unsigned() } else { float.to_bits() }
}

pub(super) fn argmax(axes: &[usize], x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let kept = argmax_shape(x.shape(), axes, true)?;
    let y = Tensor::empty(x.context(), &kept, DType::I32, x.layout())?;
    if y.count() > 0 {
        let gone = reduced_axes("argmax", x.shape(), axes)?;
        let (memory, logical) = (x.layout().memory_order(x.rank()), Layout::RowMajor.memory_order(x.rank()));
        // Reduced axes in logical order: their index is the result.
        let plan = Plan::new(x.axes(&memory, &gone, false), x.axes(&logical, &gone, true));
        reduction::argmax(x.context(), x.buffer(), y.buffer(), &plan)?;
    }
    y.without_axes(shape)
}

impl Tensor {
    /// The kept (or reduced) axes of this tensor, in `order`.
    fn axes(&self, order: &[usize], gone: &[bool], reduced: bool) -> Vec<Axis> {
        let strides = self.strides();
        let of_kind = order.iter().filter(|&&axis| gone[axis] == reduced);
        of_kind.map(|&axis| Axis { extent: self.shape()[axis], stride: strides[axis] as usize }).collect()
    }

    /// The same elements under `shape`, which lacks some axes of extent 1.
    pub(crate) fn without_axes(&self, shape: &[usize]) -> Result<Self> {
        if shape == self.shape() {
            return Ok(self.clone());
        }
        Ok(self.to_layout(Layout::RowMajor)?.relabel(shape, Layout::RowMajor))
    }

    /// How the lines along an axis lie in memory.
    pub(super) fn lines(&self, axis: usize) -> Lines {
        let mut view = Lines { before: 1, along: 1, after: 1 };
        let mut passed = false;
        for at in self.layout().memory_order(self.rank()) {
            let extent = self.shape()[at];
            if at == axis {
                view.along = extent;
                passed = true;
            } else if passed {
                view.after *= extent;
            } else {
                view.before *= extent;
            }
        }
        view
    }
}
