//! Regions of images.

use tilewright_ops::{RoiAlign, RoiPool};
use tilewright_tensor::Tensor;

use crate::{
    error::Result,
    var::{Rule, Var, of_one},
};

/// Saves the regions.
pub(super) fn roi_align(op: RoiAlign, inputs: &[&Var]) -> Result<Rule> {
    let (x_shape, rois) = (inputs[0].tensor().shape4("roi_align", "x")?, inputs[1].tensor().clone());
    Ok(of_one(move |grad_y, _| {
        Ok(vec![Some(Tensor::roi_align_backward(&op, &x_shape, &rois, grad_y)?), None])
    }))
}

/// Saves the regions and where the largest elements were.
pub(super) fn roi_pool(op: RoiPool, inputs: &[&Var], indices: &Tensor) -> Result<Rule> {
    let (x_shape, rois) = (inputs[0].tensor().shape4("roi_pool", "x")?, inputs[1].tensor().clone());
    let indices = indices.clone();
    Ok(of_one(move |grad_y, _| {
        let grad_x = Tensor::roi_pool_backward(&op, &x_shape, [&rois, &indices], grad_y)?;
        Ok(vec![Some(grad_x), None])
    }))
}
