//! Memory that is made, filled and copied: no operation on values.

use tilewright_kernels::{elementwise, movement, strided::Strided};
use tilewright_ops::DType;

use crate::{error::Result, large, layout::Layout, tensor::Tensor};

impl Tensor {
    /// An empty tensor of this shape and layout.
    pub(crate) fn like(&self, dtype: DType) -> Result<Self> {
        Self::empty(self.context(), self.shape(), dtype, self.layout())
    }

    /// Writes one value of 32 bits to every element.
    pub(crate) fn fill(&self, bits: u32) -> Result<()> {
        let (context, limit) = (self.context(), large::limit(self));
        if !large::exceeds(self.shape(), limit) {
            return Ok(elementwise::fill(context, self.buffer(), self.count(), bits)?);
        }
        let slice = context.alloc(limit / 4 * 4)?;
        elementwise::fill(context, &slice, (limit / 4) as usize, bits)?;
        let whole = self.count() as u64 * 4;
        for at in (0..whole).step_by(slice.size() as usize) {
            context.copy(&slice, 0, self.buffer(), at, slice.size().min(whole - at))?;
        }
        Ok(())
    }

    /// The same values in `layout`; free of cost where the bytes are the same.
    pub fn to_layout(&self, layout: Layout) -> Result<Self> {
        // What is symbolic lies nowhere yet.
        if self.layout() == layout || self.rank() != 4 || self.is_symbolic() {
            return Ok(self.clone());
        }
        if Layout::coincide(self.shape()) {
            return Ok(self.relabel(self.shape(), layout));
        }
        if large::exceeds(self.shape(), large::limit(self)) {
            return Ok(large::to_layout(&self.without_quantization(), layout)?.quantized_as(self));
        }
        let copy = self.copy_to("to_layout", self.shape(), &self.strides(), 0, layout)?;
        Ok(copy.quantized_as(self))
    }

    /// A tensor of its own memory with the same elements: what a plain clone, which shares memory, is not. A symbolic
    /// tensor has no memory, and is its own copy.
    pub fn copy(&self) -> Result<Self> {
        if self.is_symbolic() {
            return Ok(self.clone());
        }
        let copy = self.copy_to("copy", self.shape(), &self.strides(), 0, self.layout())?;
        Ok(copy.quantized_as(self))
    }

    /// The strides under which this tensor is read as `shape`, 0 along what is broadcast.
    pub(crate) fn broadcast_strides(&self, shape: &[usize]) -> Vec<isize> {
        let missing = shape.len() - self.rank();
        let mut strides = vec![0; missing];
        for (axis, stride) in self.strides().into_iter().enumerate() {
            strides.push(if self.shape()[axis] == shape[missing + axis] { stride } else { 0 });
        }
        strides
    }

    /// A dense copy of the box `shape` that is read with `strides` from `offset`.
    pub(crate) fn copy_to(
        &self,
        op: &'static str,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
        layout: Layout,
    ) -> Result<Self> {
        if let Some(wide) = self.words() {
            // The kernel moves words of four bytes.
            let bare = self.without_quantization().cast(wide)?;
            return bare.copy_to(op, shape, strides, offset, layout)?.cast(self.dtype());
        }
        let y = Self::empty(self.context(), shape, self.dtype(), layout)?;
        if y.count() == 0 {
            return Ok(y);
        }
        let order = y.layout().memory_order(shape.len());
        let pick = |values: &[isize]| -> Vec<isize> { order.iter().map(|&axis| values[axis]).collect() };
        let extents: Vec<_> = order.iter().map(|&axis| shape[axis]).collect();
        let index = Strided::new(&extents, &pick(strides), &pick(&y.strides()));
        movement::strided_copy(self.context(), op, self.buffer(), offset, y.buffer(), 0, &index)?;
        Ok(y)
    }

    /// Writes this tensor into `y` from `offset` on, with `strides` for the logical axes.
    pub(crate) fn copy_into(
        &self,
        op: &'static str,
        y: &Self,
        offset: isize,
        strides: &[isize],
    ) -> Result<()> {
        if self.count() == 0 {
            return Ok(());
        }
        let order = y.layout().memory_order(self.rank());
        let pick = |values: &[isize]| -> Vec<isize> { order.iter().map(|&axis| values[axis]).collect() };
        let extents: Vec<_> = order.iter().map(|&axis| self.shape()[axis]).collect();
        let index = Strided::new(&extents, &pick(&self.strides()), &pick(strides));
        movement::strided_copy(self.context(), op, self.buffer(), 0, y.buffer(), offset as usize, &index)?;
        Ok(())
    }

    /// The type of four bytes that holds every element of a smaller type, if this is one.
    pub(crate) fn words(&self) -> Option<DType> {
        match self.dtype() {
            DType::F16 => Some(DType::F32),
            DType::I8 | DType::U8 => Some(DType::I32),
            DType::F32 | DType::I32 | DType::U32 => None,
        }
    }
}
