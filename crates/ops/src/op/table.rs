//! The facts of every operation, one arm for each.

use super::{
    checks::{expect, four},
    facts::{Accepts, Facts, Preference, elements},
    vocabulary::Op,
};

use crate::{
    dtype::DType,
    elementwise::broadcast,
    error::ShapeError,
    indexing::{
        ScatterReduction, gather_elements_shape, gather_nd_shape, scatter_elements_shape, scatter_nd_shape,
        scatter_shape,
    },
    moments::check_statistics,
    movement::concat_shape,
    movement::pad_shape,
    movement::permute_shape,
    movement::reshape_shape,
    movement::slice_shape,
    movement::split_shapes,
    pooling::Pooling,
    quantized::FakeQuantize,
    reduction::argmax_shape,
    resample::gather_shape,
    resample::resample_shape,
};

use Preference::{Alike, ChannelsLast, RowMajor};

impl Op {
    /// What is known of the operation besides its parameters.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        match self {
            Self::Unary(op) => {
                let facts = Facts::new(op.name(), &["x"], |inputs| op.check().map(|()| inputs[0].to_vec()));
                let facts = if op.takes_integers() { facts.accepts([Accepts::Numbers]) } else { facts };
                facts.flops_each(1)
            }
            Self::Binary { op, activation } => {
                let facts = Facts::new(op.name(), &["a", "b"], |inputs| {
                    activation.map_or(Ok(()), |activation| activation.check())?;
                    op.output_shape(inputs[0], inputs[1])
                });
                // Activations are functions of f32.
                let integers = activation.is_none() && op.takes(DType::I32);
                let facts = match (op.takes(DType::F32), integers) {
                    (true, false) => facts,
                    (true, true) => facts.accepts([Accepts::Numbers, Accepts::AsFirst]),
                    (false, _) => facts.accepts([Accepts::Only(DType::I32); 2]),
                };
                let facts = if op.is_comparison() { facts.gives(0, DType::F32) } else { facts };
                facts.lies(Alike).flops_each(1)
            }
            Self::Where => Facts::new("where", &["condition", "a", "b"], |inputs| {
                broadcast("where", inputs[0], &broadcast("where", inputs[1], inputs[2])?)
            })
            .accepts([Accepts::Numbers, Accepts::Words, Accepts::As(1)])
            .gives_as(1)
            .flops_each(1),
            Self::Cast(dtype) => Facts::new("cast", &["x"], |inputs| Ok(inputs[0].to_vec()))
                .movement()
                .gives(0, *dtype)
                .shares_memory(),
            Self::MatMul { op, bias, residual, activation } => {
                Facts::new("matmul", &["left", "right"], |inputs| {
                    let shape = op.output_shape(inputs[0], inputs[1])?;
                    let columns = shape.len() - 1;
                    check_epilogue("matmul", inputs, *bias, *residual, &shape[columns..], &shape)?;
                    activation.map_or(Ok(()), |activation| activation.check())?;
                    Ok(shape)
                })
                .product(*bias, *residual, [RowMajor, RowMajor])
                // The shapes have been checked.
                .flops(|inputs, _| op.flops(inputs[0], inputs[1]).unwrap_or_default())
            }
            Self::Conv2d { op, bias, residual, activation, pool } => {
                Facts::new("conv2d", &["x", "weight"], |inputs| {
                    let shape =
                        op.output_shape(four("conv2d", "x", inputs[0])?, weight("conv2d", inputs[1])?)?;
                    check_epilogue("conv2d", inputs, *bias, *residual, &shape[1..2], &shape)?;
                    activation.map_or(Ok(()), |activation| activation.check())?;
                    Ok(pool.map_or(Ok(shape), |pool| pool.output_shape(shape))?.to_vec())
                })
                .product(*bias, *residual, [ChannelsLast, RowMajor])
                .flops(move |inputs, outputs| {
                    match (pool, inputs[0].try_into(), inputs[1].try_into()) {
                        (Some(Pooling { pool, .. }), Ok(x), Ok(weight)) => {
                            let sums = op.output_shape(x, weight).map_or(0, |shape| elements(&shape));
                            conv_flops(sums, inputs[1]) + elements(&outputs[0]) * elements(&pool.kernel)
                        }
                        _ => conv_flops(elements(&outputs[0]), inputs[1]),
                    }
                })
            }
            Self::ConvTranspose2d(op) => Facts::new("conv_transpose2d", &["x", "weight"], |inputs| {
                let name = "conv_transpose2d";
                Ok(op.output_shape(four(name, "x", inputs[0])?, weight(name, inputs[1])?)?.to_vec())
            })
            .each_lies([ChannelsLast, RowMajor])
            .flops(|inputs, _| conv_flops(elements(inputs[0]), inputs[1])),
            Self::Im2col { op, kernel } => Facts::new("im2col", &["x"], |inputs| {
                Ok(op.columns(four("im2col", "x", inputs[0])?, *kernel)?.to_vec())
            })
            .lies(ChannelsLast),
            Self::BatchNorm { op, activation } => Facts::new("batch_norm_eval", &NORMALISED, |inputs| {
                op.check_operands(inputs, &NORMALISED)?;
                activation.map_or(Ok(()), |activation| activation.check())?;
                Ok(inputs[0].to_vec())
            })
            .each_lies([ChannelsLast])
            .flops_each(2),
            Self::BatchNormTrain { op, activation } => {
                Facts::new("batch_norm_train", &NORMALISED, |_| Ok(vec![]))
                    .outputs(&["y", "mean", "inv_std", "running_mean", "running_var", "rest"], |inputs| {
                        op.check_operands(inputs, &NORMALISED)?;
                        op.check_training(inputs[0])?;
                        activation.map_or(Ok(()), |activation| activation.check())?;
                        let channels = inputs[1].to_vec();
                        let mut shapes = vec![channels; 6];
                        shapes[0] = inputs[0].to_vec();
                        Ok(shapes)
                    })
                    .each_lies([ChannelsLast])
                    .flops_each(7)
            }
            Self::MaxPool2d { pool, indices } => {
                let shape = |inputs: &[&[usize]]| {
                    let input = four("max_pool2d", "x", inputs[0])?;
                    Ok(pool.output_shape_named("max_pool2d", input)?.to_vec())
                };
                let facts = Facts::new("max_pool2d", &["x"], shape);
                let facts = if *indices {
                    facts
                        .outputs(&["y", "indices"], move |inputs| {
                            shape(inputs).map(|shape| vec![shape.clone(), shape])
                        })
                        .gives(1, DType::I32)
                } else {
                    facts
                };
                facts.lies(ChannelsLast).flops(|_, outputs| elements(&outputs[0]) * elements(&pool.kernel))
            }
            Self::AvgPool2d(pool) => Facts::new("avg_pool2d", &["x"], |inputs| {
                let input = four("avg_pool2d", "x", inputs[0])?;
                Ok(pool.output_shape_named("avg_pool2d", input)?.to_vec())
            })
            .lies(ChannelsLast)
            .flops(|_, outputs| elements(&outputs[0]) * elements(&pool.kernel)),
            Self::SumPool2d(pool) => Facts::new("sum_pool2d", &["x"], |inputs| {
                let input = four("sum_pool2d", "x", inputs[0])?;
                Ok(pool.output_shape_named("sum_pool2d", input)?.to_vec())
            })
            .lies(ChannelsLast)
            .flops(|_, outputs| elements(&outputs[0]) * elements(&pool.kernel)),
            Self::AdaptiveAvgPool2d(pool) => Facts::new("adaptive_avg_pool2d", &["x"], |inputs| {
                Ok(pool.output_shape(four("adaptive_avg_pool2d", "x", inputs[0])?)?.to_vec())
            })
            .lies(ChannelsLast)
            .flops_read(),
            Self::Reduce { op, axes, keepdim } => {
                let facts =
                    Facts::new(op.name(), &["x"], |inputs| op.output_shape(inputs[0], axes, *keepdim));
                let facts = if op.takes_integers() { facts.accepts([Accepts::Numbers]) } else { facts };
                facts.shares_memory().flops_read()
            }
            Self::Argmax { axes, keepdim } => {
                Facts::new("argmax", &["x"], |inputs| argmax_shape(inputs[0], axes, *keepdim))
                    .gives(0, DType::I32)
                    .shares_memory()
                    .flops_read()
            }
            Self::Softmax(op) => {
                Facts::new("softmax", &["x"], |inputs| op.check(inputs[0]).map(|_| inputs[0].to_vec()))
                    .flops_each(4)
            }
            Self::LogSoftmax(op) => {
                Facts::new("log_softmax", &["x"], |inputs| op.check(inputs[0]).map(|_| inputs[0].to_vec()))
                    .flops_each(4)
            }
            Self::CumSum(op) => {
                Facts::new("cumsum", &["x"], |inputs| op.check(inputs[0]).map(|_| inputs[0].to_vec()))
                    .flops_each(1)
            }
            Self::Moments(op) => Facts::new("moments", &["x"], |_| Ok(vec![]))
                .outputs(&["mean", "rest", "variance"], |inputs| {
                    op.output_shape(inputs[0]).map(|shape| vec![shape; 3])
                })
                .flops(|inputs, _| 4 * elements(inputs[0])),
            Self::Standardize => Facts::new("standardize", &["x", "mean", "rest", "inv_std"], |inputs| {
                check_statistics(inputs).map(|()| inputs[0].to_vec())
            })
            .flops_each(3),
            Self::CrossEntropy { op, weights } => {
                let facts = Facts::new("cross_entropy", &["logits", "labels"], |inputs| {
                    op.check_operands(inputs)?;
                    op.output_shape(inputs[0], inputs[1])
                })
                .accepts([Accepts::Only(DType::F32), Accepts::Only(DType::I32)]);
                let float = Accepts::Only(DType::F32);
                let facts = if *weights { facts.operand("weights", float, Preference::None) } else { facts };
                facts.flops(|inputs, _| 5 * elements(inputs[0]))
            }
            Self::Dropout { op, .. } => {
                Facts::new("dropout", &["x"], |inputs| op.check().map(|()| inputs[0].to_vec())).flops_each(1)
            }
            Self::Reshape(shape) => Facts::new("reshape", &["x"], |inputs| {
                let signed: Vec<isize> = shape.iter().map(|&extent| extent as isize).collect();
                reshape_shape(inputs[0], &signed)
            })
            .movement()
            .lies(RowMajor)
            .shares_memory(),
            Self::Permute(axes) => {
                Facts::new("permute", &["x"], |inputs| permute_shape(inputs[0], axes)).movement()
            }
            Self::Slice(ranges) => {
                Facts::new("slice", &["x"], |inputs| slice_shape(inputs[0], ranges)).movement()
            }
            Self::Concat { axis } => Facts::new("concat", &["tensors"], |inputs| concat_shape(inputs, *axis))
                .movement()
                .variadic()
                .lies(Alike),
            Self::Split { axis, parts } => Facts::new("split", &["x"], |_| Ok(vec![]))
                .movement()
                .outputs(&[], |inputs| split_shapes(inputs[0], *axis, parts))
                .repeat_output("part", parts.len()),
            Self::Pad { padding, .. } => Facts::new("pad", &["x"], |inputs| pad_shape(inputs[0], padding)),
            Self::Expand(shape) => Facts::new("expand", &["x"], |inputs| {
                if broadcast("expand", inputs[0], shape)? == *shape {
                    return Ok(shape.clone());
                }
                let (left, right) = (inputs[0].to_vec(), shape.clone());
                Err(ShapeError::Broadcast { op: "expand", left, right })
            })
            .movement(),
            Self::Resample { axis } => Facts::new("resample", &["x", "rows", "columns"], |inputs| {
                resample_shape(inputs[0], *axis, inputs[1], inputs[2])
            })
            .flops(|inputs, outputs| 2 * elements(&outputs[0]) * (inputs[1][1] * inputs[2][1]) as u64),
            Self::Gather { axis } => gathered("gather", |inputs| gather_shape(inputs[0], *axis, inputs[1])),
            Self::GatherElements { axis } => {
                gathered("gather_elements", |inputs| gather_elements_shape(inputs[0], *axis, inputs[1]))
            }
            Self::GatherNd { batch } => {
                gathered("gather_nd", |inputs| gather_nd_shape(inputs[0], *batch, inputs[1]))
            }
            Self::Scatter { axis, reduction } => scattered("scatter", *reduction, |inputs| {
                scatter_shape(inputs[0], *axis, inputs[1], inputs[2])
            }),
            Self::ScatterElements { axis, reduction } => {
                scattered("scatter_elements", *reduction, |inputs| {
                    scatter_elements_shape(inputs[0], *axis, inputs[1], inputs[2])
                })
            }
            Self::ScatterNd { batch, reduction } => scattered("scatter_nd", *reduction, |inputs| {
                scatter_nd_shape(inputs[0], *batch, inputs[1], inputs[2])
            }),
            Self::Attention { op, mask } => {
                let facts = Facts::new("attention", &["query", "key", "value"], |_| Ok(vec![]));
                let facts =
                    if *mask { facts.operand("mask", Accepts::Only(DType::F32), RowMajor) } else { facts };
                facts
                    .outputs(&["y", "log_sum"], |inputs| {
                        op.output_shapes(inputs[0], inputs[1], inputs[2], inputs.get(3).copied())
                    })
                    .lies(RowMajor)
                    .flops(|inputs, _| op.flops(inputs[0], inputs[2]))
            }
            Self::TopK(op) => Facts::new("topk", &["x"], |_| Ok(vec![]))
                .outputs(&["values", "indices"], |inputs| {
                    op.output_shape(inputs[0]).map(|shape| vec![shape.clone(), shape])
                })
                .gives(1, DType::I32)
                .flops_read(),
            Self::Nms(op) => {
                Facts::new("nms", &["boxes", "classes"], |inputs| op.output_shape(inputs[0], inputs[1]))
                    .accepts([Accepts::Only(DType::F32), Accepts::Only(DType::I32)])
                    .gives(0, DType::I32)
                    .lies(RowMajor)
                    // Each pair: the sides and the area in common, the overlap.
                    .flops(|inputs, outputs| 6 * elements(&outputs[0]) * inputs[0][1] as u64)
            }
            Self::RoiAlign(op) => Facts::new("roi_align", &["x", "rois"], |inputs| {
                op.output_shape(inputs[0], inputs[1]).map(|shape| shape.to_vec())
            })
            .each_lies([ChannelsLast, RowMajor])
            // Each sample: four products and sums.
            .flops(|_, outputs| {
                8 * elements(&outputs[0]) * elements(&[op.sampling_ratio.max(1), op.sampling_ratio.max(1)])
            }),
            Self::RoiPool(op) => Facts::new("roi_pool", &["x", "rois"], |_| Ok(vec![]))
                .outputs(&["y", "indices"], |inputs| {
                    op.output_shape(inputs[0], inputs[1]).map(|shape| vec![shape.to_vec(); 2])
                })
                .gives(1, DType::I32)
                .each_lies([ChannelsLast, RowMajor])
                .flops_each(1),
            Self::FakeQuantize(op) => Facts::new(FakeQuantize::OP, &["x", "scale", "zero_point"], |inputs| {
                op.output_shape(inputs[0], inputs[1], inputs[2])
            })
            .accepts([Accepts::Only(DType::F32), Accepts::Only(DType::F32), Accepts::Only(DType::I32)])
            .flops_each(5),
            Self::Quantized(quantized) => quantized.facts(),
            Self::Custom(custom) => custom.facts(),
            Self::Gradient(gradient) => gradient.facts(),
        }
    }
}

