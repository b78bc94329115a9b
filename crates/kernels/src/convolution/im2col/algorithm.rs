//! Convolutions as matrix products between `im2col` and `col2im`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Error, Result};

use super::columns::{col2im, im2col};
use crate::{
    base::{device::Device, strided::Strided},
    convolution::{
        call::Conv2dLaunch,
        implementation::Implementation,
        pack,
        problem::{Pass, Problem},
        weight::Weight,
    },
    elementwise::fill::fill,
    matmul::{
        problem::{Operands, Problem as Product},
        run::matmul,
        split_k_reduce::{Addends, Reduction, split_k_reduce},
    },
    movement::strided_copy::strided_copy,
};

/// A matrix product of the windows, written out, or for one tap of x as it lies.
pub(crate) struct Im2col;

impl Implementation for Im2col {
    fn name(&self) -> &'static str {
        "im2col"
    }

    fn obstacle(&self, _: &Device, _: Pass, problem: &Problem) -> Option<&'static str> {
        (problem.dtype == DType::F16 && !problem.is_pointwise()).then_some("its matrix of patches is f32")
    }

    fn workspace(&self, _: &Device, _: Pass, problem: &Problem) -> u64 {
        problem.patches_bytes()
    }

    fn pack(&self, context: &Context, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
        pack::inputs_by_outputs(context, Pass::Forward.name(), problem, weight)
    }

    fn forward(&self, context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()> {
        let op = Pass::Forward.name();
        let Conv2dLaunch { ref problem, x, weight, bias, residual, activation, .. } = *call;
        let ([_, outputs], pixels, terms) = (problem.group_channels(), problem.y_pixels(), problem.terms());
        if problem.is_pointwise() {
            // A weight is read as it lies rather than packed for one call.
            let right = weight.packed(|weight| Ok(weight.clone()))?;
            let product =
                product(problem, pixels, outputs, terms, [false, matches!(weight, Weight::Plain(_))]);
            let operands = Operands { left: x, right: &right, bias, residual, y };
            return matmul(context, &product, &operands, activation);
        }
        let columns = patches_buffer(context, op, problem)?;
        im2col(context, problem, x, &columns)?;
        let packed = weight.packed(|weight| self.pack(context, problem, weight))?;
        let product = product(problem, pixels, outputs, terms, [false, false]);
        let groups = problem.op.groups;
        if groups == 1 {
            let operands = Operands { left: &columns, right: &packed, bias, residual, y };
            return matmul(context, &product, &operands, activation);
        }
        // Group by group the product has its own order; y's own is a transposition away, and what is added comes after it.
        let by_group = context.alloc((pixels * groups * outputs * 4) as u64)?;
        let operands = Operands { left: &columns, right: &packed, bias: None, residual: None, y: &by_group };
        matmul(context, &product, &operands, None)?;
        let plain = bias.is_none() && residual.is_none() && activation.is_none();
        let in_order = if plain { y.clone() } else { context.alloc(by_group.size())? };
        let extents = [pixels, groups, outputs];
        let from = [outputs as isize, (pixels * outputs) as isize, 1];
        let index = Strided::new(&extents, &from, &[(groups * outputs) as isize, outputs as isize, 1]);
        strided_copy(context, op, &by_group, 0, &in_order, 0, &index)?;
        if plain {
            return Ok(());
        }
        // A sum of one part.
        let (count, channels) = (problem.y_count(), groups * outputs);
        let reduction =
            Reduction { count, splits: 1, bias_inner: 1, bias_period: channels, accumulate: false };
        split_k_reduce(context, op, &reduction, &in_order, Addends { bias, residual }, y, activation)
    }

    fn backward_input(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        weight: &Buffer,
        grad_x: &Buffer,
    ) -> Result<()> {
        let op = Pass::BackwardInput.name();
        let ([_, outputs], pixels, terms) = (problem.group_channels(), problem.y_pixels(), problem.terms());
        if problem.is_pointwise() {
            let product = product(problem, pixels, terms, outputs, [false, false]);
            let operands = Operands { left: grad_y, right: weight, bias: None, residual: None, y: grad_x };
            return matmul(context, &product, &operands, None);
        }
        let columns = patches_buffer(context, op, problem)?;
        if problem.is_single_tap() {
            // Rows of the product are pixels of x, and the pixels between them are in no window.
            let product = product(problem, pixels, terms, outputs, [false, false]);
            let operands = Operands { left: grad_y, right: weight, bias: None, residual: None, y: &columns };
            matmul(context, &product, &operands, None)?;
            fill(context, grad_x, problem.x_count(), 0)?;
            return scatter(context, op, problem, &columns, grad_x);
        }
        let packed = pack::inputs_by_outputs(context, op, problem, weight)?;
        let grad_y = gradient_by_group(context, op, problem, grad_y)?;
        let product = product(problem, pixels, terms, outputs, [false, true]);
        let operands = Operands { left: &grad_y, right: &packed, bias: None, residual: None, y: &columns };
        matmul(context, &product, &operands, None)?;
        col2im(context, problem, &columns, grad_x)
    }

    fn backward_weight(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        x: &Buffer,
        grad_weight: &Buffer,
    ) -> Result<()> {
        let op = Pass::BackwardWeight.name();
        let ([_, outputs], pixels, terms) = (problem.group_channels(), problem.y_pixels(), problem.terms());
        if problem.is_pointwise() {
            // One tap: O I is the order of the weight itself.
            let product = product(problem, outputs, terms, pixels, [true, false]);
            let operands = Operands { left: grad_y, right: x, bias: None, residual: None, y: grad_weight };
            return matmul(context, &product, &operands, None);
        }
        let columns = patches_buffer(context, op, problem)?;
        im2col(context, problem, x, &columns)?;
        if problem.is_single_tap() {
            let product = product(problem, outputs, terms, pixels, [true, false]);
            let operands =
                Operands { left: grad_y, right: &columns, bias: None, residual: None, y: grad_weight };
            return matmul(context, &product, &operands, None);
        }
        let grad_y = gradient_by_group(context, op, problem, grad_y)?;
        let packed = context.alloc((problem.w_count() * 4) as u64)?;
        let product = product(problem, terms, outputs, pixels, [true, false]);
        let operands = Operands { left: &columns, right: &grad_y, bias: None, residual: None, y: &packed };
        matmul(context, &product, &operands, None)?;
        pack::from_inputs_by_outputs(context, op, problem, &packed, grad_weight)
    }
}

