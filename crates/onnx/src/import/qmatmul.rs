//! Matrix products of bytes: rows by a matrix, which are convolutions of single pixels.

use tilewright_ops::{Conv2d, Op, Quantized, Steps};
use tilewright_tensor::Tensor;

use super::node::{Ctx, device, signed};
use super::quantized::{
    Product, Zero, bias, byte_type, convolve, each, means, multipliers, result, scales, zeros,
};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;

/// Rows and a matrix as a convolution takes them, and the shape of their product. Several matrices, each with rows of its own,
/// are groups.
struct Rows {
    pixels: Tensor,
    filters: Tensor,
    /// Matrices, or none where all rows are multiplied by one.
    matrices: Option<usize>,
    columns: usize,
    shape: Vec<usize>,
}

/// Operand `left` times the matrix that is operand `right`, which may lie with its rows as columns.
fn rows(ctx: &Ctx, x: Tensor, right: usize, transposed: bool) -> Result<Rows> {
    let &[first, second] = ctx.shape(right)? else { return batched(ctx, &x, right) };
    let (inputs, outputs) = if transposed { (second, first) } else { (first, second) };
    let Some((&last, before)) = x.shape().split_last().filter(|(last, _)| **last == inputs) else {
        return Err(ctx.wrong(format!("shapes {:?} and {:?} do not multiply", x.shape(), ctx.shape(right)?)));
    };
    let filters = if transposed { ctx.bytes(right)? } else { ctx.turned_bytes(right)? };
    let mut shape = before.to_vec();
    shape.push(outputs);
    let count: usize = before.iter().product();
    Ok(Rows {
        pixels: x.reshape(&signed(&[count, last, 1, 1]))?,
        filters: filters.reshape(&signed(&[outputs, inputs, 1, 1]))?,
        matrices: None,
        columns: outputs,
        shape,
    })
}

/// As [`rows`], where there are as many matrices as there are sets of rows.
fn batched(ctx: &Ctx, x: &Tensor, right: usize) -> Result<Rows> {
    let matrices = ctx.shape(right)?;
    let (([before @ .., rows, inputs], [others @ .., second, columns]), true) =
        ((x.shape(), matrices), x.rank() == matrices.len())
    else {
        return Err(ctx.unsupported(format!("a product of bytes of shapes {:?} and {matrices:?}", x.shape())));
    };
    if inputs != second || before != others {
        return Err(ctx.unsupported(format!("a product of bytes of shapes {:?} and {matrices:?}", x.shape())));
    }
    let (count, rows, inputs, columns) = (before.iter().product::<usize>(), *rows, *inputs, *columns);
    let turned = |tensor: Tensor, rows: usize, columns: usize| -> Result<Tensor> {
        Ok(tensor.reshape(&signed(&[count, rows, columns]))?.permute(&[0, 2, 1])?)
    };
    let pixels = turned(x.clone(), rows, inputs)?.reshape(&signed(&[1, count * inputs, rows, 1]))?;
    let filters = turned(ctx.bytes(right)?, inputs, columns)?;
    let filters = filters.reshape(&signed(&[count * columns, inputs, 1, 1]))?;
    let shape = [before, &[rows, columns]].concat();
    Ok(Rows { pixels, filters, matrices: Some(count), columns, shape })
}

impl Rows {
    /// One number for each filter, from one for each column or for all.
    fn each<T: Copy>(&self, ctx: &Ctx, at: usize, numbers: &[T]) -> Result<Vec<T>> {
        Ok(each(ctx, at, numbers, self.columns)?.repeat(self.matrices.unwrap_or(1)))
    }

    /// Zero points of the columns of operand `right`.
    fn zeros(&self, ctx: &Ctx, at: usize, right: usize) -> Result<Option<Vec<i32>>> {
        zeros(ctx, at, byte_type(ctx, right)?)?.map(|zeros| self.each(ctx, at, &zeros)).transpose()
    }

