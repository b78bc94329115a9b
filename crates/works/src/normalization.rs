//! Batch normalisation: its statistics need x whole before x is normalised, so that x is read twice. Layer and instance
//! normalisation, of moments and elementwise steps.

use tilewright_ops::{BatchNorm, UnaryOp};
use tilewright_runtime::Context;
use tilewright_tensor::{BatchNormCall, Result, Tensor};

use crate::{
    sizes::{Sizes, images, tensor},
    work::{Rows, Work},
};

/// Training, inference and gradients, with ReLU behind them. The networks' shapes have few channels over many pixels, the
/// reverse, and no multiple of four.
///
/// # Errors
/// Those of making the operands.
pub fn normalization(context: &Context, sizes: Sizes) -> Result<Vec<Work>> {
    let networks = [[16, 16, 112, 112], [16, 64, 56, 56], [16, 512, 7, 7], [16, 6, 56, 56]];
    let (op, relu) = (BatchNorm::default(), Some(UnaryOp::Relu));
    let mut rows = Rows::new();
    for shape in sizes.images(&networks) {
        let (x, g) = (images(context, &shape)?, images(context, &shape)?);
        let vector = |value| Tensor::full(context, value, &[shape[1]]);
        let (weight, bias, mean, var) = (vector(0.7)?, vector(0.1)?, vector(0.5)?, vector(1.0)?);
        let rest = vector(0.0)?;
        rows.of(&x);
        let (a, w, b, m, v) = (x.clone(), weight.clone(), bias.clone(), mean.clone(), var.clone());
        rows.add("batch norm + relu, training", 3.0, move || {
            a.batch_norm_train(&w, &b, &m, &v, BatchNormCall { op, activation: relu })
        });
        let (a, w, b, m, v) = (x.clone(), weight.clone(), bias.clone(), mean.clone(), var.clone());
        rows.add("batch norm + relu, evaluation", 2.0, move || {
            a.batch_norm_eval(&w, &b, &m, &v, BatchNormCall { op, activation: relu })
        });
        rows.add("batch norm + relu, backward", 5.0, move || {
            x.batch_norm_train_backward(&weight, [&mean, &rest, &var], Some((UnaryOp::Relu, &bias)), &g)
        });
    }
    for shape in sizes.images(&[[16, 64, 56, 56]]) {
        let x = images(context, &shape)?;
        rows.of(&x);
        rows.add("instance norm", 3.0, move || x.instance_norm(None, None, 1e-5));
    }
    for shape in sizes.rows(&[[3152, 768], [256, 1000]]) {
        let x = tensor(context, &shape)?;
        rows.of(&x);
        let a = x.clone();
        rows.add(&format!("moments of rows of {}", shape[1]), 1.0, move || a.moments(&[1]));
        rows.add("layer norm", 3.0, move || x.layer_norm(1, None, None, 1e-5));
    }
    Ok(rows.done())
}
