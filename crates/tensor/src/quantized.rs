//! Tensors whose whole numbers stand for real ones.

use std::sync::Arc;

use tilewright_ops::{Kind, Op, Quantization};

use crate::{error::Error, error::Result, tensor::Tensor};

impl Tensor {
    /// What the numbers stand for, if this is a quantised tensor: a part of its type as the element type is.
    pub fn quantization(&self) -> Option<&Quantization> {
        self.quantization.as_deref()
    }

    /// The same numbers as a quantised tensor.
    ///
    /// # Errors
    /// Those of [`Quantization::check`].
    pub fn with_quantization(&self, quantization: Quantization) -> Result<Self> {
        quantization.check(self.shape(), self.dtype())?;
        let mut same = self.clone();
        same.quantization = Some(Arc::new(quantization));
        Ok(same)
    }

    /// The same numbers, which stand for what those of `other` do.
    pub(crate) fn quantized_as(mut self, other: &Self) -> Self {
        self.quantization.clone_from(&other.quantization);
        self
    }

    /// The same numbers without what they stand for.
    #[must_use]
    pub fn without_quantization(&self) -> Self {
        let mut same = self.clone();
        same.quantization = None;
        same
    }
}

/// What the results of `op` stand for where operands are quantised. Movements keep it where it is the same for all
/// elements, or where the axis is known afterwards; everything else would compute with numbers that mean something else.
///
/// # Errors
/// [`Error::Quantized`].
pub(crate) fn of_results(op: &Op, inputs: &[&Tensor]) -> Result<Option<Arc<Quantization>>> {
    let Some(first) = inputs.iter().find_map(|input| input.quantization.as_ref()) else { return Ok(None) };
    let refuse = |hint| Err(Error::Quantized { op: op.name(), hint });
    if op.facts().kind != Kind::Movement || matches!(op, Op::Cast(_)) {
        return refuse("use `dequantize` first, or `without_quantization` for the bare numbers");
    }
    if inputs.iter().any(|input| input.quantization.as_deref() != Some(&**first)) {
        return refuse("all operands must have the same scale and zero point");
    }
    let Some(axis) = first.axis() else { return Ok(Some(first.clone())) };
    let kept = match op {
        Op::Permute(axes) => axes.iter().position(|&from| from == axis),
        Op::Concat { axis: other } | Op::Split { axis: other, .. } if *other != axis => Some(axis),
        Op::Slice(ranges) => ranges.get(axis).and_then(|range| {
            let whole = range.step == 1 && range.start == 0 && range.end == first.scale().len();
            whole.then_some(axis)
        }),
        _ => None,
    };
    match kept {
        Some(axis) => Ok(Some(Arc::new((**first).clone().on_axis(Some(axis))))),
        None => refuse("its scales belong to an axis that this changes; use `dequantize` first"),
    }
}
