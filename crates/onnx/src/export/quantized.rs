//! What goes to whole numbers and from them, and what is computed with them.
//!
//! The graph has multipliers, the quotients of scales, where ONNX has scales. A result of the scale 1 has the same numbers: an
//! operand's multiplier is then its scale. A convolution of bytes is QLinearConv, and its sums are ConvInteger. What ONNX has
//! no operator for is written as real numbers between DequantizeLinear and QuantizeLinear: the same numbers when it is read
//! here again, and at most one step from them where real numbers are added.

use tilewright_graph::Node;
use tilewright_ops::{
    Conv2d, DType, FakeQuantize, Pool2d, QConv2d, Quantization, Quantized, Steps,
    quantized::{Residual, average_multipliers},
};

use super::{
    movement::cast,
    pooling,
    writer::{Writer, at_node, element_type, int, ints, refuse},
};
use crate::error::Result;
use crate::proto::AttributeProto;

pub(super) fn quantized(w: &mut Writer<'_>, node: &Node, op: &Quantized, x: &[String]) -> Result<String> {
    let axis = |axis: &Option<usize>| axis.map(|axis| int("axis", axis)).into_iter().collect();
    match op {
        Quantized::Quantize { dtype, axis: along } => {
            let zero = zeros(w, node, 2, &x[2], *dtype, false)?;
            Ok(w.emit("QuantizeLinear", &[&x[0], &x[1], &zero], axis(along)))
        }
        Quantized::Dequantize { axis: along } => {
            let dtype = operand_type(w, node, 0);
            let zero =
                if dtype == DType::I32 { x[2].clone() } else { zeros(w, node, 2, &x[2], dtype, false)? };
            Ok(w.emit("DequantizeLinear", &[&x[0], &x[1], &zero], axis(along)))
        }
        Quantized::Conv2d { op, weight_zero, bias, residual } => {
            let extras = Extras::of(w, node, x, [*weight_zero, *bias, op.y.is_some()])?;
            match (op.y, residual) {
                (None, _) => sums(w, node, op, &extras, x),
                (Some(y), None) => convolution(w, node, op, &y, &extras, x),
                (Some(y), Some(residual)) => added(w, node, op, &y, (&extras, *residual), x),
            }
        }
        Quantized::Add { addends, y } => {
            let mut terms = Vec::with_capacity(2);
            for (at, addend) in addends.iter().enumerate() {
                terms.push(real(w, node, at, &x[at], (addend.multiplier, addend.zero_point)));
            }
            let sum = w.emit("Add", &[&terms[0], &terms[1]], vec![]);
            Ok(bytes(w, &sum, y))
        }
        Quantized::AvgPool2d { pool, x_zero, y } => {
            let multiplier = mean_multiplier(w, node, pool)?;
            let x = real(w, node, 0, &x[0], (multiplier, *x_zero));
            let mean = pooling::average(w, node, pool, w.shape(node, 0), &x)?;
            Ok(bytes(w, &mean, y))
        }
        Quantized::MaxPool2d(pool) => pooling::max(w, node, pool, w.shape(node, 0), &x[0]),
        Quantized::Mul { zeros, multiplier, y } => {
            let a = real(w, node, 0, &x[0], (*multiplier, zeros[0]));
            let b = real(w, node, 1, &x[1], (1.0, zeros[1]));
            let product = w.emit("Mul", &[&a, &b], vec![]);
            Ok(bytes(w, &product, y))
        }
        Quantized::Lookup { .. } => {
            let number = cast(w, &x[0], DType::I32);
            let place = match operand_type(w, node, 0) {
                DType::I8 => {
                    let least =
                        w.constant("least", &[], element_type(DType::I32), 128i32.to_le_bytes().to_vec());
                    w.emit("Add", &[&number, &least], vec![])
                }
                _ => number,
            };
            Ok(w.emit("Gather", &[&x[1], &place], vec![int("axis", 0)]))
        }
        Quantized::Gather { axis } => Ok(w.emit("Gather", &[&x[0], &x[1]], vec![int("axis", *axis)])),
    }
}

