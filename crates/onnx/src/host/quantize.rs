//! Quantisation of constants, so that a file whose weights alone are quantised runs in f32.

use super::call::Call;
use super::indices::around;
use crate::element::ElementType;
use crate::error::Result;
use crate::narrow;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor, Numbers};

/// Which scale belongs to which element: one for all, one for each place of an axis, or one for a block of such places.
struct Grid {
    inner: usize,
    extent: usize,
    /// Places of the axis that share a scale, and how many such blocks it has.
    block: usize,
    blocks: usize,
}

impl Grid {
    fn of(call: &Call, shape: &[usize], scale: &HostTensor) -> Result<Self> {
        let attributes = &call.node().attributes;
        let block = attributes.int("block_size", 0)?;
        let wrong =
            || call.node().wrong(format!("a scale of shape {:?} for a shape of {shape:?}", scale.shape()));
        if scale.count() == 1 && block == 0 {
            return Ok(Self { inner: 1, extent: 1, block: 1, blocks: 1 });
        }
        let axis = call.check(axis::one(attributes.int("axis", 1)?, shape.len()))?;
        let [_, extent, inner] = around(shape, axis);
        if block == 0 {
            if scale.shape() != [extent] {
                return Err(wrong());
            }
            return Ok(Self { inner, extent, block: 1, blocks: extent });
        }
        let block = usize::try_from(block)
            .map_err(|_| attributes.wrong("block_size", format!("is {block} and must be positive")))?;
        let mut expected = shape.to_vec();
        expected[axis] = extent.div_ceil(block);
        if scale.shape() != expected {
            return Err(wrong());
        }
        Ok(Self { inner, extent, block, blocks: expected[axis] })
    }

    /// The place of an element's scale.
    fn at(&self, element: usize) -> usize {
        if self.blocks == 1 && self.block == 1 {
            return 0;
        }
        let (behind, line) = (element % self.inner, element / self.inner);
        let place = line % self.extent;
        if self.block == 1 {
            return place;
        }
        (line / self.extent * self.blocks + place / self.block) * self.inner + behind
    }
}

/// (x − zero point) · scale, in f32, in the type of the scale. Of any size: weights are.
pub(super) fn dequantize(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, scale) = (call.operand(0)?, call.operand(1)?);
    let (grid, zeros) = (Grid::of(call, x.shape(), scale)?, zero_points(call, x.dtype(), scale)?);
    let scales = scale.to_f32();
    let from = |at: usize, value: f32| {
        let place = grid.at(at);
        (value - zeros.get(place).copied().unwrap_or(0) as f32) * scales[place]
    };
    macro_rules! integers {
        ($values:expr) => {
            // The difference of two numbers of 32 bits is exact in 64.
            $values
                .iter()
                .enumerate()
                .map(|(at, &value)| {
                    let place = grid.at(at);
                    (i64::from(value) - zeros.get(place).copied().unwrap_or(0)) as f32 * scales[place]
                })
                .collect()
        };
    }
    let values: Vec<f32> = match x.data() {
        Data::I8(values) => integers!(values),
        Data::U8(values) => integers!(values),
        Data::I16(values) => integers!(values),
        Data::U16(values) => integers!(values),
        Data::I32(values) => integers!(values),
        Data::I4(values) => integers!(values),
        Data::U4(values) => integers!(values),
        Data::F8E4M3FN(codes)
        | Data::F8E4M3FNUZ(codes)
        | Data::F8E5M2(codes)
        | Data::F8E5M2FNUZ(codes)
        | Data::F4E2M1(codes) => {
            codes.iter().enumerate().map(|(at, &code)| from(at, narrow::decode(x.dtype(), code))).collect()
        }
        _ => return Err(call.node().wrong(format!("{} is no type of quantised elements", x.dtype()))),
    };
    let dtype = output_type(call, scale.dtype())?;
    let data = match dtype {
        ElementType::F32 => Data::F32(values),
        other => Data::from_numbers(other, &Numbers::Floats(values.into_iter().map(f64::from).collect())),
    };
    Ok(vec![call.tensor(x.shape(), data)?])
}

