//! Quantised tensors: to them and from them, and what is computed with their numbers.

use tilewright_kernels::quantized::QConv2dAlgorithm;
use tilewright_ops::{
    Conv2d, DType, Op, Pool2d, QConv2d, Quantization, ShapeError, Steps, UnaryOp,
    quantized::{Addend, Residual, average_multipliers},
};

use crate::{error::Error, error::Result, hints::Hints, tensor::Tensor};

/// What a result of quantised operands is to be: its numbers and what they stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// One scale and zero point.
    pub quantization: Quantization,
    /// i8 or u8.
    pub dtype: DType,
    /// A clamp of the real numbers, in the same step: relu, relu6 or clamp.
    pub activation: Option<UnaryOp>,
}

/// What a convolution of quantised tensors is told besides them.
#[derive(Clone, Debug)]
pub struct QConv2dCall<'a> {
    /// Stride, padding, dilation, groups.
    pub op: Conv2d,
    /// i32, O numbers, in steps of the scale of x times that of the weight.
    pub bias: Option<&'a Tensor>,
    /// A quantised tensor of the result's shape, added before the activation.
    pub residual: Option<&'a Tensor>,
    /// The result.
    pub y: Quantized,
    /// The algorithm; else the table's. All have the same bits.
    pub algorithm: Option<QConv2dAlgorithm>,
}

impl<'a> QConv2dCall<'a> {
    /// The convolution alone.
    pub fn new(op: Conv2d, y: Quantized) -> Self {
        Self { op, bias: None, residual: None, y, algorithm: None }
    }

    /// The same with a bias.
    #[must_use]
    pub fn with_bias(self, bias: Option<&'a Tensor>) -> Self {
        Self { bias, ..self }
    }

    /// The same with a residual.
    #[must_use]
    pub fn with_residual(self, residual: Option<&'a Tensor>) -> Self {
        Self { residual, ..self }
    }
}

impl Quantized {
    /// Numbers of `dtype` with one scale and zero point.
    ///
    /// # Errors
    /// Those of [`Quantization::per_tensor`].
    pub fn new(dtype: DType, scale: f32, zero_point: i32) -> Result<Self> {
        Ok(Self { quantization: Quantization::per_tensor(scale, zero_point)?, dtype, activation: None })
    }

    /// The same with a clamp.
    #[must_use]
    pub fn with_activation(self, activation: Option<UnaryOp>) -> Self {
        Self { activation, ..self }
    }

    /// How sums become these numbers, and their scale.
    fn steps(&self, op: &'static str) -> Result<(Steps, f32)> {
        let (scale, zero) = whole(op, &self.quantization)?;
        match Steps::new(self.dtype, zero).clamped(scale, self.activation) {
            Some(steps) => Ok((steps, scale)),
            None => {
                let value = self.activation.map_or("none", UnaryOp::name).to_owned();
                let hint = "a quantised result is clamped by relu, relu6 or clamp";
                Err(ShapeError::Parameter { op, parameter: "activation", value, hint }.into())
            }
        }
    }
}

/// The one scale and zero point.
fn whole(op: &'static str, quantization: &Quantization) -> Result<(f32, i32)> {
    match (quantization.axis(), quantization.scale(), quantization.zero_point()) {
        (None, [scale, ..], [zero, ..]) => Ok((*scale, *zero)),
        _ => Err(Error::Quantized {
            op,
            hint: "it needs one scale for the tensor; only weights may have one for each channel",
        }),
    }
}

impl Tensor {
    /// clamp(round(x / scale) + `zero_point`) as i8 or u8, rounded half to even: ONNX's QuantizeLinear. What lies outside the
    /// type's range, infinity included, becomes its end; NaN becomes the lowest number.
    ///
    /// # Errors
    /// Those of [`Quantization::check`]; [`Error::DType`] unless this is f32.
    pub fn quantize(&self, quantization: &Quantization, dtype: DType) -> Result<Self> {
        quantization.check(self.shape(), dtype)?;
        let [scale, zero_point] = self.numbers(quantization)?;
        let op = tilewright_ops::Quantized::Quantize { dtype, axis: quantization.axis() };
        let y = Self::run_one(&Op::Quantized(op), &[self, &scale, &zero_point])?;
        y.with_quantization(quantization.clone())
    }