/// To bytes and back. A NaN, which stays one here, becomes the lowest number there.
pub(super) fn fake_quantize(
    w: &mut Writer<'_>,
    node: &Node,
    op: &FakeQuantize,
    x: &[String],
) -> Result<String> {
    let dtypes = [DType::I8, DType::U8];
    let Some(dtype) = dtypes.into_iter().find(|&dtype| Quantization::range(dtype) == Some((op.low, op.high)))
    else {
        return Err(refuse(
            node,
            "its numbers are not all those of i8 or of u8; export the network in bytes",
        ));
    };
    let axis: Vec<_> = op.axis.map(|axis| int("axis", axis)).into_iter().collect();
    let zero = zeros(w, node, 2, &x[2], dtype, false)?;
    let bytes = w.emit("QuantizeLinear", &[&x[0], &x[1], &zero], axis.clone());
    Ok(w.emit("DequantizeLinear", &[&bytes, &x[1], &zero], axis))
}

/// What a convolution of bytes has besides x and the weight, by name.
struct Extras {
    /// Of the weight's type.
    weight_zero: Option<String>,
    bias: Option<String>,
    multiplier: Option<String>,
}

impl Extras {
    fn of(w: &mut Writer<'_>, node: &Node, x: &[String], there: [bool; 3]) -> Result<Self> {
        let mut at = 2;
        let mut next = |there: bool| {
            let place = there.then_some(at);
            at += usize::from(there);
            place
        };
        let [zero, bias, multiplier] = there.map(&mut next);
        let dtype = operand_type(w, node, 1);
        Ok(Self {
            weight_zero: zero.map(|at| zeros(w, node, at, &x[at], dtype, !there[2])).transpose()?,
            bias: bias.map(|at| x[at].clone()),
            multiplier: multiplier.map(|at| x[at].clone()),
        })
    }

    fn multiplier(&self, node: &Node) -> Result<String> {
        self.multiplier.clone().ok_or_else(|| refuse(node, "its sums have no multipliers"))
    }
}

fn operand_type(w: &Writer<'_>, node: &Node, at: usize) -> DType {
    w.graph[node.inputs[at]].dtype
}

fn window(w: &Writer<'_>, node: &Node, op: &Conv2d) -> Vec<AttributeProto> {
    vec![
        ints("dilations", op.dilation),
        int("group", op.groups),
        ints("kernel_shape", w.shape(node, 1)[2..].iter().copied()),
        ints("pads", [op.padding, op.padding].concat()),
        ints("strides", op.stride),
    ]
}

/// Zero points, which are i32 in the graph and of the elements' type in the file. Where `alike` is set, several that are alike
/// are written as one: ONNX Runtime's ConvInteger takes no others.
fn zeros(
    w: &mut Writer<'_>,
    node: &Node,
    at: usize,
    name: &str,
    dtype: DType,
    alike: bool,
) -> Result<String> {
    let value = &w.graph[node.inputs[at]];
    let Some(constant) = &value.constant else { return Ok(cast(w, name, dtype)) };
    let values = constant.to_vec::<i32>().map_err(|source| at_node(node, source))?;
    let (low, high) = Quantization::range(dtype).unwrap_or_default();
    if values.iter().any(|value| !(low..=high).contains(value)) {
        return Err(refuse(node, "it has a zero point that is no number of its type"));
    }
    if let (true, Some(&first)) = (alike && values.windows(2).all(|pair| pair[0] == pair[1]), values.first())
    {
        return Ok(byte(w, "zero_point", dtype, first));
    }
    // The low byte of either type.
    let bytes = values.iter().map(|&value| value as u8).collect();
    Ok(w.constant("zero_point", &value.shape, element_type(dtype), bytes))
}

/// A number of `dtype`, a type of bytes.
fn byte(w: &mut Writer<'_>, what: &str, dtype: DType, value: i32) -> String {
    w.constant(what, &[], element_type(dtype), vec![value as u8])
}

/// Operand `at` as real numbers, in steps of the result.
fn real(w: &mut Writer<'_>, node: &Node, at: usize, x: &str, (scale, zero): (f32, i32)) -> String {
    let zero = byte(w, "zero_point", operand_type(w, node, at), zero);
    let scale = w.scalar("scale", scale);
    w.emit("DequantizeLinear", &[x, &scale, &zero], vec![])
}

/// Steps, clamped before they are rounded: their scale is 1.
fn bytes(w: &mut Writer<'_>, x: &str, y: &Steps) -> String {
    let clamped = if is_whole(y) {
        x.to_owned()
    } else {
        let least = w.scalar("low", (y.low - y.zero_point) as f32);
        let most = w.scalar("high", (y.high - y.zero_point) as f32);
        w.emit("Clip", &[x, &least, &most], vec![])
    };
    let (scale, zero) = (w.scalar("scale", 1.0), byte(w, "zero_point", y.dtype, y.zero_point));
    w.emit("QuantizeLinear", &[&clamped, &scale, &zero], vec![])
}

