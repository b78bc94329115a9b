//! Layer normalisation (Ba et al., arXiv 1607.06450).

use super::moments::{Standardized, standardize};
use super::operand::{Operand, operand};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "layer_norm";

/// What a layer normalisation gives.
#[derive(Clone, Debug)]
pub struct LayerNorm<V> {
    /// The normalised value, of x's shape.
    pub y: V,
    /// The mean, with extent 1 along the normalised axes.
    pub mean: V,
    /// 1 / √(biased variance + eps), of the mean's shape.
    pub inv_std: V,
}

/// `(x − mean) / √(variance + eps) · weight + bias`, with the biased moments over the axes from `first` on. Weight and
/// bias broadcast to x.
pub fn layer_norm<V: Operand>(
    x: &V,
    first: usize,
    weight: Option<&V>,
    bias: Option<&V>,
    eps: f32,
) -> Result<LayerNorm<V>, V::Error> {
    let shape = x.shape().to_vec();
    let axes = axes::<V>(&shape, first)?;
    let Standardized { mut y, mean, inv_std, .. } = standardize(x, &axes, eps)?;
    for (name, factor) in [("weight", weight), ("bias", bias)] {
        let Some(factor) = factor else { continue };
        let fits = tilewright_ops::broadcast_shapes(&shape, factor.shape()).is_ok_and(|joint| joint == shape);
        if !fits {
            return Err(operand::<V>(OP, name, factor.shape(), &shape[first..]));
        }
        y = if name == "weight" { y.mul(factor)? } else { y.add(factor)? };
    }
    Ok(LayerNorm { y, mean, inv_std })
}

fn axes<V: Operand>(shape: &[usize], first: usize) -> Result<Vec<usize>, V::Error> {
    if first >= shape.len() {
        let axis = isize::try_from(first).unwrap_or(isize::MAX);
        let error = tilewright_ops::ShapeError::Axis { op: OP, axis, shape: shape.to_vec() };
        return Err(super::operand::fails::<V>(error));
    }
    Ok((first..shape.len()).collect())
}

impl Tensor {
    /// Layer normalisation over the axes from `first` on: `(x − mean) / √(variance + eps) · weight + bias`, with the
    /// biased variance. Weight and bias have the shape of those axes, or broadcast to it; PyTorch's
    /// `torch.nn.functional.layer_norm`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Axis`], [`tilewright_ops::ShapeError::Operand`]; [`Error::DType`] unless f32.
    pub fn layer_norm(
        &self,
        first: usize,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f32,
    ) -> Result<LayerNorm<Self>, Error> {
        layer_norm(self, first, weight, bias, eps)
    }
}
