//! What is computed with bytes by tables.

use tilewright_ops::{DType, Quantization, Steps, UnaryOp, quantized::ENTRIES};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{Graph, Node, Result};

/// The table by which bytes that stand for (number − zero) · scale become a function of them in steps of `scale` of the result: what
/// steps to real numbers, the function and steps back would give. Without a function the scale changes.
pub(crate) fn table(
    context: &Context,
    (x_type, x_scale, x_zero): (DType, f32, i32),
    function: &[UnaryOp],
    (y, scale): (Steps, f32),
) -> Result<Tensor> {
    let all: Vec<u8> = (0..ENTRIES).map(|entry| entry as u8).collect();
    let means = Quantization::per_tensor(x_scale, x_zero)?;
    let numbers = match x_type {
        DType::I8 => {
            let numbers: Vec<i8> = all.iter().map(|&entry| (entry ^ 0x80) as i8).collect();
            Tensor::from_slice(context, &numbers, &[ENTRIES])?
        }
        _ => Tensor::from_slice(context, &all, &[ENTRIES])?,
    };
    let mut real = numbers.with_quantization(means)?.dequantize()?;
    for &op in function {
        real = real.unary(op)?;
    }
    let bytes =
        real.quantize(&Quantization::per_tensor(scale, y.zero_point)?, y.dtype)?.without_quantization();
    if Some((y.low, y.high)) == Quantization::range(y.dtype) {
        return Ok(bytes);
    }
    Ok(match y.dtype {
        DType::I8 => {
            let (low, high) = (y.low as i8, y.high as i8);
            let clamped: Vec<i8> = bytes.to_vec::<i8>()?.iter().map(|&byte| byte.clamp(low, high)).collect();
            Tensor::from_slice(context, &clamped, &[ENTRIES])?
        }
        _ => {
            let (low, high) = (y.low as u8, y.high as u8);
            let clamped: Vec<u8> = bytes.to_vec::<u8>()?.iter().map(|&byte| byte.clamp(low, high)).collect();
            Tensor::from_slice(context, &clamped, &[ENTRIES])?
        }
    })
}

/// Of a resampling that takes one element for each place, as resizing to the nearest does: which ones, along both axes.
pub(crate) fn places(graph: &Graph, node: &Node) -> Result<Option<[Vec<i32>; 2]>> {
    let mut found = [vec![], vec![]];
    for (at, places) in found.iter_mut().enumerate() {
        let Some(table) = &graph[node.inputs[1 + at]].constant else { return Ok(None) };
        if table.shape().get(1) != Some(&1) {
            return Ok(None);
        }
        let entries = table.to_vec::<f32>()?;
        if entries.chunks(2).any(|entry| entry.get(1) != Some(&1.0)) {
            return Ok(None);
        }
        places.extend(entries.chunks(2).map(|entry| entry[0] as i32));
    }
    Ok(Some(found))
}