/// Whether nothing but the ends of the type clamps it.
fn is_whole(y: &Steps) -> bool {
    Some((y.low, y.high)) == Quantization::range(y.dtype)
}

fn convolution(
    w: &mut Writer<'_>,
    node: &Node,
    op: &QConv2d,
    y: &Steps,
    extras: &Extras,
    x: &[String],
) -> Result<String> {
    let by = extras.multiplier(node)?;
    let one = w.scalar("scale", 1.0);
    let x_zero = byte(w, "x_zero_point", operand_type(w, node, 0), op.x_zero);
    let y_zero = byte(w, "y_zero_point", y.dtype, y.zero_point);
    let weight_zero = match &extras.weight_zero {
        Some(zero) => zero.clone(),
        // Scale and zero point of a weight have one shape.
        None => {
            let (outputs, dtype) = (w.shape(node, 1)[0], element_type(operand_type(w, node, 1)));
            w.constant("weight_zero_point", &[outputs], dtype, vec![0; outputs])
        }
    };
    let mut operands: Vec<&str> = vec![&x[0], &one, &x_zero, &x[1], &by, &weight_zero, &one, &y_zero];
    operands.extend(extras.bias.as_deref());
    let attributes = window(w, node, &op.conv);
    let y_name = w.emit("QLinearConv", &operands, attributes);
    if is_whole(y) {
        return Ok(y_name);
    }
    let (low, high) = (byte(w, "low", y.dtype, y.low), byte(w, "high", y.dtype, y.high));
    Ok(w.emit("Clip", &[&y_name, &low, &high], vec![]))
}

/// The sums themselves.
fn sums(w: &mut Writer<'_>, node: &Node, op: &QConv2d, extras: &Extras, x: &[String]) -> Result<String> {
    let x_zero = byte(w, "x_zero_point", operand_type(w, node, 0), op.x_zero);
    let mut operands: Vec<&str> = vec![&x[0], &x[1], &x_zero];
    operands.extend(extras.weight_zero.as_deref());
    let attributes = window(w, node, &op.conv);
    let y = w.emit("ConvInteger", &operands, attributes);
    let Some(bias) = &extras.bias else { return Ok(y) };
    let outputs = w.shape(node, 1)[0];
    let bias = super::movement::reshape(w, bias, &[1, outputs, 1, 1]);
    Ok(w.emit("Add", &[&y, &bias], vec![]))
}

/// With another tensor added before sums are rounded: a convolution of real numbers.
fn added(
    w: &mut Writer<'_>,
    node: &Node,
    op: &QConv2d,
    y: &Steps,
    (extras, residual): (&Extras, Residual),
    x: &[String],
) -> Result<String> {
    let by = extras.multiplier(node)?;
    let image = real(w, node, 0, &x[0], (1.0, op.x_zero));
    let mut operands: Vec<&str> = vec![&x[1], &by];
    operands.extend(extras.weight_zero.as_deref());
    let weight = w.emit("DequantizeLinear", &operands, vec![int("axis", 0)]);
    let bias =
        extras.bias.as_ref().map(|bias| w.emit("DequantizeLinear", &[bias, &by], vec![int("axis", 0)]));
    let mut operands: Vec<&str> = vec![&image, &weight];
    operands.extend(bias.as_deref());
    let attributes = window(w, node, &op.conv);
    let sums = w.emit("Conv", &operands, attributes);
    let last = x.len() - 1;
    let other = real(w, node, last, &x[last], (residual.multiplier, residual.zero_point));
    let sum = w.emit("Add", &[&sums, &other], vec![]);
    Ok(bytes(w, &sum, y))
}

/// The scale of x by the result's, from the table of the multipliers of a mean.
fn mean_multiplier(w: &Writer<'_>, node: &Node, pool: &Pool2d) -> Result<f32> {
    let Some(constant) = &w.graph[node.inputs[1]].constant else {
        return Err(refuse(node, "its multipliers are computed at run time"));
    };
    let table = constant.to_vec::<f32>().map_err(|source| at_node(node, source))?;
    let multiplier = table.first().map_or(1.0, |first| first * pool.divisor_override.unwrap_or(1) as f32);
    if average_multipliers(pool, multiplier) == table {
        return Ok(multiplier);
    }
    Err(refuse(node, "its multipliers are not those of a mean"))
}
