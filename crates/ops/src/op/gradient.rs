//! The gradients that have kernels of their own. All others are made of operations of the vocabulary.

use super::facts::{Accepts, Facts, Preference, elements};
use super::table::{expect, four};
use crate::{
    convolution::Conv2d, dtype::DType, elementwise::BinaryOp, elementwise::UnaryOp, error::ShapeError,
    loss::CrossEntropy, movement::SliceRange, movement::slice_shape, normalization::BatchNorm,
    pooling::AdaptiveAvgPool2d, pooling::Pool2d, softmax::LogSoftmax, softmax::Softmax, sort::TopK,
};

use Preference::{ChannelsLast, RowMajor};

/// The gradient of an operation by its operands, from the gradient `grad_y` of its result.
#[derive(Debug, Clone, PartialEq)]
pub enum Gradient {
    /// `x`, `grad_y`.
    Unary(UnaryOp),
    /// `a`, `b`, `grad_y`. Results: `grad_a` and `grad_b` as far as they are wanted, in the shape of `grad_y`: what was
    /// broadcast is not summed yet.
    Binary {
        /// What was computed.
        op: BinaryOp,
        /// Which of the two are wanted; one at least.
        wants: [bool; 2],
    },
    /// `grad_y`, `weight`: by the input.
    Conv2dInput {
        /// The convolution.
        op: Conv2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`, `x`: by the weight.
    Conv2dWeight {
        /// The convolution.
        op: Conv2d,
        /// O (C/groups) KH KW.
        weight_shape: [usize; 4],
    },
    /// `grad_y`: by the bias.
    Conv2dBias,
    /// `grad_y`, as [`super::Op::Im2col`] gives it: PyTorch's `fold`.
    Im2col {
        /// Stride, padding, dilation.
        op: Conv2d,
        /// Height and width of the windows.
        kernel: [usize; 2],
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `indices` of i32, `grad_y`.
    MaxPool2d {
        /// The windows.
        pool: Pool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`.
    AvgPool2d {
        /// The windows.
        pool: Pool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`.
    SumPool2d {
        /// The windows.
        pool: Pool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `grad_y`.
    AdaptiveAvgPool2d {
        /// The windows.
        pool: AdaptiveAvgPool2d,
        /// N C H W of the input.
        x_shape: [usize; 4],
    },
    /// `x`, `weight`, `mean`, `inv_std`, `grad_y`, then `bias` if there is an activation. Results: by `x`, `weight`, `bias`.
    BatchNormTrain {
        /// Of the result: its operand is computed anew.
        activation: Option<UnaryOp>,
    },
    /// `x`, `weight`, `running_mean`, `running_var`, `grad_y`, then `bias` if there is an activation. Results: by `x`,
    /// `weight`, `bias`.
    BatchNorm {
        /// eps.
        op: BatchNorm,
        /// Of the result: its operand is computed anew.
        activation: Option<UnaryOp>,
    },
    /// The result `y`, `grad_y`.
    Softmax(Softmax),
    /// The result `y`, `grad_y`.
    LogSoftmax(LogSoftmax),
    /// `logits`, `labels` of i32, `grad_y`, then class weights if they are there.
    CrossEntropy {
        /// The loss.
        op: CrossEntropy,
        /// Whether there are class weights.
        weights: bool,
    },
    /// `indices` of i32, `grad_y` of the values: each goes to its index along the axis.
    TopK {
        /// The operation.
        op: TopK,
        /// The shape of its operand.
        shape: Vec<usize>,
    },
    /// `grad_y`, put back into zeros.
    Slice {
        /// The shape of what was sliced.
        shape: Vec<usize>,
        /// A range of each axis.
        ranges: Vec<SliceRange>,
    },
}

impl Gradient {
    /// What is known of it; see [`super::Op::facts`].
    pub(super) fn facts(&self) -> Facts<'_> {
        match self {
            Self::Unary(op) => Facts::new(op.name(), &["x", "grad_y"], |inputs| {
                op.check()?;
                expect(op.name(), "grad_y", inputs[1], inputs[0])?;
                Ok(inputs[0].to_vec())
            })
            .flops_each(2),
            Self::Binary { op, wants } => {
                let names: Vec<_> =
                    ["grad_a", "grad_b"].into_iter().zip(wants).filter(|(_, want)| **want).collect();
                let names: Vec<_> = names.into_iter().map(|(name, _)| name).collect();
                let count = names.len();
                Facts::new(op.name(), &["a", "b", "grad_y"], |_| Ok(vec![]))
                    .outputs(&names, move |inputs| {
                        let shape = op.output_shape(inputs[0], inputs[1])?;
                        expect(op.name(), "grad_y", inputs[2], &shape)?;
                        Ok(vec![shape; count])
                    })
                    .flops(|_, outputs| 2 * outputs.iter().map(|shape| elements(shape)).sum::<u64>())
            }
            Self::Conv2dInput { op, x_shape } => {
                let name = "conv2d_backward_input";
                Facts::new(name, &["grad_y", "weight"], move |inputs| {
                    let shape = op.output_shape(*x_shape, four(name, "weight", inputs[1])?)?;
                    expect(name, "grad_y", inputs[0], &shape)?;
                    Ok(x_shape.to_vec())
                })
                .each_lies([ChannelsLast, RowMajor])
                .flops(|inputs, _| 2 * elements(inputs[0]) * elements(&inputs[1][1..]))
            }
            Self::Conv2dWeight { op, weight_shape } => {
                let name = "conv2d_backward_weight";
                Facts::new(name, &["grad_y", "x"], move |inputs| {
                    let shape = op.output_shape(four(name, "x", inputs[1])?, *weight_shape)?;
                    expect(name, "grad_y", inputs[0], &shape)?;
                    Ok(weight_shape.to_vec())
                })
                .lies(ChannelsLast)
                .flops(|inputs, outputs| 2 * elements(inputs[0]) * elements(&outputs[0][1..]))
            }
            Self::Conv2dBias => {
                let name = "conv2d_backward_bias";
                Facts::new(name, &["grad_y"], move |inputs| {
                    let [_, channels, _, _] = four(name, "grad_y", inputs[0])?;
                    Ok(vec![channels])
                })
                .lies(ChannelsLast)
                .flops_read()
            }
            Self::Im2col { op, kernel, x_shape } => Facts::new("col2im", &["grad_y"], |inputs| {
                expect("col2im", "grad_y", inputs[0], &op.columns(*x_shape, *kernel)?)?;
                Ok(x_shape.to_vec())
            })
            .flops_read(),
            Self::MaxPool2d { pool, x_shape } => {
                let name = "max_pool2d_backward";
                Facts::new(name, &["indices", "grad_y"], move |inputs| {
                    let shape = pool.output_shape_named(name, *x_shape)?;
                    expect(name, "indices", inputs[0], &shape)?;
                    expect(name, "grad_y", inputs[1], &shape)?;
                    Ok(x_shape.to_vec())
                })
                .accepts([Accepts::Only(DType::I32)])
                .gives(0, DType::F32)
                .lies(ChannelsLast)
                .flops_read()
            }
            Self::AvgPool2d { pool, x_shape } => {
                pooled("avg_pool2d_backward", *x_shape, |name| pool.output_shape_named(name, *x_shape))
            }
            Self::SumPool2d { pool, x_shape } => {
                pooled("sum_pool2d_backward", *x_shape, |name| pool.output_shape_named(name, *x_shape))
            }
            Self::AdaptiveAvgPool2d { pool, x_shape } => {
                pooled("adaptive_avg_pool2d_backward", *x_shape, |_| pool.output_shape(*x_shape))
            }
            Self::BatchNormTrain { activation } => {
                let op = BatchNorm::default();
                let names = ["x", "weight", "mean", "inv_std", "grad_y", "bias"];
                normalised("batch_norm_train_backward", op, names, activation, true)
            }
            Self::BatchNorm { op, activation } => {
                let names = ["x", "weight", "running_mean", "running_var", "grad_y", "bias"];
                normalised("batch_norm_eval_backward", *op, names, activation, false)
            }
            Self::Softmax(op) => along("softmax", |shape| op.check(shape).map(drop)),
            Self::LogSoftmax(op) => along("log_softmax", |shape| op.check(shape).map(drop)),
            Self::CrossEntropy { op, weights } => {
                let facts = Facts::new("cross_entropy", &["logits", "labels", "grad_y"], |inputs| {
                    let shape = op.output_shape(inputs[0], inputs[1])?;
                    expect("cross_entropy", "grad_y", inputs[2], &shape)?;
                    let operands: Vec<_> = inputs[..2].iter().chain(&inputs[3..]).copied().collect();
                    op.check_operands(&operands)?;
                    Ok(inputs[0].to_vec())
                });
                let float = Accepts::Only(DType::F32);
                let facts = facts.accepts([float, Accepts::Only(DType::I32), float]);
                let facts = if *weights { facts.operand("weights", float, Preference::None) } else { facts };
                facts.flops_each(5)
            }
            Self::TopK { op, shape } => {
                let name = "topk_backward";
                Facts::new(name, &["indices", "grad_y"], move |inputs| {
                    let expected = op.output_shape(shape)?;
                    expect(name, "indices", inputs[0], &expected)?;
                    expect(name, "grad_y", inputs[1], &expected)?;
                    Ok(shape.clone())
                })
                .accepts([Accepts::Only(DType::I32)])
                .gives(0, DType::F32)
                .flops_read()
            }
            Self::Slice { shape, ranges } => Facts::new("slice_backward", &["grad_y"], |inputs| {
                expect("slice_backward", "grad_y", inputs[0], &slice_shape(shape, ranges)?)?;
                Ok(shape.clone())
            }),
        }
    }
}

/// Of a pooling whose result has the shape that `shape` says.
fn pooled<'a>(
    name: &'static str,
    x_shape: [usize; 4],
    shape: impl Fn(&'static str) -> Result<[usize; 4], ShapeError> + 'a,
) -> Facts<'a> {
    Facts::new(name, &["grad_y"], move |inputs| {
        expect(name, "grad_y", inputs[0], &shape(name)?)?;
        Ok(x_shape.to_vec())
    })
    .lies(ChannelsLast)
    .flops_read()
}

/// Of what keeps the shape and is saved as its result.
fn along<'a>(name: &'static str, check: impl Fn(&[usize]) -> Result<(), ShapeError> + 'a) -> Facts<'a> {
    Facts::new(name, &["y", "grad_y"], move |inputs| {
        check(inputs[0])?;
        expect(name, "grad_y", inputs[1], inputs[0])?;
        Ok(inputs[0].to_vec())
    })
    .flops_each(4)
}

/// Of a batch normalisation: operands that are named, of which the last only goes with an activation.
fn normalised<'a>(
    name: &'static str,
    op: BatchNorm,
    names: [&'static str; 6],
    activation: &'a Option<UnaryOp>,
    training: bool,
) -> Facts<'a> {
    let count = 5 + usize::from(activation.is_some());
    Facts::new(name, &names[..count], |_| Ok(vec![]))
        .outputs(&["grad_x", "grad_weight", "grad_bias"], move |inputs| {
            op.check_operands(&inputs[..4], &names[..4])?;
            if training {
                op.check_training(inputs[0])?;
            }
            expect(name, "grad_y", inputs[4], inputs[0])?;
            if let Some(activation) = activation {
                activation.check()?;
                op.check_operand(inputs[0], "bias", inputs[5])?;
            }
            Ok(vec![inputs[0].to_vec(), inputs[1].to_vec(), inputs[1].to_vec()])
        })
        .flops_each(9)
}
