//! Scaled dot-product attention: in one kernel where one runs it, else in steps.

use tilewright_kernels::attention::{self, Buffers, Problem};
use tilewright_ops::{Attention, DType};

use crate::{composite::attention_steps::in_steps, error::Result, layout::Layout, tensor::Tensor};

/// Result and logarithms, which lie row-major.
pub(super) fn attention(op: Attention, inputs: &[&Tensor], shapes: &[Vec<usize>]) -> Result<Vec<Tensor>> {
    let rows: Vec<Tensor> =
        inputs.iter().map(|input| input.to_layout(Layout::RowMajor)).collect::<Result<_>>()?;
    let (query, key, value, mask) = (&rows[0], &rows[1], &rows[2], rows.get(3));
    let context = query.context();
    let made = |shape: &[usize]| Tensor::empty(context, shape, DType::F32, Layout::RowMajor);
    let (y, log_sum) = (made(&shapes[0])?, made(&shapes[1])?);
    if y.count() == 0 && log_sum.count() == 0 {
        return Ok(vec![y, log_sum]);
    }
    let [batch, heads, queries, head] = query.shape4("attention", "query")?;
    let [_, _, keys, width] = value.shape4("attention", "value")?;
    let problem = Problem {
        batch,
        heads,
        queries,
        keys,
        head,
        width,
        mask: mask.map(|mask| strides(mask.shape())),
        scale: op.scale,
        causal: op.causal,
    };
    let buffers = Buffers {
        query: query.buffer(),
        key: key.buffer(),
        value: value.buffer(),
        mask: mask.unwrap_or(query).buffer(),
        y: y.buffer(),
        log_sum: log_sum.buffer(),
    };
    if head > 0 && width > 0 && attention::attention(context, &problem, &buffers)? {
        return Ok(vec![y, log_sum]);
    }
    in_steps(op, [query, key, value], mask)
}

/// Distances in a mask, 0 along axes of extent 1.
fn strides(shape: &[usize]) -> [usize; 3] {
    let own = |axis: usize| {
        if shape[axis] == 1 { 0 } else { shape[axis + 1..].iter().product() }
    };
    [own(0), own(1), own(2)]
}
