//! Cross-entropy.

use tilewright_kernels::{
    elementwise,
    loss::{self, Operands},
};
use tilewright_ops::{CrossEntropy, DType, Reduction, ShapeError};

use crate::{Layout, Result, Tensor};

impl Tensor {
    /// The cross-entropy of these logits, of shape N C …, against i32 labels of shape N …, with PyTorch's semantics; see
    /// [`CrossEntropy`]. `weights` has shape C. The result has shape `[]`, or the labels' with [`Reduction::None`].
    ///
    /// Labels lie on the device and are not checked here: one that is neither a class nor ignored makes the loss NaN.
    /// [`CrossEntropy::check_labels`] finds it on the host, before the upload.
    ///
    /// # Errors
    /// Those of [`CrossEntropy::dims`]; [`ShapeError::Operand`] for weights of another shape; [`crate::Error::DType`].
    pub fn cross_entropy(&self, labels: &Self, weights: Option<&Self>, op: &CrossEntropy) -> Result<Self> {
        let labels = self.check_cross_entropy(op, labels, weights)?;
        let shape = op.output_shape(self.shape(), labels.shape())?;
        let y = Self::empty(self.context(), &shape, DType::F32, Layout::RowMajor)?;
        if self.count() == 0 {
            let nothing = if op.reduction == Reduction::Mean { f32::NAN } else { 0.0 };
            elementwise::fill(self.context(), y.buffer(), y.count(), nothing.to_bits())?;
        } else {
            let operands = self.cross_entropy_operands(&labels, weights);
            loss::cross_entropy(self.context(), op, operands, y.buffer())?;
        }
        Ok(y)
    }

    /// The gradient of the logits, where `self` is the logits and `grad_y` has the shape of [`Self::cross_entropy`]'s
    /// result. It lies as the logits do.
    ///
    /// # Errors
    /// As [`Self::cross_entropy`], and [`ShapeError::Operand`] where grad_y has another shape.
    pub fn cross_entropy_backward(
        &self,
        labels: &Self,
        weights: Option<&Self>,
        op: &CrossEntropy,
        grad_y: &Self,
    ) -> Result<Self> {
        let labels = self.check_cross_entropy(op, labels, weights)?;
        let expected = op.output_shape(self.shape(), labels.shape())?;
        self.check_operand("grad_y", grad_y, &expected)?;
        let grad_y = grad_y.to_layout(Layout::RowMajor)?;
        let grad_x = self.like(DType::F32)?;
        if self.count() > 0 {
            let operands = self.cross_entropy_operands(&labels, weights);
            loss::cross_entropy_backward(self.context(), op, operands, grad_y.buffer(), grad_x.buffer())?;
        }
        Ok(grad_x)
    }

    /// Checks the operands, and returns the labels in row-major order.
    fn check_cross_entropy(&self, op: &CrossEntropy, labels: &Self, weights: Option<&Self>) -> Result<Self> {
        let name = "cross_entropy";
        self.require_f32(name, "logits")?;
        labels.require_dtype(name, "labels", DType::I32)?;
        self.require_same_context(name, labels)?;
        let [_, classes, _] = op.dims(self.shape(), labels.shape())?;
        if let Some(weights) = weights {
            self.check_operand("weights", weights, &[classes])?;
        }
        labels.to_layout(Layout::RowMajor)
    }

    fn check_operand(&self, operand: &'static str, tensor: &Self, expected: &[usize]) -> Result<()> {
        let op = "cross_entropy";
        tensor.require_f32(op, operand)?;
        self.require_same_context(op, tensor)?;
        if tensor.shape() == expected {
            return Ok(());
        }
        let (shape, expected) = (tensor.shape().to_vec(), expected.to_vec());
        Err(ShapeError::Operand { op, operand, shape, expected }.into())
    }

    fn cross_entropy_operands<'a>(&'a self, labels: &'a Self, weights: Option<&'a Self>) -> Operands<'a> {
        Operands {
            logits: self.buffer(),
            // Of either layout, the lines along the classes come in the labels' row-major order.
            view: self.lines(1),
            labels: labels.buffer(),
            weights: weights.map(Self::buffer),
        }
    }
}
