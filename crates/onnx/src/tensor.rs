//! Tensors on the host: weights as the file holds them, and the values of shape arithmetic.

use std::cmp::Ordering;

use half::{bf16, f16};

use crate::element::ElementType;
use crate::narrow;

/// Elements of one type, in row-major order.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Data {
    F32(Vec<f32>),
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
    F16(Vec<f16>),
    F64(Vec<f64>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    BF16(Vec<bf16>),
    /// By its codes, as the other floats of at most 8 bits.
    F8E4M3FN(Vec<u8>),
    F8E4M3FNUZ(Vec<u8>),
    F8E5M2(Vec<u8>),
    F8E5M2FNUZ(Vec<u8>),
    U4(Vec<u8>),
    I4(Vec<i8>),
    F4E2M1(Vec<u8>),
}

impl Data {
    /// Numbers as elements of `dtype`. Integers wrap around, and what is not zero, NaN included, is true. Floats are rounded, or cut
    /// towards zero to an integer: through 32 bits to the types that these hold, else through 64. What does not fit those, and
    /// NaN, is their lowest number, −2³¹ or −2⁶³, of which a smaller type has the low bits: as on the device, and as ONNX Runtime
    /// and PyTorch have it on x86. Floats of 8 bits and fewer are held at their ends.
    #[must_use]
    pub fn from_numbers(dtype: ElementType, numbers: &Numbers) -> Self {
        let codes = || numbers.floats().into_iter().map(|value| narrow::encode(dtype, value, true)).collect();
        macro_rules! floats {
            ($kind:ident, $to:ty) => {
                match numbers {
                    Numbers::Floats(values) => {
                        Self::$kind(values.iter().map(|&value| value as $to).collect())
                    }
                    Numbers::Integers(values) => {
                        Self::$kind(values.iter().map(|&value| value as $to).collect())
                    }
                }
            };
        }
        macro_rules! integers {
            ($kind:ident, $to:ty, $cut:ident) => {
                match numbers {
                    Numbers::Floats(values) => {
                        Self::$kind(values.iter().map(|&value| $cut(value) as $to).collect())
                    }
                    Numbers::Integers(values) => {
                        Self::$kind(values.iter().map(|&value| value as $to).collect())
                    }
                }
            };
        }
        match dtype {
            ElementType::F32 => floats!(F32, f32),
            ElementType::F64 => floats!(F64, f64),
            ElementType::U8 => integers!(U8, u8, in_32_bits),
            ElementType::I8 => integers!(I8, i8, in_32_bits),
            ElementType::U16 => integers!(U16, u16, in_32_bits),
            ElementType::I16 => integers!(I16, i16, in_32_bits),
            ElementType::I32 => integers!(I32, i32, in_32_bits),
            ElementType::I64 => integers!(I64, i64, in_64_bits),
            ElementType::U32 => integers!(U32, u32, in_64_bits),
            ElementType::U64 => integers!(U64, u64, in_64_bits_without_sign),
            ElementType::F16 => Self::F16(numbers.floats().into_iter().map(f16::from_f64).collect()),
            ElementType::BF16 => Self::BF16(numbers.floats().into_iter().map(bf16::from_f64).collect()),
            ElementType::F8E4M3FN => Self::F8E4M3FN(codes()),
            ElementType::F8E4M3FNUZ => Self::F8E4M3FNUZ(codes()),
            ElementType::F8E5M2 => Self::F8E5M2(codes()),
            ElementType::F8E5M2FNUZ => Self::F8E5M2FNUZ(codes()),
            ElementType::F4E2M1 => Self::F4E2M1(codes()),
            ElementType::U4 => Self::U4(match numbers {
                Numbers::Floats(values) => values.iter().map(|&value| (value as u8).min(15)).collect(),
                Numbers::Integers(values) => values.iter().map(|&value| value as u8 & 15).collect(),
            }),
            ElementType::I4 => Self::I4(match numbers {
                Numbers::Floats(values) => values.iter().map(|&value| (value as i8).clamp(-8, 7)).collect(),
                Numbers::Integers(values) => values.iter().map(|&value| (value as i8) << 4 >> 4).collect(),
            }),
            ElementType::Bool => Self::Bool(match numbers {
                Numbers::Floats(values) => values.iter().map(|&value| value != 0.0).collect(),
                Numbers::Integers(values) => values.iter().map(|&value| value != 0).collect(),
            }),
        }
    }
}