    /// scale · (q − `zero_point`) in f32: ONNX's DequantizeLinear.
    ///
    /// # Errors
    /// [`Error::NotQuantized`].
    pub fn dequantize(&self) -> Result<Self> {
        let quantization = self.meaning("dequantize")?;
        let [scale, zero_point] = self.numbers(quantization)?;
        let op = tilewright_ops::Quantized::Dequantize { axis: quantization.axis() };
        Self::run_one(&Op::Quantized(op), &[&self.without_quantization(), &scale, &zero_point])
    }

    /// The convolution of this tensor, quantised as a whole, by a weight O (C/groups) KH KW with one scale or one for each of
    /// its outputs, in integers: ONNX's QLinearConv, and with a residual the sum before it is rounded.
    ///
    /// # Errors
    /// [`Error::NotQuantized`]; [`Error::Quantized`] for scales along other axes; those of [`QConv2d::output_shape`];
    /// [`tilewright_runtime::Error::Unsupported`] for an algorithm that cannot run this shape here.
    pub fn qconv2d(&self, weight: &Self, call: &QConv2dCall<'_>) -> Result<Self> {
        let op = QConv2d::OP;
        let (x_scale, x_zero) = whole(op, self.meaning(op)?)?;
        let means = weight.meaning(op)?;
        if means.axis().is_some_and(|axis| axis != 0) {
            return Err(Error::Quantized {
                op,
                hint: "a weight has one scale, or one for each index of axis 0",
            });
        }
        let outputs = weight.shape().first().copied().unwrap_or_default();
        let (steps, scale) = call.y.steps(op)?;
        let each = |at: usize| if means.axis().is_some() { at } else { 0 };
        let multiplier: Vec<f32> = (0..outputs).map(|at| x_scale * means.scale()[each(at)] / scale).collect();
        let multiplier = Self::from_slice(self.context(), &multiplier, &[outputs])?;
        let zeros: Vec<i32> = (0..outputs).map(|at| means.zero_point()[each(at)]).collect();
        let weight_zero = if zeros.iter().any(|&zero| zero != 0) {
            Some(Self::from_slice(self.context(), &zeros, &[outputs])?)
        } else {
            None
        };
        let residual = match call.residual {
            Some(residual) => {
                let (by, zero_point) = whole(op, residual.meaning(op)?)?;
                Some((residual.without_quantization(), Residual { zero_point, multiplier: by / scale }))
            }
            None => None,
        };
        let what = tilewright_ops::Quantized::Conv2d {
            op: QConv2d { conv: call.op, x_zero, y: Some(steps) },
            weight_zero: weight_zero.is_some(),
            bias: call.bias.is_some(),
            residual: residual.as_ref().map(|(_, means)| *means),
        };
        let (x, weight) = (self.without_quantization(), weight.without_quantization());
        let mut operands = vec![&x, &weight];
        operands.extend(weight_zero.as_ref());
        operands.extend(call.bias);
        operands.push(&multiplier);
        operands.extend(residual.as_ref().map(|(residual, _)| residual));
        let hints = Hints { qconv2d: call.algorithm, ..Hints::default() };
        let y = Self::run_one_with(&Op::Quantized(what), &operands, &hints)?;
        y.with_quantization(call.y.quantization.clone())
    }

