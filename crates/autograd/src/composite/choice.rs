//! Elements by order, by index and by a mask.

use tilewright_tensor::{
    Tensor,
    composite::{embedding, masked_fill, sorted},
};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// The elements along `axis` in order, and their indices along it; see [`Tensor::sort`]. Saves the indices.
    ///
    /// # Errors
    /// Those of [`Tensor::sort`].
    pub fn sort(&self, axis: usize, descending: bool) -> Result<(Self, Tensor), Error> {
        sorted::sort(self, axis, descending)
    }

    /// `value` where `mask` is not 0, else this variable; see [`Tensor::masked_fill`]. Saves the mask.
    ///
    /// # Errors
    /// Those of [`Tensor::masked_fill`].
    pub fn masked_fill(&self, mask: &Tensor, value: f32) -> Result<Self, Error> {
        masked_fill::masked_fill(self, mask, value)
    }

    /// The rows of this table at `indices`, of which the row `padding_idx` gets no gradient; see [`Tensor::embedding`]. Saves
    /// the indices.
    ///
    /// # Errors
    /// Those of [`Tensor::embedding`].
    pub fn embedding(&self, indices: &Tensor, padding_idx: Option<usize>) -> Result<Self, Error> {
        embedding::embedding(self, indices, padding_idx)
    }

    /// The elements of `axis` at `indices`, a list; see [`Tensor::index_select`]. Saves the indices.
    ///
    /// # Errors
    /// Those of [`Tensor::index_select`].
    pub fn index_select(&self, axis: usize, indices: &Tensor) -> Result<Self, Error> {
        embedding::index_select(self, axis, indices)
    }
}