/// A number cut towards zero; −2³¹ where it does not fit.
fn in_32_bits(value: f64) -> i32 {
    let fits = value > -2_147_483_649.0 && value < 2_147_483_648.0;
    if fits { value as i32 } else { i32::MIN }
}

/// A number cut towards zero; −2⁶³ where it does not fit.
fn in_64_bits(value: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    if fits { value as i64 } else { i64::MIN }
}

/// The same bits, and those of the numbers from 2⁶³ on as far as they fit.
fn in_64_bits_without_sign(value: f64) -> u64 {
    let half = 9_223_372_036_854_775_808.0;
    if value >= half {
        in_64_bits(value - half).cast_unsigned() ^ 1 << 63
    } else {
        in_64_bits(value).cast_unsigned()
    }
}

/// Elements wide enough to compute with: what is stored is rounded once, from these.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Of a floating-point type.
    Floats(Vec<f64>),
    /// Of an integer type, or 0 and 1.
    Integers(Vec<i128>),
}

impl Numbers {
    /// How the numbers at two places lie to each other, in all their digits; zeros are equal, and a NaN is above all.
    pub(crate) fn order(&self, left: usize, right: usize) -> Ordering {
        match self {
            Self::Floats(values) => {
                let (left, right) = (values[left], values[right]);
                left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
            }
            Self::Integers(values) => values[left].cmp(&values[right]),
        }
    }

    /// As floats.
    #[must_use]
    pub fn floats(&self) -> Vec<f64> {
        match self {
            Self::Floats(values) => values.clone(),
            Self::Integers(values) => values.iter().map(|&value| value as f64).collect(),
        }
    }
}

/// A tensor on the host: as many elements as its shape says.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    shape: Vec<usize>,
    data: Data,
}

impl HostTensor {
    /// A tensor, or the data again if they do not fill the shape.
    ///
    /// # Errors
    /// The data.
    pub fn new(shape: &[usize], data: Data) -> std::result::Result<Self, Data> {
        match element_count(shape) {
            Some(count) if count == data.len() => Ok(Self { shape: shape.to_vec(), data }),
            _ => Err(data),
        }
    }

    /// A tensor of one axis.
    #[must_use]
    pub fn vector(data: Data) -> Self {
        Self { shape: vec![data.len()], data }
    }

    /// A vector of int64, as shapes are.
    #[must_use]
    pub fn integers(values: &[i64]) -> Self {
        Self::vector(Data::I64(values.to_vec()))
    }

    /// Its extents.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its elements.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Its element type.
    #[must_use]
    pub fn dtype(&self) -> ElementType {
        self.data.dtype()
    }

    /// How many elements it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.data.len()
    }

    /// The elements as f32: exact from f16, bf16 and small integers, rounded from the others.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            Data::F32(values) => values.clone(),
            Data::F16(values) => values.iter().map(|value| value.to_f32()).collect(),
            Data::BF16(values) => values.iter().map(|value| value.to_f32()).collect(),
            other => match other.numbers() {
                Numbers::Floats(values) => values.iter().map(|&value| value as f32).collect(),
                Numbers::Integers(values) => values.iter().map(|&value| value as f32).collect(),
            },
        }
    }

    /// The elements as i64 if they are integers, and fit.
    #[must_use]
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        match &self.data {
            Data::I64(values) => Some(values.clone()),
            other => match other.numbers() {
                Numbers::Floats(_) => None,
                Numbers::Integers(values) => {
                    values.into_iter().map(|value| i64::try_from(value).ok()).collect()
                }
            },
        }
    }

    /// The first element, if it is a whole number, whatever its type.
    #[must_use]
    pub(crate) fn whole(&self) -> Option<i64> {
        match self.data.numbers() {
            Numbers::Integers(values) => i64::try_from(*values.first()?).ok(),
            // Beyond 2⁵³ not every whole number is an f64.
            Numbers::Floats(values) => values
                .first()
                .filter(|value| value.fract() == 0.0 && value.abs() < 9e15)
                .map(|&value| value as i64),
        }
    }

    /// The same elements under a shape of as many.
    #[must_use]
    pub(crate) fn with_shape(self, shape: Vec<usize>) -> Option<Self> {
        (element_count(&shape) == Some(self.count())).then_some(Self { shape, data: self.data })
    }
}

