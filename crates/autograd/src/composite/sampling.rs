//! Elements at fractional places, their grids, resizing by areas, and borders made of what is there.

use tilewright_ops::{BorderMode, TapTable};
use tilewright_tensor::composite::{
    GridSample, affine_grid, grid_sample, pad_mode, resample_axes, resize_area,
};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// N C … sampled at the places of a grid, with gradients of both; see [`tilewright_tensor::Tensor::grid_sample`]. The
    /// place of a nearest element has none.
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::grid_sample`].
    pub fn grid_sample(&self, grid: &Self, op: &GridSample) -> Result<Self, Error> {
        grid_sample::grid_sample(self, grid, op)
    }

    /// The grid of these affine maps; see [`tilewright_tensor::Tensor::affine_grid`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::affine_grid`].
    pub fn affine_grid(&self, size: &[usize], align_corners: bool) -> Result<Self, Error> {
        affine_grid::affine_grid(self, size, align_corners)
    }

    /// N C H W resized by means over areas; see [`tilewright_tensor::Tensor::resize_area`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::resize_area`].
    pub fn resize_area(&self, size: [usize; 2]) -> Result<Self, Error> {
        resize_area::resize_area(self, size)
    }

    /// Each axis that has a table drawn anew by it; see [`tilewright_tensor::Tensor::resample_axes`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::resample_axes`].
    pub fn resample_axes(&self, tables: &[Option<TapTable>]) -> Result<Self, Error> {
        resample_axes::resample_axes(self, tables)
    }

    /// A border made of what is there; see [`tilewright_tensor::Tensor::pad_mode`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::pad_mode`].
    pub fn pad_mode(&self, padding: &[(usize, usize)], mode: BorderMode) -> Result<Self, Error> {
        pad_mode::pad_mode(self, padding, mode)
    }
}
