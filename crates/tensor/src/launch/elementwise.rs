//! Unary and binary operations, and a choice between two tensors.

use tilewright_kernels::{elementwise, strided::Strided};
use tilewright_ops::{BinaryOp, DType, UnaryOp};

use crate::{error::Result, tensor::Tensor};

/// `gradient` as the place of a result that is computed from it element by element: where the caller says so, or it was brought
/// into another layout for this call alone, and it is memory of its own that holds none of the other operands.
pub(super) fn in_place_of(gradient: &Tensor, over: bool, others: &[&Tensor]) -> Option<Tensor> {
    let buffer = gradient.buffer();
    let apart = others.iter().all(|other| !other.buffer().shares(buffer));
    let own = if over { buffer.is_own() } else { buffer.is_spare() };
    (own && apart && gradient.dtype() == DType::F32).then(|| gradient.clone())
}

pub(super) fn unary(op: UnaryOp, x: &Tensor) -> Result<Tensor> {
    let y = x.like(x.dtype())?;
    elementwise::unary(x.context(), op, x.dtype(), x.buffer(), y.buffer(), x.count())?;
    Ok(y)
}

pub(super) fn unary_backward(op: UnaryOp, x: &Tensor, grad_y: &Tensor, over: bool) -> Result<Tensor> {
    let grad_y = grad_y.to_layout(x.layout())?;
    let grad_x = match in_place_of(&grad_y, over, &[x]) {
        Some(place) => place,
        None => x.like(DType::F32)?,
    };
    let (from, to) = (grad_y.buffer(), grad_x.buffer());
    elementwise::unary_backward(x.context(), op, x.buffer(), from, to, x.count())?;
    Ok(grad_x)
}

pub(super) fn binary(
    op: BinaryOp,
    activation: Option<UnaryOp>,
    [a, b]: [&Tensor; 2],
    shape: &[usize],
    over: Option<usize>,
) -> Result<Tensor> {
    let context = a.context();
    // The result lies as the operand does that has its shape, so that a bias does not turn an activation around.
    let layout = if a.shape() == shape { a.layout() } else { b.layout() };
    let dtype = a.dtype();
    let gives = if op.is_comparison() { DType::F32 } else { dtype };
    let alike = a.shape() == b.shape() && a.layout() == b.layout();
    let place = match over {
        Some(0) if alike && gives == dtype => in_place_of(a, true, &[b]),
        Some(1) if alike && gives == dtype => in_place_of(b, true, &[a]),
        _ => None,
    };
    let y = match place {
        Some(place) => place,
        None => Tensor::empty(context, shape, gives, layout)?,
    };
    let (left, right) = (a.buffer(), b.buffer());
    if alike {
        elementwise::binary(context, op, dtype, activation, left, right, y.buffer(), y.count())?;
    } else {
        let index = broadcast_index(&y, a, b);
        elementwise::binary_broadcast(context, op, dtype, activation, left, right, y.buffer(), &index)?;
    }
    Ok(y)
}

/// The gradients that are wanted, in the shape and layout of `grad_y`.
pub(super) fn binary_backward(
    op: BinaryOp,
    [want_a, want_b]: [bool; 2],
    [a, b]: [&Tensor; 2],
    grad_y: &Tensor,
) -> Result<Vec<Tensor>> {
    let grad_a = want_a.then(|| grad_y.like(DType::F32)).transpose()?;
    let grad_b = want_b.then(|| grad_y.like(DType::F32)).transpose()?;
    let index = broadcast_index(grad_y, a, b);
    elementwise::binary_backward(
        a.context(),
        op,
        a.buffer(),
        b.buffer(),
        grad_y.buffer(),
        grad_a.as_ref().map(Tensor::buffer),
        grad_b.as_ref().map(Tensor::buffer),
        &index,
    )?;
    Ok(grad_a.into_iter().chain(grad_b).collect())
}

/// `a` where `condition` is not 0, else `b`.
pub(super) fn choose(condition: &Tensor, a: &Tensor, b: &Tensor, shape: &[usize]) -> Result<Tensor> {
    // It lies as the first operand does that has its shape.
    let of_its_shape = [a, b, condition].into_iter().find(|tensor| tensor.shape() == shape);
    let layout = of_its_shape.map_or_else(Default::default, Tensor::layout);
    let whole = |tensor: &Tensor| -> Result<Tensor> {
        let expanded = if tensor.shape() == shape { tensor.clone() } else { tensor.expand(shape)? };
        expanded.to_layout(layout)
    };
    let (condition, a, b) = (whole(condition)?, whole(a)?, whole(b)?);
    let y = Tensor::empty(a.context(), shape, a.dtype(), layout)?;
    let (c, to) = (condition.buffer(), y.buffer());
    elementwise::where_(a.context(), c, condition.dtype(), a.buffer(), b.buffer(), to, y.count())?;
    Ok(y)
}

/// The elements of `y` in the order of its memory, with the strides of two operands broadcast to its shape.
fn broadcast_index(y: &Tensor, a: &Tensor, b: &Tensor) -> Strided {
    let order = y.layout().memory_order(y.rank());
    let extents: Vec<_> = order.iter().map(|&axis| y.shape()[axis]).collect();
    let strides = |operand: &Tensor| -> Vec<isize> {
        let own = operand.broadcast_strides(y.shape());
        order.iter().map(|&axis| own[axis]).collect()
    };
    Strided::new(&extents, &strides(a), &strides(b))
}
