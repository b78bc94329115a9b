//! The facts of every gradient, one arm for each.

use super::{
    checks::{expect, four},
    facts::{Accepts, Facts, Preference, elements},
    gradient::Gradient,
};
use crate::{
    dtype::DType, elementwise::UnaryOp, error::ShapeError, movement::slice_shape, normalization::BatchNorm,
};

use Preference::{ChannelsLast, RowMajor};

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
                let names = wanted(["grad_a", "grad_b"], wants);
                let count = names.len();
                Facts::new(op.name(), &["a", "b", "grad_y"], |_| Ok(vec![]))
                    .outputs(&names, move |inputs| {
                        let shape = op.output_shape(inputs[0], inputs[1])?;
                        expect(op.name(), "grad_y", inputs[2], &shape)?;
                        some_wanted(op.name(), count)?;
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
                normalised("batch_norm_train_backward", op, &TRAINED, activation, true)
            }
            Self::BatchNormAgain { activation } => Facts::new("batch_norm_again", &KEPT, move |inputs| {
                let op = BatchNorm::default();
                op.check_operands(&inputs[..5], &KEPT[..5])?;
                op.check_operand(inputs[0], "rest", inputs[5])?;
                activation.map_or(Ok(()), UnaryOp::check)?;
                Ok(inputs[0].to_vec())
            })
            .flops_each(2),
            Self::BatchNorm { op, activation } => {
                normalised("batch_norm_eval_backward", *op, &EVALUATED, activation, false)
            }
            Self::FakeQuantize { op, wants } => {
                let name = "fake_quantize_backward";
                let names = wanted(["grad_x", "grad_scale"], wants);
                let count = names.len();
                let float = Accepts::Only(DType::F32);
                Facts::new(name, &["x", "scale", "zero_point", "grad_y"], |_| Ok(vec![]))
                    .outputs(&names, move |inputs| {
                        let shape = op.output_shape(inputs[0], inputs[1], inputs[2])?;
                        expect(name, "grad_y", inputs[3], &shape)?;
                        some_wanted(name, count)?;
                        Ok(vec![shape; count])
                    })
                    .accepts([float, float, Accepts::Only(DType::I32), float])
                    .flops_each(7)
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
            Self::RoiAlign { op, x_shape } => {
                let name = "roi_align_backward";
                Facts::new(name, &["rois", "grad_y"], move |inputs| {
                    expect(name, "grad_y", inputs[1], &op.output_shape(x_shape, inputs[0])?)?;
                    Ok(x_shape.to_vec())
                })
                .each_lies([RowMajor, ChannelsLast])
                .flops(|inputs, _| 8 * elements(inputs[1]))
            }
            Self::RoiPool { op, x_shape } => {
                let name = "roi_pool_backward";
                let float = Accepts::Only(DType::F32);
                Facts::new(name, &["rois", "indices", "grad_y"], move |inputs| {
                    let shape = op.output_shape(x_shape, inputs[0])?;
                    expect(name, "indices", inputs[1], &shape)?;
                    expect(name, "grad_y", inputs[2], &shape)?;
                    Ok(x_shape.to_vec())
                })
                .accepts([float, Accepts::Only(DType::I32), float])
                .each_lies([RowMajor, ChannelsLast, ChannelsLast])
                .flops(|inputs, _| elements(inputs[2]))
            }
            Self::Slice { shape, ranges } => Facts::new("slice_backward", &["grad_y"], |inputs| {
                expect("slice_backward", "grad_y", inputs[0], &slice_shape(shape, ranges)?)?;
                Ok(shape.clone())
            }),
        }
    }
}

/// The names of the results that are wanted.
fn wanted(names: [&'static str; 2], wants: &[bool; 2]) -> Vec<&'static str> {
    names.into_iter().zip(wants).filter(|(_, want)| **want).map(|(name, _)| name).collect()
}

fn some_wanted(op: &'static str, count: usize) -> Result<(), ShapeError> {
    if count > 0 {
        return Ok(());
    }
    let (value, hint) = ("[false, false]".to_owned(), "one gradient at least is wanted");
    Err(ShapeError::Parameter { op, parameter: "wants", value, hint })
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

/// What training's batch normalisation is made again from.
const KEPT: [&str; 6] = ["x", "weight", "bias", "mean", "inv_std", "rest"];

/// The operands of the gradients of a batch normalisation.
const TRAINED: [&str; 7] = ["x", "weight", "mean", "inv_std", "grad_y", "rest", "bias"];
const EVALUATED: [&str; 6] = ["x", "weight", "running_mean", "running_var", "grad_y", "bias"];

/// Of a batch normalisation: operands that are named, of which the last only goes with an activation.
fn normalised<'a>(
    name: &'static str,
    op: BatchNorm,
    names: &'static [&'static str],
    activation: &'a Option<UnaryOp>,
    training: bool,
) -> Facts<'a> {
    let without = names.len() - 1;
    let count = without + usize::from(activation.is_some());
    Facts::new(name, &names[..count], |_| Ok(vec![]))
        .outputs(&["grad_x", "grad_weight", "grad_bias"], move |inputs| {
            op.check_operands(&inputs[..4], &names[..4])?;
            if training {
                op.check_training(inputs[0])?;
                op.check_operand(inputs[0], "rest", inputs[5])?;
            }
            expect(name, "grad_y", inputs[4], inputs[0])?;
            if let Some(activation) = activation {
                activation.check()?;
                op.check_operand(inputs[0], "bias", inputs[without])?;
            }
            Ok(vec![inputs[0].to_vec(), inputs[1].to_vec(), inputs[1].to_vec()])
        })
        .flops_each(9)
}
