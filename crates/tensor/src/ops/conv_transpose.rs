//! Transposed convolution, by the kernels of a convolution's gradient: it is the same map.

use tilewright_ops::{ConvTranspose2d, DType, Op};

use crate::{Epilogue, Result, Tensor, trace};

impl Tensor {
    /// The transposed convolution of N I H W by a weight I (O/groups) KH KW, with a bias of one number for each output
    /// channel: N O OH OW, channels-last.
    ///
    /// # Errors
    /// Those of [`ConvTranspose2d::output_shape`].
    pub fn conv_transpose2d(&self, weight: &Self, bias: Option<&Self>, op: &ConvTranspose2d) -> Result<Self> {
        let name = "conv_transpose2d";
        self.require_f32(name, "x")?;
        weight.require_f32(name, "weight")?;
        self.require_same_context(name, weight)?;
        let y_shape = op.output_shape(self.shape4(name, "x")?, weight.shape4(name, "weight")?)?;
        let epilogue = Epilogue { bias, residual: None, activation: None };
        self.check_epilogue(name, y_shape[1], (&y_shape, DType::F32), &epilogue)?;
        let y = match trace::step(|| Op::ConvTranspose2d(*op), &[self, weight]) {
            Some(y) => y?,
            None => Self::conv2d_backward_input(self, weight, &y_shape, &op.transposed(), None)?,
        };
        match bias {
            None => Ok(y),
            Some(bias) => y.add(&bias.reshape(&[-1, 1, 1])?),
        }
    }
}