/// The product of the extents, if memory could hold so many.
#[must_use]
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    // An extent of zero does not excuse the others, as in the engine's own rule.
    let most = shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent.max(1)))?;
    isize::try_from(most).ok()?;
    Some(if shape.contains(&0) { 0 } else { most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_through_every_type() {
        for dtype in ElementType::ALL {
            let data = Data::from_numbers(dtype, &Numbers::Integers(vec![0, 1]));
            assert_eq!(data.dtype(), dtype);
            assert_eq!(data.numbers().floats(), [0.0, 1.0], "{dtype}");
            assert_eq!(data.take(&[1, 0, 1]).numbers().floats(), [1.0, 0.0, 1.0], "{dtype}");
        }
    }

    #[test]
    fn floats_are_cut_and_integers_wrap() {
        let floats = Numbers::Floats(vec![-1.7, 300.0, f64::NAN]);
        assert_eq!(Data::from_numbers(ElementType::I8, &floats), Data::I8(vec![-1, 44, 0]));
        assert_eq!(
            Data::from_numbers(ElementType::U8, &Numbers::Integers(vec![257, -1])),
            Data::U8(vec![1, 255])
        );
        assert_eq!(
            Data::from_numbers(ElementType::Bool, &Numbers::Floats(vec![0.5])),
            Data::Bool(vec![true])
        );
    }

    /// ONNX Runtime 1.23 on x86: `Cast` of these doubles. 300 to int8 is 44, NaN to int32 −2³¹.
    #[test]
    fn floats_that_do_not_fit() {
        let floats = Numbers::Floats(vec![3e9, -3e9, f64::INFINITY, f64::NAN, -2_147_483_648.5, -1.0, 1e19]);
        let cast = |dtype| Data::from_numbers(dtype, &floats);
        let least = i32::MIN;
        assert_eq!(cast(ElementType::I32), Data::I32(vec![least, least, least, least, least, -1, least]));
        assert_eq!(cast(ElementType::U8), Data::U8(vec![0, 0, 0, 0, 0, 255, 0]));
        assert_eq!(cast(ElementType::I16), Data::I16(vec![0, 0, 0, 0, 0, -1, 0]));
        let wide = vec![3_000_000_000, -3_000_000_000, i64::MIN, i64::MIN, -2_147_483_648, -1, i64::MIN];
        assert_eq!(cast(ElementType::I64), Data::I64(wide.clone()));
        assert_eq!(cast(ElementType::U32), Data::U32(wide.iter().map(|&value| value as u32).collect()));
        let mut unsigned: Vec<u64> = wide.into_iter().map(i64::cast_unsigned).collect();
        (unsigned[2], unsigned[6]) = (0, 10_000_000_000_000_000_000);
        assert_eq!(cast(ElementType::U64), Data::U64(unsigned));
        assert_eq!(
            Data::from_numbers(ElementType::Bool, &Numbers::Floats(vec![f64::NAN, -0.0])),
            Data::Bool(vec![true, false])
        );
    }

    #[test]
    fn data_must_fill_the_shape() {
        assert!(HostTensor::new(&[2, 2], Data::I64(vec![1, 2, 3])).is_err());
        assert!(HostTensor::new(&[usize::MAX, 4], Data::I64(vec![])).is_err());
        assert!(HostTensor::new(&[0, 7], Data::I64(vec![])).is_ok());
        assert_eq!(HostTensor::new(&[], Data::F32(vec![3.0])).map(|scalar| scalar.count()), Ok(1));
    }
}
