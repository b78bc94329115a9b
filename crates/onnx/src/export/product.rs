//! Convolutions, matrix products and normalisation.

use tilewright_graph::Node;
use tilewright_ops::{BatchNorm, Conv2d, ConvTranspose2d, DType, MatMul};

use super::writer::{Writer, float, int, ints, refuse};
use crate::error::{Error, Result};

/// Whether there is a bias, and whether a residual.
type Parts = (bool, bool);

pub(super) fn conv2d(
    w: &mut Writer<'_>,
    node: &Node,
    op: &Conv2d,
    parts: Parts,
    x: &[String],
) -> Result<String> {
    f32_only(w, node)?;
    let (bias, residual) = parts;
    let attributes = vec![
        ints("dilations", op.dilation),
        int("group", op.groups),
        ints("kernel_shape", w.shape(node, 1)[2..].iter().copied()),
        ints("pads", [op.padding, op.padding].concat()),
        ints("strides", op.stride),
    ];
    let operands: Vec<&str> = x[..2 + usize::from(bias)].iter().map(String::as_str).collect();
    let y = w.emit("Conv", &operands, attributes);
    Ok(if residual { w.emit("Add", &[&y, &x[x.len() - 1]], vec![]) } else { y })
}

/// The shape of a convolution's result, before anything is done to it.
pub(super) fn conv2d_shape(w: &Writer<'_>, node: &Node, op: &Conv2d) -> Result<[usize; 4]> {
    let four = |at: usize| {
        <[usize; 4]>::try_from(w.shape(node, at)).map_err(|_| refuse(node, "its operand has no four axes"))
    };
    op.output_shape(four(0)?, four(1)?).map_err(|error| refuse(node, &error.to_string()))
}

pub(super) fn conv_transpose2d(
    w: &mut Writer<'_>,
    node: &Node,
    op: &ConvTranspose2d,
    x: &[String],
) -> String {
    let attributes = vec![
        ints("dilations", op.dilation),
        int("group", op.groups),
        ints("kernel_shape", w.shape(node, 1)[2..].iter().copied()),
        ints("output_padding", op.output_padding),
        ints("pads", [op.padding, op.padding].concat()),
        ints("strides", op.stride),
    ];
    w.emit("ConvTranspose", &[&x[0], &x[1]], attributes)
}

/// Two matrices are a Gemm, which transposes and adds a bias; others are transposed before, and added to behind.
pub(super) fn matmul(
    w: &mut Writer<'_>,
    node: &Node,
    op: &MatMul,
    parts: Parts,
    x: &[String],
) -> Result<String> {
    f32_only(w, node)?;
    let (bias, residual) = parts;
    let (left, right) = (w.shape(node, 0), w.shape(node, 1));
    let mut y = if left.len() == 2 && right.len() == 2 && (bias || op.transpose_left || op.transpose_right) {
        let flags = [("transA", op.transpose_left), ("transB", op.transpose_right)];
        let attributes = flags.into_iter().map(|(name, flag)| int(name, usize::from(flag))).collect();
        let operands: Vec<&str> = x[..2 + usize::from(bias)].iter().map(String::as_str).collect();
        w.emit("Gemm", &operands, attributes)
    } else {
        let a = if op.transpose_left { transposed(w, &x[0], left.len()) } else { x[0].clone() };
        let b = if op.transpose_right { transposed(w, &x[1], right.len()) } else { x[1].clone() };
        let y = w.emit("MatMul", &[&a, &b], vec![]);
        if bias { w.emit("Add", &[&y, &x[2]], vec![]) } else { y }
    };
    if residual {
        y = w.emit("Add", &[&y, &x[x.len() - 1]], vec![]);
    }
    Ok(y)
}

pub(super) fn batch_norm(w: &mut Writer<'_>, op: &BatchNorm, x: &[String]) -> String {
    let operands: Vec<&str> = x.iter().map(String::as_str).collect();
    w.emit("BatchNormalization", &operands, vec![float("epsilon", op.eps)])
}

/// With the last two axes swapped.
fn transposed(w: &mut Writer<'_>, x: &str, rank: usize) -> String {
    let axes = (0..rank.saturating_sub(2)).chain([rank - 1, rank - 2]);
    w.emit("Transpose", &[x], vec![ints("perm", axes)])
}

/// ONNX's operators have one type for all operands, and no sums in another.
fn f32_only(w: &Writer<'_>, node: &Node) -> Result<(), Error> {
    if node.inputs.iter().any(|&id| w.graph[id].dtype != DType::F32) {
        return Err(refuse(
            node,
            "its operands are f16 and its sums f32; export the graph before its conversion to f16",
        ));
    }
    Ok(())
}
