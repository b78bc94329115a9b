//! Which nodes have a form in bytes.

use tilewright_ops::{AdaptiveAvgPool2d, BinaryOp, Conv2d, DType, Op, Pool2d, ReduceOp, UnaryOp};

use super::scheme::Scheme;
use crate::{Graph, Node};

/// What a node is in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// A convolution, its bias and residual as far as they are there.
    Conv2d { op: Conv2d, bias: bool, residual: bool, activation: Option<UnaryOp> },
    /// Rows by a constant matrix, which is stored transposed or not.
    Linear { transposed: bool, bias: bool, activation: Option<UnaryOp> },
    /// A sum of two tensors, each of which may be repeated along its axes.
    Add { activation: Option<UnaryOp> },
    /// A product of two, likewise.
    Mul { activation: Option<UnaryOp> },
    /// A function of one number.
    Table(UnaryOp),
    /// Parts that become bytes of one scale.
    Concat,
    /// One element for each place along an axis and the next.
    Nearest { axis: usize },
    /// Maxima of windows.
    MaxPool(Pool2d),
    /// Means of windows, then the shape of the result.
    AvgPool(Pool2d),
    /// Numbers that are moved.
    Moves,
}

impl Form {
    /// Whether it is worth steps to bytes where its operands have none.
    pub fn pays(&self) -> bool {
        matches!(self, Self::Conv2d { .. } | Self::Linear { .. })
    }
}

const NOT_CONSTANT: &str = "its weight is no constant";

/// The form of a node, or why it has none.
pub(super) fn form(graph: &Graph, node: &Node, scheme: &Scheme) -> Result<Form, &'static str> {
    if scheme.keep.contains(&node.name) {
        return Err("it is to stay in f32");
    }
    let value = |at: usize| &graph[node.inputs[at]];
    if node.inputs.iter().any(|&id| graph[id].dtype != DType::F32) {
        return Err("an operand is not f32");
    }
    let constant = |at: usize| value(at).constant.is_some();
    match &node.op {
        Op::Conv2d { op, bias, residual, activation, pool } => {
            clamps(*activation)?;
            match (constant(1), *bias && !constant(2), pool) {
                (false, _, _) => Err(NOT_CONSTANT),
                (_, true, _) => Err("its bias is no constant"),
                (_, _, Some(_)) => Err("a pooling is fused into it"),
                _ if *residual && node.inputs.last().is_some_and(|&id| graph[id].constant.is_some()) => {
                    Err("what is added to it is a constant")
                }
                _ => Ok(Form::Conv2d { op: *op, bias: *bias, residual: *residual, activation: *activation }),
            }
        }
        Op::MatMul { op, bias, residual, activation } => {
            clamps(*activation)?;
            if !constant(1) || constant(0) || value(1).shape.len() != 2 {
                return Err(NOT_CONSTANT);
            }
            if op.transpose_left || *residual || (*bias && !constant(2)) || value(0).shape.len() < 2 {
                return Err("it is no plain linear layer");
            }
            Ok(Form::Linear { transposed: op.transpose_right, bias: *bias, activation: *activation })
        }
        Op::Binary { op: op @ (BinaryOp::Add | BinaryOp::Mul), activation } => {
            clamps(*activation)?;
            let activation = *activation;
            match op {
                _ if constant(0) || constant(1) => Err("an operand is a constant"),
                BinaryOp::Add => Ok(Form::Add { activation }),
                _ => Ok(Form::Mul { activation }),
            }
        }
        Op::Unary(op) => Ok(Form::Table(*op)),
        Op::Concat { .. } if (0..node.inputs.len()).any(constant) => Err("a part of it is a constant"),
        Op::Concat { .. } => Ok(Form::Concat),
        Op::Resample { axis } => match crate::bytes::places(graph, node) {
            Ok(Some(_)) => Ok(Form::Nearest { axis: *axis }),
            _ => Err("it takes means of elements"),
        },
        Op::MaxPool2d { pool, indices: false } => Ok(Form::MaxPool(*pool)),
        Op::AvgPool2d(pool) => Ok(Form::AvgPool(*pool)),
        Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output: [1, 1] }) => whole_plane(&value(0).shape),
        Op::Reduce { op: ReduceOp::Mean, axes, .. } if axes[..] == [2, 3] => whole_plane(&value(0).shape),
        Op::Reshape(_) | Op::Permute(_) | Op::Slice(_) | Op::Expand(_) | Op::Split { .. } => Ok(Form::Moves),
        _ => Err("it has no form in bytes"),
    }
}

/// A mean over all of an image.
fn whole_plane(shape: &[usize]) -> Result<Form, &'static str> {
    match *shape {
        [_, _, h, w] if h * w > 0 && h * w <= tilewright_ops::quantized::AVERAGES => {
            Ok(Form::AvgPool(Pool2d::new([h, w])))
        }
        _ => Err("it is no mean over an image"),
    }
}

/// Fails for an activation that is more than a clamp.
pub(super) fn clamps(activation: Option<UnaryOp>) -> Result<(), &'static str> {
    match activation {
        None | Some(UnaryOp::Relu | UnaryOp::Relu6 | UnaryOp::Clamp { .. }) => Ok(()),
        Some(_) => Err("its activation is more than a clamp"),
    }
}
