//! Regions of images.

use tilewright_ops::{Op, RoiAlign, RoiPool};
use tilewright_tensor::Tensor;

use super::results::results;
use crate::{error::Result, var::Var};

impl Var {
    /// The mean of interpolated samples in each bin of each region; see [`Tensor::roi_align`]. Saves the regions, which get no
    /// gradient.
    pub fn roi_align(&self, rois: &Tensor, op: &RoiAlign) -> Result<Self> {
        Self::run_one(&Op::RoiAlign(*op), &[self, &Self::constant(rois.clone())])
    }

    /// The largest element in each bin of each region, and where it was; see [`Tensor::roi_pool`]. Saves the regions, which get no
    /// gradient, and the places.
    pub fn roi_pool(&self, rois: &Tensor, op: &RoiPool) -> Result<(Self, Tensor)> {
        let op = Op::RoiPool(*op);
        let [y, indices] = results(&op, Self::run(&op, &[self, &Self::constant(rois.clone())])?)?;
        Ok((y, indices.tensor().clone()))
    }
}
