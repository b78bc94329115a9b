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
    /// Numbers as elements of `dtype`: floats are rounded, or cut towards zero and held at the ends of an integer's range
    /// (NaN is 0); integers wrap around; what is not zero is true; floats of 8 bits and fewer are held at their ends.
    #[must_use]
    pub fn from_numbers(dtype: ElementType, numbers: &Numbers) -> Self {
        let codes = || numbers.floats().into_iter().map(|value| narrow::encode(dtype, value, true)).collect();
        macro_rules! cast {
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
        match dtype {
            ElementType::F32 => cast!(F32, f32),
            ElementType::F64 => cast!(F64, f64),
            ElementType::U8 => cast!(U8, u8),
            ElementType::I8 => cast!(I8, i8),
            ElementType::U16 => cast!(U16, u16),
            ElementType::I16 => cast!(I16, i16),
            ElementType::I32 => cast!(I32, i32),
            ElementType::I64 => cast!(I64, i64),
            ElementType::U32 => cast!(U32, u32),
            ElementType::U64 => cast!(U64, u64),
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

/// Elements wide enough to compute with: what is stored is rounded once, from these.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Of a floating-point type.
    Floats(Vec<f64>),
    /// Of an integer type, or 0 and 1.
    Integers(Vec<i128>),
}

impl Numbers {
    /// How the numbers at two places lie to each other, in all their digits; a NaN of positive sign is above all.
    pub(crate) fn order(&self, left: usize, right: usize) -> Ordering {
        match self {
            Self::Floats(values) => values[left].total_cmp(&values[right]),
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
        assert_eq!(Data::from_numbers(ElementType::I8, &floats), Data::I8(vec![-1, 127, 0]));
        assert_eq!(
            Data::from_numbers(ElementType::U8, &Numbers::Integers(vec![257, -1])),
            Data::U8(vec![1, 255])
        );
        assert_eq!(
            Data::from_numbers(ElementType::Bool, &Numbers::Floats(vec![0.5])),
            Data::Bool(vec![true])
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
