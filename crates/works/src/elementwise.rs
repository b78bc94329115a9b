//! Functions of each element.

use tilewright_ops::{BinaryOp, DType, FakeQuantize, UnaryOp};
use tilewright_runtime::Context;
use tilewright_tensor::{Result, Tensor};

use crate::{
    sizes::{Sizes, images, tensor},
    work::{Rows, Work},
};

/// Unary and binary functions with their gradients, fake quantisation, fills and casts.
///
/// # Errors
/// Those of making the operands.
pub fn elementwise(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let mut rows = Rows::new();
    for shape in sizes.images(&[[16, 32, 56, 56]]) {
        let (x, y) = (images(context, &shape)?, images(context, &shape)?);
        let bias = tensor(context, &[1, shape[1], 1, 1])?;
        rows.of(&x);
        for (name, back, op) in [
            ("relu", "relu backward", UnaryOp::Relu),
            ("gelu", "gelu backward", UnaryOp::Gelu),
            ("silu", "silu backward", UnaryOp::Silu),
        ] {
            let (a, b, g) = (x.clone(), x.clone(), y.clone());
            rows.add(name, 2.0, move || a.unary(op));
            rows.add(back, 3.0, move || b.unary_backward(op, &g));
        }
        let (a, b) = (x.clone(), y.clone());
        rows.add("add", 3.0, move || a.add(&b));
        let (a, b) = (x.clone(), y.clone());
        rows.add("add + relu", 3.0, move || a.add_relu(&b));
        let (a, b) = (x.cast(DType::I32)?, y.cast(DType::I32)?);
        rows.add("add of i32", 3.0, move || a.add(&b));
        let a = x.clone();
        rows.add("add a bias (broadcast)", 2.0, move || a.add(&bias));
        let (a, b) = (x.clone(), y.clone());
        rows.add("mul backward", 5.0, move || a.binary_backward(BinaryOp::Mul, &b, &a, [true, true]));
        let own = context.clone();
        rows.add("fill", 1.0, move || Tensor::full(&own, 0.5, &shape));
        let (a, b) = (x.clone(), x.clone());
        rows.add("cast to i32", 2.0, move || a.cast(DType::I32));
        rows.add("cast to f16", 1.5, move || b.cast(DType::F16));
        let (scale, zero) = (tensor(context, &[])?, Tensor::from_slice(context, &[0i32], &[])?);
        let (a, b, g) = (x.clone(), x.clone(), y.clone());
        let (by, none, fake) = (scale.clone(), zero.clone(), FakeQuantize::i8());
        rows.add("fake_quantize", 2.0, move || a.fake_quantize(fake, &by, &none));
        rows.add("fake_quantize backward", 4.0, move || b.fake_quantize_backward(fake, &scale, &zero, &g));
        let h = x.cast(DType::F16)?;
        rows.add("cast from f16", 1.5, move || h.cast(DType::F32));
    }
    Ok(rows.done())
}
