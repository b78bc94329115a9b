//! Elements by index, and to their index. The indices are i32 and get no gradient; what is outside, see [`Tensor::gather`].

use tilewright_ops::{Op, ScatterReduction};
use tilewright_tensor::Tensor;

use crate::{error::Result, var::Var};

impl Var {
    /// The elements of `axis` at `indices`, whose axes take its place. Saves the indices.
    pub fn gather(&self, axis: usize, indices: &Tensor) -> Result<Self> {
        Self::run_one(&Op::Gather { axis }, &[self, &Self::constant(indices.clone())])
    }

    /// For each of `indices` the element of its line along `axis` that it names: `torch.gather`. Saves the indices.
    pub fn gather_elements(&self, axis: usize, indices: &Tensor) -> Result<Self> {
        Self::run_one(&Op::GatherElements { axis }, &[self, &Self::constant(indices.clone())])
    }

    /// The slices that the tuples in the last axis of `indices` name. Saves the indices.
    pub fn gather_nd(&self, batch: usize, indices: &Tensor) -> Result<Self> {
        Self::run_one(&Op::GatherNd { batch }, &[self, &Self::constant(indices.clone())])
    }

    /// This variable with each slice of `updates` put where its index along `axis` says. Saves the indices.
    ///
    /// # Errors
    /// Those of [`Tensor::scatter`]; [`crate::Error::NoGradient`] where one is wanted of a product.
    pub fn scatter(
        &self,
        axis: usize,
        reduction: ScatterReduction,
        indices: &Tensor,
        updates: &Self,
    ) -> Result<Self> {
        let op = Op::Scatter { axis, reduction };
        Self::run_one(&op, &[self, &Self::constant(indices.clone()), updates])
    }

    /// This variable with each of `updates` put where the index beside it says, along `axis`: `torch.scatter`. Saves the
    /// indices.
    ///
    /// # Errors
    /// As [`Self::scatter`].
    pub fn scatter_elements(
        &self,
        axis: usize,
        reduction: ScatterReduction,
        indices: &Tensor,
        updates: &Self,
    ) -> Result<Self> {
        let op = Op::ScatterElements { axis, reduction };
        Self::run_one(&op, &[self, &Self::constant(indices.clone()), updates])
    }

    /// This variable with each slice of `updates` put where its tuple says. Saves the indices.
    ///
    /// # Errors
    /// As [`Self::scatter`].
    pub fn scatter_nd(
        &self,
        batch: usize,
        reduction: ScatterReduction,
        indices: &Tensor,
        updates: &Self,
    ) -> Result<Self> {
        let op = Op::ScatterNd { batch, reduction };
        Self::run_one(&op, &[self, &Self::constant(indices.clone()), updates])
    }
}