/// The operands of a batch normalisation.
const NORMALISED: [&str; 5] = ["x", "weight", "bias", "running_mean", "running_var"];

/// Of elements of four bytes by i32 indices.
fn gathered<'a>(
    name: &'static str,
    shape: impl Fn(&[&[usize]]) -> Result<Vec<usize>, ShapeError> + 'a,
) -> Facts<'a> {
    Facts::new(name, &["x", "indices"], shape)
        .movement()
        .accepts([Accepts::Words, Accepts::Only(DType::I32)])
        .lies(RowMajor)
}

/// The counterpart: one operation for each update, unless it only takes a place.
fn scattered<'a>(
    name: &'static str,
    reduction: ScatterReduction,
    shape: impl Fn(&[&[usize]]) -> Result<Vec<usize>, ShapeError> + 'a,
) -> Facts<'a> {
    let facts = Facts::new(name, &["x", "indices", "updates"], shape);
    let (facts, accepts) = match reduction {
        ScatterReduction::Replace => (facts.movement(), Accepts::Words),
        _ => (facts.flops(|inputs, _| elements(inputs[2])), Accepts::Numbers),
    };
    facts.accepts([accepts, Accepts::Only(DType::I32), Accepts::AsFirst]).lies(RowMajor)
}

/// Two operations for each element of the filter and each sum.
fn conv_flops(sums: u64, weight: &[usize]) -> u64 {
    2 * sums * (elements(weight) / weight[0].max(1) as u64)
}

fn weight(op: &'static str, shape: &[usize]) -> Result<[usize; 4], ShapeError> {
    four(op, "weight", shape)
}

/// Bias and residual of a product, which come last.
fn check_epilogue(
    op: &'static str,
    inputs: &[&[usize]],
    bias: bool,
    residual: bool,
    columns: &[usize],
    shape: &[usize],
) -> Result<(), ShapeError> {
    if bias {
        expect(op, "bias", inputs[2], columns)?;
    }
    if residual {
        expect(op, "residual", inputs[inputs.len() - 1], shape)?;
    }
    Ok(())
}
