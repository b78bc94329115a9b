//! Quantisation that stays in f32.

use tilewright_kernels::quantized::{self, Scales};
use tilewright_ops::{DType, FakeQuantize};

use crate::{error::Result, tensor::Tensor};

pub(super) fn forward(op: &FakeQuantize, inputs: &[&Tensor]) -> Result<Tensor> {
    let x = inputs[0];
    let y = x.like(DType::F32)?;
    if y.count() > 0 {
        let scales = scales(op, x, inputs);
        quantized::fake_quantize(x.context(), op, x.buffer(), scales, y.buffer(), x.count())?;
    }
    Ok(y)
}

pub(super) fn backward(op: &FakeQuantize, wants: [bool; 2], inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let x = inputs[0];
    let grad_y = inputs[3].to_layout(x.layout())?;
    let results = wants.map(|want| want.then(|| x.like(DType::F32)).transpose());
    let [grad_x, grad_scale] = results;
    let (grad_x, grad_scale) = (grad_x?, grad_scale?);
    if x.count() > 0 {
        let to = [grad_x.as_ref().map(Tensor::buffer), grad_scale.as_ref().map(Tensor::buffer)];
        let (from, scales) = ([x.buffer(), grad_y.buffer()], scales(op, x, inputs));
        quantized::fake_quantize_backward(x.context(), op, from, scales, to, x.count())?;
    }
    Ok(grad_x.into_iter().chain(grad_scale).collect())
}

/// Scale and zero point, and where those of an axis lie in x.
fn scales<'a>(op: &FakeQuantize, x: &Tensor, inputs: &[&'a Tensor]) -> Scales<'a> {
    let axis = op.axis.map(|axis| [x.shape()[axis], x.strides()[axis].unsigned_abs()]);
    Scales { scale: inputs[1].buffer(), zero_point: inputs[2].buffer(), axis }
}
