//! The negative log-likelihood of labels.

use tilewright_ops::{BinaryOp, DType, ReduceOp, Reduction};

use super::hardmax::MOST;
use super::operand::{Operand, operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "nll_loss";

/// −Σ weight · score of each label: see [`Tensor::nll_loss`].
pub fn nll_loss<V: Operand>(
    scores: &V,
    labels: &Tensor,
    weights: Option<&Tensor>,
    ignore_index: Option<i64>,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let shape = scores.shape().to_vec();
    let [n, classes, rest @ ..] = &shape[..] else {
        return Err(rank::<V>(OP, "scores", &shape, "two or more (N C …)"));
    };
    let places = [&[*n], rest].concat();
    if labels.shape() != places {
        return Err(operand::<V>(OP, "labels", labels.shape(), &places));
    }
    labels.require_dtype(OP, "labels", DType::I32)?;
    // As f32 a label is exact as long as it is a class.
    if *classes >= MOST {
        return Err(parameter::<V>(OP, "classes", classes, "there must be fewer than 2^24"));
    }
    let context = scores.tensor().context();
    let mut along = vec![1; shape.len()];
    along[1] = *classes;
    let numbers: Vec<f32> = (0..*classes).map(|class| class as f32).collect();
    let labels = Operand::with_shape(&labels.cast(DType::F32)?, &[&[*n, 1], rest].concat())?;
    let chosen = labels.binary(BinaryOp::Equal, &Tensor::from_slice(context, &numbers, &along)?)?;
    let ignored = ignore_index.and_then(|index| usize::try_from(index).ok());
    let counted: Vec<f32> = (0..*classes).map(|class| f32::from(u8::from(Some(class) != ignored))).collect();
    let picked = chosen.mul(&Tensor::from_slice(context, &counted, &along)?)?;
    // Choices and not products: the score of another class, or one that is ignored, may be −∞, and its weight ∞.
    let zero = scores.values(&[0.0], &[])?;
    let each = match weights {
        None => picked.clone(),
        Some(given) if given.shape() == [*classes] => {
            Operand::with_shape(given, &along)?.where_on(&picked, zero.tensor())?
        }
        Some(given) => return Err(operand::<V>(OP, "weights", given.shape(), &[*classes])),
    };
    let products = scores.mul(&V::constant(each.clone()))?.where_on(&picked, &zero)?;
    let losses = products.reduce(ReduceOp::Sum, &[1], false)?.scale(-1.0)?;
    match reduction {
        Reduction::None => Ok(losses),
        Reduction::Sum => losses.reduce(ReduceOp::Sum, &[], false),
        Reduction::Mean => {
            let total = each.reduce(ReduceOp::Sum, &[], false)?;
            losses.reduce(ReduceOp::Sum, &[], false)?.div(&V::constant(total))
        }
    }
}

impl Tensor {
    /// −weight · score of each label (i32, N …) among scores N C … that are logarithms of probabilities, joined as
    /// `reduction` says; the mean divides by the sum of the labels' weights. `weights` has shape `[C]`; a label that is
    /// `ignore_index`, or no class, counts for nothing. `torch.nn.functional.nll_loss`, which can be captured.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`], [`tilewright_ops::ShapeError::Operand`],
    /// [`tilewright_ops::ShapeError::Parameter`] for 2²⁴ classes or more; [`Error::DType`].
    pub fn nll_loss(
        &self,
        labels: &Self,
        weights: Option<&Self>,
        ignore_index: Option<i64>,
        reduction: Reduction,
    ) -> Result<Self, Error> {
        nll_loss(self, labels, weights, ignore_index, reduction)
    }
}