fn patches_buffer(context: &Context, op: &str, problem: &Problem) -> Result<Buffer> {
    let (bytes, limit) = (problem.patches_bytes(), context.limits().max_storage_buffer_binding_size);
    if bytes > limit {
        return Err(Error::Limit {
            op: op.to_owned(),
            what: "the matrix of patches (in bytes)",
            needed: bytes,
            limit,
            detail: format!("im2col of {problem}; another algorithm needs no such matrix"),
        });
    }
    context.alloc(bytes)
}

/// M N K of a group's product, in rows of pixels.
fn product(problem: &Problem, m: usize, n: usize, k: usize, transpose: [bool; 2]) -> Product {
    let [transpose_left, transpose_right] = transpose;
    let batches = problem.op.groups;
    Product {
        batches,
        m,
        n,
        k,
        transpose_left,
        transpose_right,
        left_stride: if batches > 1 { m * k } else { 0 },
        right_stride: if batches > 1 { k * n } else { 0 },
        dtype: problem.dtype,
    }
}

/// The output's gradient as G, pixels, Og.
fn gradient_by_group(context: &Context, op: &str, problem: &Problem, grad_y: &Buffer) -> Result<Buffer> {
    let groups = problem.op.groups;
    if groups == 1 {
        return Ok(grad_y.clone());
    }
    pack::split_groups(context, op, grad_y, problem.y_pixels(), groups, problem.group_channels()[1])
}

/// Rows of N·OH·OW, C to the pixels of x that they were read from, for one tap.
fn scatter(context: &Context, op: &str, problem: &Problem, columns: &Buffer, x: &Buffer) -> Result<()> {
    let ([batch, channels, height, width], [_, _, rows, across]) = (problem.x_shape, problem.y_shape);
    let [down, right] = problem.op.stride;
    let from = [rows * across, across, 1].map(|pixels| (pixels * channels) as isize);
    let to = [height * width, down * width, right].map(|pixels| (pixels * channels) as isize);
    let ([n, h, w], [to_n, to_h, to_w]) = (from, to);
    let index = Strided::new(&[batch, rows, across, channels], &[n, h, w, 1], &[to_n, to_h, to_w, 1]);
    strided_copy(context, op, columns, 0, x, 0, &index)
}
