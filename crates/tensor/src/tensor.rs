//! The tensor itself: shape, type and layout over a buffer, and the ways in and out.

use std::sync::Arc;

use bytemuck::Pod;
use half::f16;
use tilewright_ops::{DType, Quantization, element_count};
use tilewright_runtime::{Buffer, Context};

use crate::{error::Error, error::Result, layout::Layout, symbol::Symbol};

/// A tensor on a device. Cloning shares its memory; operations never write to an operand.
#[derive(Clone)]
pub struct Tensor {
    context: Context,
    buffer: Buffer,
    shape: Vec<usize>,
    dtype: DType,
    layout: Layout,
    /// What its numbers stand for, if it is quantised.
    pub(crate) quantization: Option<Arc<Quantization>>,
    /// What it stands for, if operations on it are only written down.
    pub(crate) symbol: Option<Symbol>,
}

/// A host type with a [`DType`].
pub trait Element: Pod {
    /// Its type on the device.
    const DTYPE: DType;
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;
}

impl Element for f16 {
    const DTYPE: DType = DType::F16;
}

impl Element for i32 {
    const DTYPE: DType = DType::I32;
}

impl Element for u32 {
    const DTYPE: DType = DType::U32;
}

impl Element for i8 {
    const DTYPE: DType = DType::I8;
}

impl Element for u8 {
    const DTYPE: DType = DType::U8;
}

impl Tensor {
    /// A tensor of `values` in row-major order.
    ///
    /// # Errors
    /// [`Error::ElementCount`] if they do not fill `shape`.
    pub fn from_slice<T: Element>(context: &Context, values: &[T], shape: &[usize]) -> Result<Self> {
        let expected = element_count("from_slice", shape)?;
        if values.len() != expected {
            let shape = shape.to_vec();
            return Err(Error::ElementCount { op: "from_slice", shape, expected, found: values.len() });
        }
        let buffer = context.upload(bytemuck::cast_slice(values))?;
        Ok(Self::over(context, buffer, shape, T::DTYPE, Layout::RowMajor))
    }

    /// A tensor with unspecified contents, for a kernel to fill.
    pub fn empty(context: &Context, shape: &[usize], dtype: DType, layout: Layout) -> Result<Self> {
        let count = element_count("empty", shape)?;
        let buffer = context.alloc((count as u64).saturating_mul(dtype.size() as u64))?;
        Ok(Self::over(context, buffer, shape, dtype, layout))
    }

    /// An f32 tensor of one value.
    pub fn full(context: &Context, value: f32, shape: &[usize]) -> Result<Self> {
        let tensor = Self::empty(context, shape, DType::F32, Layout::RowMajor)?;
        tensor.fill(value.to_bits())?;
        Ok(tensor)
    }

    /// An f32 tensor of zeros.
    pub fn zeros(context: &Context, shape: &[usize]) -> Result<Self> {
        Self::full(context, 0.0, shape)
    }

    /// An f32 tensor of ones.
    pub fn ones(context: &Context, shape: &[usize]) -> Result<Self> {
        Self::full(context, 1.0, shape)
    }

    /// A tensor over a buffer that already holds it; without four axes, the layout is row-major.
    ///
    /// # Errors
    /// [`Error::ElementCount`] if the buffer is too small for `shape`'s elements of `dtype`.
    pub fn from_parts(
        context: &Context,
        buffer: Buffer,
        shape: &[usize],
        dtype: DType,
        layout: Layout,
    ) -> Result<Self> {
        let (op, expected) = ("from_parts", element_count("from_parts", shape)?);
        let found = buffer.size() as usize / dtype.size();
        if found < expected {
            return Err(Error::ElementCount { op, shape: shape.to_vec(), expected, found });
        }
        Ok(Self::over(context, buffer, shape, dtype, layout))
    }

    /// A tensor over a buffer that is large enough.
    fn over(context: &Context, buffer: Buffer, shape: &[usize], dtype: DType, layout: Layout) -> Self {
        let layout = if shape.len() == 4 { layout } else { Layout::RowMajor };
        buffer.note_shape(shape);
        Self {
            context: context.clone(),
            buffer,
            shape: shape.to_vec(),
            dtype,
            layout,
            quantization: None,
            symbol: None,
        }
    }