/// round(x / scale) + zero point, half to even, held at the ends of its type, infinity too. NaN becomes the lowest number
/// of an integer type, as ONNX Runtime has it.
pub(super) fn quantize(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, scale) = (call.operand(0)?, call.operand(1)?);
    let default = call.constant(2)?.map_or(ElementType::U8, HostTensor::dtype);
    let dtype = output_type(call, default)?;
    let (grid, zeros) = (Grid::of(call, x.shape(), scale)?, zero_points(call, dtype, scale)?);
    let (values, scales) = (x.to_f32(), scale.to_f32());
    // Divided in f32, as all have it: 12.65 at a scale of 0.1 is 127, 126.5 would not be.
    let steps = values.iter().enumerate().map(|(at, &value)| value / scales[grid.at(at)]);
    if dtype.is_narrow_float() {
        let saturate = call.node().attributes.flag("saturate", true)?;
        let codes = steps.map(|step| narrow::encode(dtype, f64::from(step), saturate)).collect();
        return Ok(vec![call.tensor(x.shape(), coded(dtype, codes))?]);
    }
    let Some((low, high)) = range(dtype) else {
        return Err(call.node().wrong(format!("{dtype} is no type of quantised elements")));
    };
    let held = |(at, step): (usize, f32)| {
        if step.is_nan() {
            return low;
        }
        let whole = step.round_ties_even().clamp(-1e9, 1e9) as i64;
        i128::from(whole + zeros.get(grid.at(at)).copied().unwrap_or(0)).clamp(low, high)
    };
    let numbers = Numbers::Integers(steps.enumerate().map(held).collect());
    Ok(vec![call.tensor(x.shape(), Data::from_numbers(dtype, &numbers))?])
}

/// uint8 over the range of x and 0; the scale of zeros is 1, as ONNX Runtime has it.
pub(super) fn dynamic_quantize(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let values = x.to_f32();
    let (low, high) = values.iter().fold((0.0_f32, 0.0_f32), |(low, high), &x| (low.min(x), high.max(x)));
    let scale = if high == low { 1.0 } else { (high - low) / 255.0 };
    let zero = (-low / scale).clamp(0.0, 255.0).round_ties_even();
    let step = |x: &f32| ((x / scale).round_ties_even() + zero).clamp(0.0, 255.0) as u8;
    Ok(vec![
        call.tensor(x.shape(), Data::U8(values.iter().map(step).collect()))?,
        call.tensor(&[], Data::F32(vec![scale]))?,
        call.tensor(&[], Data::U8(vec![zero as u8]))?,
    ])
}

/// The zero points, in the shape of the scale; none if there are none. Those of floats are zero.
fn zero_points(call: &Call, dtype: ElementType, scale: &HostTensor) -> Result<Vec<i64>> {
    let Some(zeros) = call.constant(2)? else { return Ok(vec![]) };
    if zeros.dtype() != dtype || zeros.count() != scale.count() {
        let reason = format!(
            "zero points of {} {:?} for {dtype} and scales of shape {:?}",
            zeros.dtype(),
            zeros.shape(),
            scale.shape()
        );
        return Err(call.node().wrong(reason));
    }
    match zeros.data().numbers() {
        Numbers::Integers(values) => Ok(values.into_iter().map(|value| value as i64).collect()),
        Numbers::Floats(values) if values.iter().all(|&value| value == 0.0) => Ok(vec![]),
        Numbers::Floats(_) => Err(call.node().wrong(format!("a zero point of {dtype} that is not 0"))),
    }
}

/// The type that `output_dtype` names, or another if it is absent.
fn output_type(call: &Call, default: ElementType) -> Result<ElementType> {
    let attributes = &call.node().attributes;
    match attributes.int("output_dtype", 0)? {
        0 => Ok(default),
        number => {
            let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
            known.map_err(|name| attributes.wrong("output_dtype", format!("is {number} ({name})")))
        }
    }
}

/// The ends of a type of quantised integers.
fn range(dtype: ElementType) -> Option<(i128, i128)> {
    Some(match dtype {
        ElementType::I8 => (-128, 127),
        ElementType::U8 => (0, 255),
        ElementType::I16 => (-32_768, 32_767),
        ElementType::U16 => (0, 65_535),
        ElementType::I4 => (-8, 7),
        ElementType::U4 => (0, 15),
        _ => return None,
    })
}

/// Floats of at most 8 bits by their codes.
pub(super) fn coded(dtype: ElementType, codes: Vec<u8>) -> Data {
    match dtype {
        ElementType::F8E4M3FNUZ => Data::F8E4M3FNUZ(codes),
        ElementType::F8E5M2 => Data::F8E5M2(codes),
        ElementType::F8E5M2FNUZ => Data::F8E5M2FNUZ(codes),
        ElementType::F4E2M1 => Data::F4E2M1(codes),
        _ => Data::F8E4M3FN(codes),
    }
}
