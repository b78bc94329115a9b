//! Cross-entropy.

use tilewright_kernels::loss::{self, Operands};
use tilewright_ops::{CrossEntropy, DType, Reduction};

use crate::{error::Result, layout::Layout, tensor::Tensor};

/// `logits`, `labels`, then class weights if they are there.
pub(super) fn cross_entropy(op: &CrossEntropy, inputs: &[&Tensor], shape: &[usize]) -> Result<Tensor> {
    let logits = inputs[0];
    let labels = inputs[1].to_layout(Layout::RowMajor)?;
    let y = Tensor::empty(logits.context(), shape, DType::F32, Layout::RowMajor)?;
    if logits.count() == 0 {
        let nothing = if op.reduction == Reduction::Mean { f32::NAN } else { 0.0 };
        y.fill(nothing.to_bits())?;
    } else {
        let operands = operands(logits, &labels, inputs.get(2).copied());
        loss::cross_entropy(logits.context(), op, operands, y.buffer())?;
    }
    Ok(y)
}

/// `logits`, `labels`, `grad_y`, then class weights if they are there.
pub(super) fn cross_entropy_backward(op: &CrossEntropy, inputs: &[&Tensor]) -> Result<Tensor> {
    let logits = inputs[0];
    let labels = inputs[1].to_layout(Layout::RowMajor)?;
    let grad_y = inputs[2].to_layout(Layout::RowMajor)?;
    let grad_x = logits.like(DType::F32)?;
    if logits.count() > 0 {
        let operands = operands(logits, &labels, inputs.get(3).copied());
        loss::cross_entropy_backward(logits.context(), op, operands, grad_y.buffer(), grad_x.buffer())?;
    }
    Ok(grad_x)
}

fn operands<'a>(logits: &'a Tensor, labels: &'a Tensor, weights: Option<&'a Tensor>) -> Operands<'a> {
    Operands {
        logits: logits.buffer(),
        // Of either layout, the lines along the classes come in the labels' row-major order.
        view: logits.lines(1),
        labels: labels.buffer(),
        weights: weights.map(Tensor::buffer),
    }
}