    /// The logical shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The shape as N C H W.
    ///
    /// # Errors
    /// A [`tilewright_ops::ShapeError::Rank`] that names `op` and `operand` if there are not four axes.
    pub fn shape4(&self, op: &'static str, operand: &'static str) -> Result<[usize; 4]> {
        self.shape[..].try_into().map_err(|_| {
            let shape = self.shape.clone();
            tilewright_ops::ShapeError::Rank { op, operand, shape, expected: "four (N C H W)" }.into()
        })
    }

    /// Axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How it lies in memory.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The strides of the logical axes, in elements.
    pub fn strides(&self) -> Vec<isize> {
        self.layout.strides(&self.shape)
    }

    /// The device memory.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The context on which it lives.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The elements in row-major order of the logical axes. Waits for the device.
    ///
    /// # Errors
    /// [`Error::DType`] if `T` is not the element type.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype {
            return Err(Error::DType {
                op: "to_vec",
                operand: "tensor",
                found: self.dtype,
                expected: T::DTYPE.name(),
            });
        }
        let dense = self.to_layout(Layout::RowMajor)?;
        let bytes = self.context.read(&dense.buffer)?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    /// As [`Self::to_vec`], without blocking the thread.
    pub async fn to_vec_async<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype {
            return Err(Error::DType {
                op: "to_vec_async",
                operand: "tensor",
                found: self.dtype,
                expected: T::DTYPE.name(),
            });
        }
        let dense = self.to_layout(Layout::RowMajor)?;
        let bytes = self.context.read_async(&dense.buffer).await?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    /// The only element of an f32 tensor. Waits for the device.
    pub fn item(&self) -> Result<f32> {
        let values = self.to_vec::<f32>()?;
        match values[..] {
            [value] => Ok(value),
            _ => Err(Error::ElementCount {
                op: "item",
                shape: self.shape.clone(),
                expected: 1,
                found: values.len(),
            }),
        }
    }

    /// The same tensor under another handle of the same context, such as one that records
    /// ([`Context::recording`]).
    #[must_use]
    pub fn on(&self, context: &Context) -> Self {
        Self { context: context.clone(), ..self.clone() }
    }

    /// The same memory under another shape of as many elements.
    pub(crate) fn relabel(&self, shape: &[usize], layout: Layout) -> Self {
        let same = Self::over(&self.context, self.buffer.clone(), shape, self.dtype, layout);
        // Scales of an axis mean nothing under another shape.
        let keeps = shape == self.shape || self.quantization().is_none_or(|of| of.axis().is_none());
        Self { quantization: self.quantization.clone().filter(|_| keeps), ..same }
    }

    /// Fails unless the element type is f32.
    pub(crate) fn require_f32(&self, op: &'static str, operand: &'static str) -> Result<()> {
        self.require_dtype(op, operand, DType::F32)
    }

    /// Fails unless the element type is `dtype`.
    pub(crate) fn require_dtype(&self, op: &'static str, operand: &'static str, dtype: DType) -> Result<()> {
        if self.dtype == dtype {
            Ok(())
        } else {
            Err(Error::DType { op, operand, found: self.dtype, expected: dtype.name() })
        }
    }

    /// Fails for what has no memory: an operation that writes in place, or to a texture, cannot be written down.
    pub(crate) fn refuse_symbolic(&self, op: &str) -> Result<()> {
        if self.symbol.is_none() {
            return Ok(());
        }
        Err(tilewright_runtime::Error::Unbacked { op: op.to_owned() }.into())
    }

    /// Fails unless `other` has this tensor's shape.
    pub(crate) fn require_shape(&self, op: &'static str, operand: &'static str, other: &Self) -> Result<()> {
        if other.shape() == self.shape() {
            return Ok(());
        }
        let (shape, expected) = (other.shape().to_vec(), self.shape().to_vec());
        Err(tilewright_ops::ShapeError::Operand { op, operand, shape, expected }.into())
    }

    /// Fails unless both live on one context.
    pub(crate) fn require_same_context(&self, op: &'static str, other: &Self) -> Result<()> {
        if self.context.same(&other.context) { Ok(()) } else { Err(Error::Contexts { op }) }
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor({:?}, {}, {:?})", self.shape, self.dtype.name(), self.layout)
    }
}
