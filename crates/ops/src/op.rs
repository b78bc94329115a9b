//! An operation as a value: what a graph holds in its nodes.

use crate::{
    AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, ConvTranspose2d, DType, LogSoftmax, MatMul, Pool2d,
    PoolKind, Pooling, ReduceOp, ShapeError, SliceRange, Softmax, UnaryOp, argmax_shape, concat_shape,
    elementwise::broadcast, gather_shape, pad_shape, permute_shape, resample_shape, reshape_shape,
    slice_shape,
};

/// An operation of the vocabulary with everything but its operands.
///
/// Each has one output. The operands are listed with each operation, in their order; shapes are logical.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// `x`.
    Unary(UnaryOp),
    /// `a`, `b`, with NumPy's broadcasting; then the activation.
    Binary {
        /// What is computed.
        op: BinaryOp,
        /// Of the result.
        activation: Option<UnaryOp>,
    },
    /// `left`, `right`, then bias (one number for each column) and residual as far as they are there:
    /// `activation(left · right + bias + residual)`.
    MatMul {
        /// Transpositions.
        op: MatMul,
        /// Whether there is a bias.
        bias: bool,
        /// Whether there is a residual, of the result's shape.
        residual: bool,
        /// Of the sum.
        activation: Option<UnaryOp>,
    },
    /// `x`, `weight`, then bias and residual as far as they are there: `activation(conv2d(x, weight) + bias + residual)`,
    /// and a pooling of that.
    Conv2d {
        /// Stride, padding, dilation, groups.
        op: Conv2d,
        /// Whether there is a bias.
        bias: bool,
        /// Whether there is a residual, of the convolution's shape.
        residual: bool,
        /// Of the sum.
        activation: Option<UnaryOp>,
        /// Of the activation.
        pool: Option<Pooling>,
    },
    /// `x`, `weight`, `bias`, `running_mean`, `running_var`: inference.
    BatchNorm {
        /// eps.
        op: BatchNorm,
        /// Of the result.
        activation: Option<UnaryOp>,
    },
    /// `x`: the values of a max-pooling.
    MaxPool2d(Pool2d),
    /// `x`.
    AvgPool2d(Pool2d),
    /// `x`: sums of windows.
    SumPool2d(Pool2d),
    /// `x`.
    AdaptiveAvgPool2d(AdaptiveAvgPool2d),
    /// `x`.
    Reduce {
        /// Sum, mean, maximum, minimum.
        op: ReduceOp,
        /// Which axes; none are all.
        axes: Vec<usize>,
        /// Whether reduced axes stay with extent 1.
        keepdim: bool,
    },
    /// `x`: places of maxima, i32.
    Argmax {
        /// Which axes; none are all.
        axes: Vec<usize>,
        /// Whether reduced axes stay with extent 1.
        keepdim: bool,
    },
    /// `x`.
    Softmax(Softmax),
    /// `x`.
    LogSoftmax(LogSoftmax),
    /// `x`, to a shape of as many elements.
    Reshape(Vec<usize>),
    /// `x`: axis i of the result is axis `axes[i]` of `x`.
    Permute(Vec<usize>),
    /// `x`: a range of each axis.
    Slice(Vec<SliceRange>),
    /// Any number of operands, joined along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `x`, with a border of one value.
    Pad {
        /// Before and after each axis.
        padding: Vec<(usize, usize)>,
        /// The border's value.
        value: f32,
    },
    /// `x`, repeated along axes of extent 1.
    Expand(Vec<usize>),
    /// `x`, as another type.
    Cast(DType),
    /// `x`, `weight`.
    ConvTranspose2d(ConvTranspose2d),
    /// `condition`, `a`, `b`, broadcast to one shape: a where the condition is not 0, else b.
    Where,
    /// `x`, then a table for each of the axes `axis` and `axis + 1`, `[places, taps, 2]` (see [`crate::TapTable`]).
    Resample {
        /// The first of the two axes.
        axis: usize,
    },
    /// `x` of any type, `indices` of i32, which take the axis's place; one outside the axis gives 0.
    Gather {
        /// The axis.
        axis: usize,
    },
}

