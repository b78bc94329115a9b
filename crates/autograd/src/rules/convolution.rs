//! Convolutions.

use tilewright_ops::{Conv2d, ConvTranspose2d};
use tilewright_tensor::Tensor;

use super::rule::simple;
use crate::{error::Result, var::Needs, var::Rule, var::Var, var::of_one};

/// Saves the input, unless it can be made again, and the weight, each only where the other one's gradient is wanted.
pub(super) fn conv2d(op: Conv2d, inputs: &[&Var]) -> Result<Rule> {
    let [x, w] = [inputs[0], inputs[1]];
    let x_shape = x.tensor().shape4("conv2d", "x")?;
    let w_shape = w.tensor().shape4("conv2d", "weight")?;
    let saved_x = w.needs_gradient().then(|| x.keep());
    let saved_w = x.needs_gradient().then(|| w.tensor().clone());
    Ok(of_one(move |grad_y, needs| {
        // By the weight first: the input, which may have been made again, is gone before its gradient needs as much.
        let grad_w = saved_x
            .filter(|_| needs[1])
            .map(|x| -> Result<Tensor> {
                Ok(Tensor::conv2d_backward_weight(grad_y, &x.get()?, &w_shape, &op, None)?)
            })
            .transpose()?;
        let grad_x = saved_w
            .filter(|_| needs[0])
            .map(|w| Tensor::conv2d_backward_input(grad_y, &w, &x_shape, &op, None))
            .transpose()?;
        with_bias(grad_x, grad_w, grad_y, needs)
    }))
}

/// Saves the input, unless it can be made again, and the weight.
pub(super) fn conv_transpose2d(op: ConvTranspose2d, inputs: &[&Var]) -> Rule {
    let (x, w) = (inputs[0].keep(), inputs[1].tensor().clone());
    let w_shape = w.shape().to_vec();
    of_one(move |grad_y, needs| {
        // The convolution whose transpose it is goes the other way.
        let conv = op.transposed();
        let grad_w = needs[1]
            .then(|| -> Result<Tensor> {
                Ok(Tensor::conv2d_backward_weight(&x.get()?, grad_y, &w_shape, &conv, None)?)
            })
            .transpose()?;
        drop(x);
        let grad_x = needs[0].then(|| grad_y.conv2d(&w, None, &conv)).transpose()?;
        with_bias(grad_x, grad_w, grad_y, needs)
    })
}

/// Saves nothing.
pub(super) fn im2col(op: Conv2d, kernel: [usize; 2], x: &Tensor) -> Rule {
    let x_shape = x.shape().to_vec();
    simple(move |grad_y| Ok(grad_y.col2im(&op, kernel, &x_shape)?))
}

/// The gradients of input and weight, and that of the bias if there is one.
fn with_bias(
    grad_x: Option<Tensor>,
    grad_w: Option<Tensor>,
    grad_y: &Tensor,
    needs: Needs<'_>,
) -> Result<Vec<Option<Tensor>>> {
    let mut gradients = vec![grad_x, grad_w];
    if let Some(&wanted) = needs.get(2) {
        gradients.push(wanted.then(|| Tensor::conv2d_backward_bias(grad_y)).transpose()?);
    }
    Ok(gradients)
}