    /// This tensor N F, quantised as a whole, times a weight O F, plus a bias: [`Self::qconv2d`] of one pixel.
    ///
    /// # Errors
    /// Those of [`Self::qconv2d`].
    pub fn qlinear(&self, weight: &Self, call: &QConv2dCall<'_>) -> Result<Self> {
        let pixel = |tensor: &Self| -> Result<Self> {
            let [rows, columns] = *tensor.shape() else {
                let (shape, expected) = (tensor.shape().to_vec(), "two (rows, columns)");
                return Err(
                    ShapeError::Rank { op: "qlinear", operand: "x or weight", shape, expected }.into()
                );
            };
            let means = tensor.meaning("qlinear")?.clone();
            let bare = tensor.without_quantization();
            let shape = [rows, columns, 1, 1].map(|extent| extent as isize);
            bare.reshape(&shape)?.with_quantization(means)
        };
        let y = pixel(self)?.qconv2d(&pixel(weight)?, call)?;
        let shape = [y.shape()[0], y.shape()[1]].map(|extent| extent as isize);
        y.reshape(&shape)
    }

    /// The sum of two quantised tensors of one shape: ONNX Runtime's QLinearAdd.
    ///
    /// # Errors
    /// [`Error::NotQuantized`], [`Error::Quantized`]; those of [`tilewright_ops::quantized::add_shape`].
    pub fn qadd(&self, other: &Self, y: &Quantized) -> Result<Self> {
        let op = "qadd";
        let (steps, scale) = y.steps(op)?;
        let addend = |tensor: &Self| -> Result<Addend> {
            let (by, zero_point) = whole(op, tensor.meaning(op)?)?;
            Ok(Addend { zero_point, multiplier: by / scale })
        };
        let addends = [addend(self)?, addend(other)?];
        let what = Op::Quantized(tilewright_ops::Quantized::Add { addends, y: steps });
        let sum = Self::run_one(&what, &[&self.without_quantization(), &other.without_quantization()])?;
        sum.with_quantization(y.quantization.clone())
    }

    /// Means of windows of a quantised tensor N C H W.
    ///
    /// # Errors
    /// [`Error::NotQuantized`], [`Error::Quantized`]; those of [`Pool2d::output_shape_named`].
    pub fn qavg_pool2d(&self, pool: &Pool2d, y: &Quantized) -> Result<Self> {
        let op = "qavg_pool2d";
        let (steps, scale) = y.steps(op)?;
        let (x_scale, x_zero) = whole(op, self.meaning(op)?)?;
        let multiplier = average_multipliers(pool, x_scale / scale);
        let multiplier = Self::from_slice(self.context(), &multiplier, &[multiplier.len()])?;
        let what = tilewright_ops::Quantized::AvgPool2d { pool: *pool, x_zero, y: steps };
        let mean = Self::run_one(&Op::Quantized(what), &[&self.without_quantization(), &multiplier])?;
        mean.with_quantization(y.quantization.clone())
    }

    /// Maxima of windows of a quantised tensor N C H W, whose numbers stand for the same.
    ///
    /// # Errors
    /// [`Error::NotQuantized`], [`Error::Quantized`]; those of [`Pool2d::output_shape_named`].
    pub fn qmax_pool2d(&self, pool: &Pool2d) -> Result<Self> {
        let means = self.meaning("qmax_pool2d")?;
        whole("qmax_pool2d", means)?;
        let what = Op::Quantized(tilewright_ops::Quantized::MaxPool2d(*pool));
        Self::run_one(&what, &[&self.without_quantization()])?.with_quantization(means.clone())
    }

    /// What its numbers stand for.
    fn meaning(&self, op: &'static str) -> Result<&Quantization> {
        self.quantization().ok_or(Error::NotQuantized { op })
    }

    /// Scales and zero points as operands.
    fn numbers(&self, quantization: &Quantization) -> Result<[Self; 2]> {
        let shape: Vec<usize> = quantization.axis().map(|_| quantization.scale().len()).into_iter().collect();
        Ok([
            Self::from_slice(self.context(), quantization.scale(), &shape)?,
            Self::from_slice(self.context(), quantization.zero_point(), &shape)?,
        ])
    }
}
