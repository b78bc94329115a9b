//! Convolution.

use tilewright_ops::{Conv2d, ConvTranspose2d};
use tilewright_tensor::Tensor;

use crate::{Result, Var};

impl Var {
    /// 2-D convolution of N C H W by O I H W, with a bias of one number per output channel. Saves input and weight.
    pub fn conv2d(&self, weight: &Self, bias: Option<&Self>, op: &Conv2d) -> Result<Self> {
        let (x, w, op) = (self.tensor().clone(), weight.tensor().clone(), *op);
        let y = x.conv2d(&w, bias.map(Self::tensor), &op)?;
        let (x_shape, w_shape) = (x.shape4("conv2d", "x")?, w.shape4("conv2d", "weight")?);
        let mut inputs = vec![self, weight];
        inputs.extend(bias);
        // The weight's gradient reads the input, the input's reads the weight: neither is kept without need.
        let x = weight.needs_gradient().then_some(x);
        let w = self.needs_gradient().then_some(w);
        Ok(Self::custom("conv2d", &inputs, y, move |grad_y, needs| {
            let grad_x = w
                .filter(|_| needs[0])
                .map(|w| Tensor::conv2d_backward_input(grad_y, &w, &x_shape, &op, None))
                .transpose()?;
            let grad_w = x
                .filter(|_| needs[1])
                .map(|x| Tensor::conv2d_backward_weight(grad_y, &x, &w_shape, &op, None))
                .transpose()?;
            let mut gradients = vec![grad_x, grad_w];
            if let Some(&wanted) = needs.get(2) {
                gradients.push(wanted.then(|| Tensor::conv2d_backward_bias(grad_y)).transpose()?);
            }
            Ok(gradients)
        }))
    }

    /// Transposed convolution of N I H W by I (O/groups) KH KW. Saves input and weight.
    pub fn conv_transpose2d(&self, weight: &Self, bias: Option<&Self>, op: &ConvTranspose2d) -> Result<Self> {
        let (x, w, op) = (self.tensor().clone(), weight.tensor().clone(), *op);
        let y = x.conv_transpose2d(&w, bias.map(Self::tensor), &op)?;
        let w_shape = w.shape().to_vec();
        let mut inputs = vec![self, weight];
        inputs.extend(bias);
        Ok(Self::custom("conv_transpose2d", &inputs, y, move |grad_y, needs| {
            // The convolution whose transpose it is goes the other way.
            let conv = op.transposed();
            let grad_x = needs[0].then(|| grad_y.conv2d(&w, None, &conv)).transpose()?;
            let grad_w = needs[1]
                .then(|| Tensor::conv2d_backward_weight(&x, grad_y, &w_shape, &conv, None))
                .transpose()?;
            let mut gradients = vec![grad_x, grad_w];
            if let Some(&wanted) = needs.get(2) {
                gradients.push(wanted.then(|| Tensor::conv2d_backward_bias(grad_y)).transpose()?);
            }
            Ok(gradients)
        }))
    }

    /// The windows of N C H W as columns: PyTorch's `unfold`. Saves nothing.
    pub fn im2col(&self, op: &Conv2d, kernel: [usize; 2]) -> Result<Self> {
        let y = self.tensor().im2col(op, kernel)?;
        let (op, x_shape) = (*op, self.shape().to_vec());
        Ok(Self::custom("im2col", &[self], y, move |grad_y, _| {
            Ok(vec![Some(grad_y.col2im(&op, kernel, &x_shape)?)])
        }))
    }
}