impl Op {
    /// The name, as in errors, profiles and the support table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unary(op) => op.name(),
            Self::Binary { op, .. } => op.name(),
            Self::MatMul { .. } => "matmul",
            Self::Conv2d { .. } => "conv2d",
            Self::BatchNorm { .. } => "batch_norm_eval",
            Self::MaxPool2d(_) => "max_pool2d",
            Self::AvgPool2d(_) => "avg_pool2d",
            Self::SumPool2d(_) => "sum_pool2d",
            Self::AdaptiveAvgPool2d(_) => "adaptive_avg_pool2d",
            Self::Reduce { op, .. } => op.name(),
            Self::Argmax { .. } => "argmax",
            Self::Softmax(_) => "softmax",
            Self::LogSoftmax(_) => "log_softmax",
            Self::Reshape(_) => "reshape",
            Self::Permute(_) => "permute",
            Self::Slice(_) => "slice",
            Self::Concat { .. } => "concat",
            Self::Pad { .. } => "pad",
            Self::Expand(_) => "expand",
            Self::Cast(_) => "cast",
            Self::ConvTranspose2d(_) => "conv_transpose2d",
            Self::Where => "where",
            Self::Resample { .. } => "resample",
            Self::Gather { .. } => "gather",
        }
    }

    /// Whether it only moves elements, of whatever type, or changes their type.
    #[must_use]
    pub fn moves_only(&self) -> bool {
        matches!(
            self,
            Self::Reshape(_)
                | Self::Permute(_)
                | Self::Slice(_)
                | Self::Concat { .. }
                | Self::Expand(_)
                | Self::Cast(_)
                | Self::Gather { .. }
        )
    }

    /// The element type of operand `at`, where that of the first is `first`: a convolution or product of f16 has an f32
    /// bias, and a residual of f16.
    #[must_use]
    pub fn operand_dtype(&self, at: usize, first: DType) -> DType {
        match self {
            Self::Gather { .. } if at == 1 => DType::I32,
            op if op.moves_only() => first,
            Self::Conv2d { bias, .. } | Self::MatMul { bias, .. } if first == DType::F16 => {
                if *bias && at == 2 { DType::F32 } else { DType::F16 }
            }
            _ => DType::F32,
        }
    }

    /// How many operands it takes; `None` for any number but none.
    #[must_use]
    pub fn operands(&self) -> Option<usize> {
        match self {
            Self::Concat { .. } => None,
            Self::Binary { .. } | Self::ConvTranspose2d(_) | Self::Gather { .. } => Some(2),
            Self::Where | Self::Resample { .. } => Some(3),
            Self::MatMul { bias, residual, .. } | Self::Conv2d { bias, residual, .. } => {
                Some(2 + usize::from(*bias) + usize::from(*residual))
            }
            Self::BatchNorm { .. } => Some(5),
            _ => Some(1),
        }
    }

    /// The activation that is part of it.
    #[must_use]
    pub fn activation(&self) -> Option<UnaryOp> {
        match self {
            Self::Binary { activation, .. }
            | Self::MatMul { activation, .. }
            | Self::Conv2d { activation, .. }
            | Self::BatchNorm { activation, .. } => *activation,
            _ => None,
        }
    }

    /// The pooling that it is, or that is part of it.
    #[must_use]
    pub fn pooling(&self) -> Option<Pooling> {
        match *self {
            Self::MaxPool2d(pool) => Some(Pooling { kind: PoolKind::Max, pool }),
            Self::AvgPool2d(pool) => Some(Pooling { kind: PoolKind::Average, pool }),
            Self::SumPool2d(pool) => Some(Pooling { kind: PoolKind::Sum, pool }),
            Self::Conv2d { pool, .. } => pool,
            _ => None,
        }
    }

    /// The same operation with `activation` of its result; `None` if it has one already, or cannot have any. Before a
    /// maximum that is part of it stands a relu that came behind: the order makes no difference.
    #[must_use]
    pub fn with_activation(&self, new: UnaryOp) -> Option<Self> {
        let commutes = match self {
            Self::Conv2d { pool: Some(Pooling { kind, .. }), .. } => {
                *kind == PoolKind::Max && new == UnaryOp::Relu
            }
            _ => true,
        };
        let mut fused = self.clone();
        match &mut fused {
            Self::Binary { activation, .. }
            | Self::MatMul { activation, .. }
            | Self::Conv2d { activation, .. }
            | Self::BatchNorm { activation, .. }
                if activation.is_none() && commutes =>
            {
                *activation = Some(new);
                Some(fused)
            }
            _ => None,
        }
    }

    /// The shape of the result.
    ///
    /// # Errors
    /// A [`ShapeError`] that names the operation and the shapes.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, ShapeError> {
        let op = self.name();
        let fits = self.operands().map_or(!inputs.is_empty(), |count| count == inputs.len());
        if !fits {
            return Err(ShapeError::OperandCount { op, found: inputs.len() });
        }
        let x = inputs[0];
        let four = |operand, shape| four(op, operand, shape);
        let expect = |operand: &'static str, shape: &[usize], expected: &[usize]| {
            let (found, wanted) = (shape.to_vec(), expected.to_vec());
            let error = ShapeError::Operand { op, operand, shape: found, expected: wanted };
            if shape == expected { Ok(()) } else { Err(error) }
        };
        match self {
            Self::Unary(unary) => unary.check().map(|()| x.to_vec()),
            Self::Cast(_) => Ok(x.to_vec()),
            Self::Binary { op, .. } => op.output_shape(x, inputs[1]),
            Self::MatMul { op, bias, residual, .. } => {
                let shape = op.output_shape(x, inputs[1])?;
                if *bias {
                    expect("bias", inputs[2], &shape[shape.len() - 1..])?;
                }
                if *residual {
                    expect("residual", inputs[inputs.len() - 1], &shape)?;
                }
                Ok(shape)
            }
            Self::Conv2d { op, bias, residual, pool, .. } => {
                let shape = op.output_shape(four("x", x)?, four("weight", inputs[1])?)?;
                if *bias {
                    expect("bias", inputs[2], &shape[1..2])?;
                }
                if *residual {
                    expect("residual", inputs[inputs.len() - 1], &shape)?;
                }
                let shape = pool.map_or(Ok(shape), |pool| pool.output_shape(shape))?;
                Ok(shape.to_vec())
            }
            Self::BatchNorm { op, .. } => {
                let operands = ["weight", "bias", "running_mean", "running_var"];
                for (operand, shape) in operands.into_iter().zip(&inputs[1..]) {
                    op.check_operand(x, operand, shape)?;
                }
                Ok(x.to_vec())
            }
            Self::MaxPool2d(pool) | Self::AvgPool2d(pool) | Self::SumPool2d(pool) => {
                Ok(pool.output_shape_named(op, four("x", x)?)?.to_vec())
            }
            Self::AdaptiveAvgPool2d(pool) => Ok(pool.output_shape(four("x", x)?)?.to_vec()),
            Self::Reduce { op, axes, keepdim } => op.output_shape(x, axes, *keepdim),
            Self::ConvTranspose2d(op) => {
                Ok(op.output_shape(four("x", x)?, four("weight", inputs[1])?)?.to_vec())
            }
            Self::Where => broadcast(op, x, &broadcast(op, inputs[1], inputs[2])?),
            Self::Resample { axis } => resample_shape(x, *axis, inputs[1], inputs[2]),
            Self::Gather { axis } => gather_shape(x, *axis, inputs[1]),
            Self::Argmax { axes, keepdim } => argmax_shape(x, axes, *keepdim),
            Self::Softmax(softmax) => softmax.check(x).map(|_| x.to_vec()),
            Self::LogSoftmax(softmax) => softmax.check(x).map(|_| x.to_vec()),
            Self::Reshape(shape) => {
                let signed: Vec<isize> = shape.iter().map(|&extent| extent as isize).collect();
                reshape_shape(x, &signed)
            }
            Self::Permute(axes) => permute_shape(x, axes),
            Self::Slice(ranges) => slice_shape(x, ranges),
            Self::Concat { axis } => concat_shape(inputs, *axis),
            Self::Pad { padding, .. } => pad_shape(x, padding),
            Self::Expand(shape) => {
                if crate::broadcast_shapes(x, shape)? != *shape {
                    return Err(ShapeError::Broadcast { op, left: x.to_vec(), right: shape.clone() });
                }
                Ok(shape.clone())
            }
        }
    }

    /// The element type of the result, from that of the first operand.
    #[must_use]
    pub fn output_dtype(&self, x: DType) -> DType {
        match self {
            Self::Cast(dtype) => *dtype,
            Self::Argmax { .. } => DType::I32,
            _ => x,
        }
    }

    /// Floating-point operations: multiplications and additions count as one each; 0 for what only moves elements.
    ///
    /// # Errors
    /// Those of [`Self::output_shape`].
    pub fn flops(&self, inputs: &[&[usize]]) -> Result<u64, ShapeError> {
        let elements = |shape: &[usize]| shape.iter().map(|&extent| extent as u64).product::<u64>();
        let output = elements(&self.output_shape(inputs)?);
        let four = |operand, shape| four(self.name(), operand, shape);
        // `sums` elements, each a sum over one filter.
        let conv = |sums: u64| 2 * sums * (elements(inputs[1]) / inputs[1][0].max(1) as u64);
        Ok(match self {
            Self::MatMul { op, .. } => op.flops(inputs[0], inputs[1])?,
            Self::Conv2d { pool: Some(Pooling { pool, .. }), op, .. } => {
                let shape = op.output_shape(four("x", inputs[0])?, four("weight", inputs[1])?)?;
                conv(elements(&shape)) + output * elements(&pool.kernel)
            }
            Self::Conv2d { .. } => conv(output),
            Self::ConvTranspose2d(_) => {
                let (weight, channels) = (elements(inputs[1]), inputs[1][0].max(1) as u64);
                2 * elements(inputs[0]) * (weight / channels)
            }
            Self::Resample { .. } => 2 * output * (inputs[1][1] * inputs[2][1]) as u64,
            Self::Where => output,
            Self::Gather { .. } => 0,
            Self::BatchNorm { .. } => 2 * output,
            Self::MaxPool2d(pool) | Self::AvgPool2d(pool) | Self::SumPool2d(pool) => {
                output * elements(&pool.kernel)
            }
            Self::AdaptiveAvgPool2d(_) | Self::Reduce { .. } | Self::Argmax { .. } => elements(inputs[0]),
            Self::Softmax(_) | Self::LogSoftmax(_) => 4 * output,
            Self::Unary(_) | Self::Binary { .. } => output,
            Self::Reshape(_) | Self::Permute(_) | Self::Slice(_) | Self::Concat { .. } => 0,
            Self::Pad { .. } | Self::Expand(_) | Self::Cast(_) => 0,
        })
    }
}

fn four(op: &'static str, operand: &'static str, shape: &[usize]) -> Result<[usize; 4], ShapeError> {
    let rank = || ShapeError::Rank { op, operand, shape: shape.to_vec(), expected: "four" };
    shape.try_into().map_err(|_| rank())
}
