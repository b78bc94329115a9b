//! What a product or a convolution may do to its sums before it stores them.

use tilewright_ops::{DType, UnaryOp};

use crate::{error::Result, tensor::Tensor};

/// y = activation(sum + bias + residual), each where there is one. It runs in the kernel that sums.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// One entry for each output channel, or for each column of a product; f32.
    pub bias: Option<&'a Tensor>,
    /// Of the result's shape and element type.
    pub residual: Option<&'a Tensor>,
    /// Applied last.
    pub activation: Option<UnaryOp>,
}

/// An epilogue whose residual is f32.
pub(crate) struct Widened<'a> {
    plain: Epilogue<'a>,
    residual: Option<Tensor>,
}

impl<'a> Epilogue<'a> {
    pub(crate) fn widened(&self) -> Result<Widened<'a>> {
        let residual = self.residual.map(|residual| residual.cast(DType::F32)).transpose()?;
        Ok(Widened { plain: *self, residual })
    }
}

impl Widened<'_> {
    pub(crate) fn epilogue(&self) -> Epilogue<'_> {
        Epilogue { residual: self.residual.as_ref(), ..self.plain }
    }
}
