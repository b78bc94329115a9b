//! Lines divided by their norm.

use tilewright_ops::BinaryOp;

use super::norm::{l1_norm, root_of_squares, safe_factors};
use super::operand::{Operand, fails, parameter};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "lp_normalize";

/// `x / ‖x‖ₚ` along `axis`, with p 1 or 2; zeros where the norm is 0, and a gradient of 0 there.
pub fn lp_normalize<V: Operand>(x: &V, p: usize, axis: usize) -> Result<V, V::Error> {
    let axes = [tilewright_ops::normalize_axis(OP, axis as isize, x.shape()).map_err(fails::<V>)?];
    if p != 1 && p != 2 {
        return Err(parameter::<V>(OP, "p", p, "it must be 1 or 2"));
    }
    if x.shape().contains(&0) {
        return Ok(x.clone());
    }
    // A common factor changes nothing but what f32 can hold on the way.
    let x = x.mul(&V::constant(safe_factors(x, &axes)?))?;
    let norm = if p == 1 { l1_norm(&x, &axes, true)? } else { root_of_squares(&x, &axes, true)? };
    let (zero, one) = (x.values(&[0.0], &[])?, x.values(&[1.0], &[])?);
    let none = norm.tensor().binary(BinaryOp::Equal, zero.tensor())?;
    let y = x.div(&one.where_on(&none, &norm)?)?;
    zero.where_on(&none, &y)
}

impl Tensor {
    /// `x / ‖x‖ₚ` along `axis`, with p 1 or 2, as ONNX's LpNormalization: a line of zeros stays one. Where
    /// `torch.nn.functional.normalize` divides by its eps, as below 1e-12, the norm here is 1 all the same.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Parameter`] for another p, [`tilewright_ops::ShapeError::Axis`]; [`Error::DType`].
    pub fn lp_normalize(&self, p: usize, axis: usize) -> Result<Self, Error> {
        lp_normalize(self, p, axis)
    }
}
