//! The facts of the operations on bytes, one arm for each.

use super::{
    checks::{expect, four},
    facts::{Accepts, Facts, Preference, elements},
    quantized::Quantized,
};
use crate::{
    dtype::DType,
    error::ShapeError,
    quantized::{AVERAGES, QConv2d, Steps, add_shape, lookup_shape, mul_shape, scaled_shape},
    resample::gather_shape,
};

use Preference::{Alike, ChannelsLast, None as AsItIs, RowMajor};

const F32: Accepts = Accepts::Only(DType::F32);
const I32: Accepts = Accepts::Only(DType::I32);

impl Quantized {
    /// What is known of it; see [`super::Op::facts`].
    pub(super) fn facts(&self) -> Facts<'_> {
        match self {
            Self::Quantize { dtype, axis } => {
                Facts::new("quantize", &["x", "scale", "zero_point"], move |inputs| {
                    Steps::new(*dtype, 0).check("quantize")?;
                    scaled_shape("quantize", inputs[0], inputs[1], inputs[2], *axis)
                })
                .accepts([F32, F32, I32])
                // As its readers want it: bytes are turned around by way of words.
                .each_lies([ChannelsLast, RowMajor, RowMajor])
                .gives(0, *dtype)
                .flops_each(3)
            }
            Self::Dequantize { axis } => {
                Facts::new("dequantize", &["x", "scale", "zero_point"], move |inputs| {
                    scaled_shape("dequantize", inputs[0], inputs[1], inputs[2], *axis)
                })
                .accepts([Accepts::Integers, F32, I32])
                .gives(0, DType::F32)
                .flops_each(2)
            }
            Self::Conv2d { op, weight_zero, bias, residual } => {
                let facts = Facts::new(QConv2d::OP, &["x", "weight"], move |inputs| {
                    let (x, weight) = (four(QConv2d::OP, "x", inputs[0])?, weight_shape(inputs[1])?);
                    let shape = op.output_shape(x, weight, *residual)?;
                    let mut at = 2;
                    let per_channel =
                        [("weight_zero", *weight_zero), ("bias", *bias), ("multiplier", op.y.is_some())];
                    for name in per_channel.into_iter().filter_map(|(name, there)| there.then_some(name)) {
                        expect(QConv2d::OP, name, inputs[at], &shape[1..2])?;
                        at += 1;
                    }
                    if residual.is_some() {
                        expect(QConv2d::OP, "residual", inputs[at], &shape)?;
                    }
                    Ok(shape.to_vec())
                })
                .accepts([Accepts::Bytes, Accepts::Bytes])
                .each_lies([ChannelsLast, RowMajor]);
                let facts = if *weight_zero { facts.operand("weight_zero", I32, RowMajor) } else { facts };
                let facts = if *bias { facts.operand("bias", I32, RowMajor) } else { facts };
                let facts = match op.y {
                    Some(y) => facts.operand("multiplier", F32, RowMajor).gives(0, y.dtype),
                    None => facts.gives(0, DType::I32),
                };
                let facts = match residual {
                    Some(_) => facts.operand("residual", Accepts::Bytes, ChannelsLast),
                    None => facts,
                };
                facts.flops(|inputs, outputs| {
                    2 * elements(&outputs[0]) * (elements(inputs[1]) / inputs[1][0].max(1) as u64)
                })
            }
            Self::Add { addends, y } => {
                Facts::new("qadd", &["a", "b"], move |inputs| add_shape(inputs[0], inputs[1], *addends, y))
                    .accepts([Accepts::Bytes, Accepts::Bytes])
                    .gives(0, y.dtype)
                    .lies(Alike)
                    .flops_each(3)
            }
            Self::AvgPool2d { pool, x_zero: _, y } => {
                let op = "qavg_pool2d";
                Facts::new(op, &["x", "multiplier"], move |inputs| {
                    y.check(op)?;
                    let shape = pool.output_shape_named(op, four(op, "x", inputs[0])?)?;
                    let taps = pool.kernel[0].saturating_mul(pool.kernel[1]);
                    if taps > AVERAGES {
                        let (value, hint) = (format!("{:?}", pool.kernel), "at most 65,536 taps: pool twice");
                        return Err(ShapeError::Parameter { op, parameter: "kernel", value, hint });
                    }
                    expect(op, "multiplier", inputs[1], &[taps + 1])?;
                    Ok(shape.to_vec())
                })
                .accepts([Accepts::Bytes, F32])
                .gives(0, y.dtype)
                .each_lies([ChannelsLast, AsItIs])
                .flops(|_, outputs| elements(&outputs[0]) * elements(&pool.kernel))
            }
            Self::MaxPool2d(pool) => Facts::new("qmax_pool2d", &["x"], |inputs| {
                let input = four("qmax_pool2d", "x", inputs[0])?;
                Ok(pool.output_shape_named("qmax_pool2d", input)?.to_vec())
            })
            .accepts([Accepts::Bytes])
            .lies(ChannelsLast)
            .flops(|_, outputs| elements(&outputs[0]) * elements(&pool.kernel)),
            Self::Mul { zeros: _, multiplier, y } => {
                Facts::new("qmul", &["a", "b"], |inputs| mul_shape(inputs[0], inputs[1], *multiplier, y))
                    .accepts([Accepts::Bytes, Accepts::Bytes])
                    .gives(0, y.dtype)
                    .lies(Alike)
                    .flops_each(2)
            }
            Self::Lookup { dtype } => {
                Facts::new("qlookup", &["x", "table"], |inputs| lookup_shape(inputs[0], inputs[1], *dtype))
                    .accepts([Accepts::Bytes, Accepts::Only(*dtype)])
                    .gives(0, *dtype)
                    .flops_each(1)
            }
            Self::Gather { axis } => Facts::new("qgather", &["x", "indices"], |inputs| {
                if inputs[1].len() != 1 {
                    let (op, shape, expected) = ("qgather", inputs[1].to_vec(), "one");
                    return Err(ShapeError::Rank { op, operand: "indices", shape, expected });
                }
                gather_shape(inputs[0], *axis, inputs[1])
            })
            .movement()
            .accepts([Accepts::Bytes, I32])
            .each_lies([AsItIs, RowMajor]),
        }
    }
}

fn weight_shape(shape: &[usize]) -> Result<[usize; 4], ShapeError> {
    four(QConv2d::OP, "weight", shape)
}
