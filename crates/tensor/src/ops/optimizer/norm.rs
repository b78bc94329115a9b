//! The norm of several tensors taken as one.

use tilewright_kernels::optimizer::{sum_squares, sum_squares_parts};
use tilewright_ops::{BinaryOp, DType, ReduceOp, ShapeError, UnaryOp};
use tilewright_runtime::Context;

use crate::{error::Error, error::Result, large, layout::Layout, tensor::Tensor};

const OP: &str = "total_norm";

/// The `norm_type`-norm of all elements of `tensors` (f32, of any shapes and layouts) as if they were one vector, as a scalar
/// on the device; of none it is 0. Infinity gives the largest magnitude. It is what
/// `torch.nn.utils.clip_grad_norm_` returns. Nothing waits for the device, and the order of the sums depends on
/// the shapes alone. As in PyTorch the squares are summed in f32: magnitudes beyond 1.8e19 give an infinite norm.
///
/// # Errors
/// [`ShapeError::Parameter`] unless `norm_type` is above 0; [`Error::DType`], [`Error::Contexts`].
pub fn total_norm(context: &Context, tensors: &[&Tensor], norm_type: f32) -> Result<Tensor> {
    if norm_type.is_nan() || norm_type <= 0.0 {
        let (value, hint) = (norm_type.to_string(), "it must be above 0, infinity included");
        return Err(ShapeError::Parameter { op: OP, parameter: "norm_type", value, hint }.into());
    }
    for tensor in tensors {
        tensor.refuse_symbolic(OP)?;
        tensor.require_f32(OP, "tensor")?;
        if !tensor.context().same(context) {
            return Err(Error::Contexts { op: OP });
        }
    }
    let tensors: Vec<_> = tensors.iter().copied().filter(|tensor| tensor.count() > 0).collect();
    if tensors.is_empty() {
        return Tensor::zeros(context, &[]);
    }
    if norm_type == 2.0 {
        return squares(context, &tensors)?.unary(UnaryOp::Sqrt);
    }
    let join = if norm_type == f32::INFINITY { ReduceOp::Max } else { ReduceOp::Sum };
    let power =
        |tensor: &Tensor, exponent: f32| tensor.binary(BinaryOp::Pow, &Tensor::full(context, exponent, &[])?);
    let each = |tensor: &&Tensor| {
        let mut magnitudes = tensor.unary(UnaryOp::Abs)?;
        if norm_type != 1.0 && norm_type != f32::INFINITY {
            magnitudes = power(&magnitudes, norm_type)?;
        }
        magnitudes.reduce(join, &[], false)?.reshape(&[1])
    };
    let all = joined(&tensors.iter().map(each).collect::<Result<Vec<_>>>()?)?.reduce(join, &[], false)?;
    if norm_type == 1.0 || norm_type == f32::INFINITY { Ok(all) } else { power(&all, 1.0 / norm_type) }
}

/// Σ x² over all elements: sums of parts, one launch for a tensor, and then their sum.
fn squares(context: &Context, tensors: &[&Tensor]) -> Result<Tensor> {
    let most = usize::try_from(large::limit(tensors[0]) / 4).unwrap_or(usize::MAX);
    let mut slices = Vec::new();
    for tensor in tensors {
        large::slices(tensor, |slice| {
            slices.push((slice.clone(), sum_squares_parts(context, slice.count())?));
            Ok(())
        })?;
    }
    let mut sums = Vec::new();
    let mut rest = &slices[..];
    while !rest.is_empty() {
        // As many tensors as have their sums in one binding; at least one.
        let (mut length, mut parts) = (0, 0);
        while let Some((_, more)) = rest.get(length)
            && (length == 0 || parts + more <= most)
        {
            (length, parts) = (length + 1, parts + more);
        }
        let (group, behind) = rest.split_at(length);
        let found = Tensor::empty(context, &[parts], DType::F32, Layout::RowMajor)?;
        let mut first = 0;
        for (slice, parts) in group {
            sum_squares(context, slice.buffer(), found.buffer(), first, slice.count())?;
            first += parts;
        }
        sums.push(found.reduce(ReduceOp::Sum, &[], false)?.reshape(&[1])?);
        rest = behind;
    }
    joined(&sums)?.reduce(ReduceOp::Sum, &[], false)
}

fn joined(numbers: &[Tensor]) -> Result<Tensor> {
    Tensor::concat(&numbers.iter().collect::<Vec<_>>(), 0)
}