    /// The product, in its own shape.
    fn product(
        self,
        ctx: &Ctx,
        x_zero: Zero,
        weight_zeros: Option<Vec<i32>>,
        bias: Option<Tensor>,
        y: Option<(Steps, Vec<f32>)>,
    ) -> Result<Tensor> {
        let Self { pixels, filters, matrices, columns, shape } = self;
        let product = Product { x: pixels, x_zero, weight: filters, weight_zeros, bias, y };
        let op = Conv2d { groups: matrices.unwrap_or(1), ..Conv2d::default() };
        let y = convolve(ctx, op, product)?;
        let Some(count) = matrices else { return Ok(y.reshape(&signed(&shape))?) };
        let y = y.reshape(&[count as isize, columns as isize, -1])?.permute(&[0, 2, 1])?;
        Ok(y.reshape(&signed(&shape))?)
    }
}

/// Operands: a, its scale and zero point; b's; the result's.
pub(super) fn matmul(ctx: &Ctx) -> Result<Vec<Value>> {
    let (a, y) = (means(ctx, 0, 1)?, result(ctx, 6, byte_type(ctx, 0)?)?);
    let rows = rows(ctx, ctx.bytes(0)?, 3, false)?;
    let by = rows.each(ctx, 4, &scales(ctx, 4)?)?;
    let zeros = rows.zeros(ctx, 5, 3)?;
    let steps = Some((y.steps(), multipliers(a, &by, y)));
    Ok(vec![device(rows.product(ctx, Zero::Known(a.zero), zeros, None, steps)?, y.dtype)])
}

/// Operands: a, b, and the zero points of both, as far as they are there.
pub(super) fn matmul_integer(ctx: &Ctx) -> Result<Vec<Value>> {
    let a_zero = Zero::of(ctx, 2, byte_type(ctx, 0)?)?;
    let rows = rows(ctx, ctx.bytes(0)?, 1, false)?;
    let zeros = rows.zeros(ctx, 3, 1)?;
    Ok(vec![device(rows.product(ctx, a_zero, zeros, None, None)?, ElementType::I32)])
}

/// Operands: a, its scale and zero point; b's; a bias of int32; the result's, without which it is of f32.
pub(super) fn gemm(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let alpha = attributes.float("alpha", 1.0)?;
    let mut a = means(ctx, 0, 1)?;
    // α · a · b, in this order, as ONNX Runtime has it.
    a.scale *= alpha;
    if let Some(at) = [0, 3].into_iter().find(|&at| ctx.shape(at).is_ok_and(|shape| shape.len() != 2)) {
        return Err(ctx.wrong(format!("operand {at} of shape {:?} is no matrix", ctx.shape(at)?)));
    }
    let x = if attributes.flag("transA", false)? { ctx.turned_bytes(0)? } else { ctx.bytes(0)? };
    let rows = rows(ctx, x, 3, attributes.flag("transB", false)?)?;
    let outputs = rows.columns;
    let by = rows.each(ctx, 4, &scales(ctx, 4)?)?;
    let zeros = rows.zeros(ctx, 5, 3)?;
    let added = match bias(ctx, 6)? {
        Some(added) if added.count() == outputs && added.shape().last() == Some(&outputs) => {
            Some(added.reshape(&signed(&[outputs]))?)
        }
        Some(added) => {
            return Err(ctx.unsupported(format!(
                "a bias of shape {:?} where one number is for each of {outputs} columns,",
                added.shape()
            )));
        }
        None => None,
    };
    if ctx.has(7) {
        let y = result(ctx, 7, a.dtype)?;
        let steps = Some((y.steps(), multipliers(a, &by, y)));
        return Ok(vec![device(rows.product(ctx, Zero::Known(a.zero), zeros, added, steps)?, y.dtype)]);
    }
    let sums = rows.product(ctx, Zero::Known(a.zero), zeros, added, None)?;
    let scale: Vec<f32> = by.iter().map(|by| a.scale * by).collect();
    let zero = Tensor::from_slice(ctx.context, &vec![0i32; outputs], &[outputs])?;
    let op = Op::Quantized(Quantized::Dequantize { axis: Some(1) });
    let y = Tensor::run_one(&op, &[&sums, &ctx.tensor(&scale, &[outputs])?, &zero])?;
    Ok(vec![device(y, ElementType::F32)])
}
