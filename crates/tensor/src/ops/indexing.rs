//! Elements by index, and to their index.
//!
//! Indices are i32; a negative one counts from the back of its axis. One that is outside is no error, for the device alone
//! knows it: gathering gives 0 there, and scattering leaves it out.

use tilewright_ops::{Op, ScatterReduction};

use crate::{error::Result, tensor::Tensor};

impl Tensor {
    /// The elements of `axis` at `indices` (i32), whose axes take its place: ONNX's Gather, `torch.index_select` for one
    /// axis of indices. A negative index counts from the back; one that is outside the axis gives 0.
    ///
    /// # Errors
    /// Those of [`tilewright_ops::gather_shape`]; [`crate::Error::DType`] for other indices, and for f16 elements.
    pub fn gather(&self, axis: usize, indices: &Self) -> Result<Self> {
        Self::run_one(&Op::Gather { axis }, &[self, indices])
    }

    /// For each of `indices` the element of its line along `axis` that it names: `torch.gather`, ONNX's GatherElements. One
    /// that is outside the axis gives 0. The result has the shape of the indices.
    ///
    /// # Errors
    /// Those of [`tilewright_ops::indexing::gather_elements_shape`]; [`crate::Error::DType`] for other indices, and for f16
    /// elements.
    pub fn gather_elements(&self, axis: usize, indices: &Self) -> Result<Self> {
        Self::run_one(&Op::GatherElements { axis }, &[self, indices])
    }

    /// The slices that tuples name, which the last axis of `indices` holds: ONNX's GatherND. The first `batch` axes are common
    /// to both. A tuple one of which is outside its axis gives 0.
    ///
    /// # Errors
    /// Those of [`tilewright_ops::indexing::gather_nd_shape`]; [`crate::Error::DType`] as above; a limit beyond tuples of 8.
    pub fn gather_nd(&self, batch: usize, indices: &Self) -> Result<Self> {
        Self::run_one(&Op::GatherNd { batch }, &[self, indices])
    }

    /// This tensor with each slice of `updates` put where its index along `axis` says: `torch.index_copy`, `index_add`,
    /// `index_reduce`. `updates` has the shape that [`Self::gather`] would give. Equal indices meet in their order, so that the
    /// bits are the same at each run; one outside the axis is left out. One thread goes along all updates of a line, so it
    /// is slow where lines are few and long.
    ///
    /// # Errors
    /// Those of [`tilewright_ops::indexing::scatter_shape`]; [`crate::Error::DType`] for other indices, for updates of another
    /// type, and with a reduction for elements that are neither f32 nor i32.
    pub fn scatter(
        &self,
        axis: usize,
        reduction: ScatterReduction,
        indices: &Self,
        updates: &Self,
    ) -> Result<Self> {
        Self::run_one(&Op::Scatter { axis, reduction }, &[self, indices, updates])
    }

    /// This tensor with each of `updates` put where the index beside it says, along `axis`: `torch.scatter`,
    /// `scatter_reduce`, ONNX's ScatterElements. Otherwise as [`Self::scatter`].
    ///
    /// # Errors
    /// Those of [`tilewright_ops::indexing::scatter_elements_shape`]; [`crate::Error::DType`] as [`Self::scatter`].
    pub fn scatter_elements(
        &self,
        axis: usize,
        reduction: ScatterReduction,
        indices: &Self,
        updates: &Self,
    ) -> Result<Self> {
        Self::run_one(&Op::ScatterElements { axis, reduction }, &[self, indices, updates])
    }

    /// This tensor with each slice of `updates` put where its tuple says: ONNX's ScatterND where `batch` is 0. `updates` has
    /// the shape that [`Self::gather_nd`] would give. Otherwise as [`Self::scatter`].
    ///
    /// # Errors
    /// Those of [`tilewright_ops::indexing::scatter_nd_shape`]; [`crate::Error::DType`] as [`Self::scatter`]; a limit beyond
    /// tuples of 8.
    pub fn scatter_nd(
        &self,
        batch: usize,
        reduction: ScatterReduction,
        indices: &Self,
        updates: &Self,
    ) -> Result<Self> {
        Self::run_one(&Op::ScatterNd { batch, reduction }, &[self, indices, updates])
    }
}
