//! A tensor in the host's memory.

use std::borrow::Cow;

use half::{bf16, f16};
use safetensors::Dtype;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{error::Error, error::Result};

/// A tensor in the host's memory.
#[derive(Clone, Debug, PartialEq)]
pub enum HostTensor {
    /// Numbers with their shape, row-major.
    F32(Vec<f32>, Vec<usize>),
    /// Whole numbers with their shape, row-major.
    I64(Vec<i64>, Vec<usize>),
}

impl HostTensor {
    /// The shape.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::F32(_, shape) | Self::I64(_, shape) => shape,
        }
    }

    /// The same on a device: f32, or i32 for whole numbers. `name` is for messages.
    ///
    /// # Errors
    /// [`Error::Int64`] for a whole number that i32 does not hold; a tensor's error if the shape has another count.
    pub fn upload(&self, context: &Context, name: &str) -> Result<Tensor> {
        match self {
            Self::F32(values, shape) => Ok(Tensor::from_slice(context, values, shape)?),
            Self::I64(values, shape) => Ok(Tensor::from_slice(context, &narrow_i64(name, values)?, shape)?),
        }
    }

    /// As f32, as parameters are kept; whole numbers beyond 2²⁴ are rounded.
    pub(crate) fn to_f32(&self) -> Cow<'_, [f32]> {
        match self {
            Self::F32(values, _) => Cow::Borrowed(values),
            Self::I64(values, _) => values.iter().map(|&value| value as f32).collect(),
        }
    }

    /// The first number as a whole one; 0 without any.
    pub(crate) fn first_i64(&self) -> i64 {
        match self {
            Self::I64(values, _) => values.first().copied().unwrap_or(0),
            Self::F32(values, _) => values.first().copied().unwrap_or(0.0) as i64,
        }
    }

    pub(super) fn bytes(&self) -> (Dtype, &[u8]) {
        match self {
            Self::F32(values, _) => (Dtype::F32, bytemuck::cast_slice(values)),
            Self::I64(values, _) => (Dtype::I64, bytemuck::cast_slice(values)),
        }
    }

    /// From a file's bytes, which `read` puts in place: f16, bf16 and f64 become f32, smaller whole numbers and truth values i64.
    pub(super) fn read(
        name: &str,
        dtype: Dtype,
        shape: &[usize],
        bytes: usize,
        read: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<Self> {
        // The numbers of a kind, read where they will stay.
        fn numbers<T: bytemuck::Pod>(
            bytes: usize,
            read: impl FnOnce(&mut [u8]) -> Result<()>,
        ) -> Result<Vec<T>> {
            let mut values = vec![T::zeroed(); bytes / size_of::<T>()];
            read(bytemuck::cast_slice_mut(&mut values))?;
            Ok(values)
        }
        let shape = shape.to_vec();
        Ok(match dtype {
            Dtype::F32 => Self::F32(numbers(bytes, read)?, shape),
            Dtype::F16 => {
                let bits = numbers::<u16>(bytes, read)?;
                Self::F32(bits.into_iter().map(|bits| f16::from_bits(bits).to_f32()).collect(), shape)
            }
            Dtype::BF16 => {
                let bits = numbers::<u16>(bytes, read)?;
                Self::F32(bits.into_iter().map(|bits| bf16::from_bits(bits).to_f32()).collect(), shape)
            }
            Dtype::F64 => {
                let values = numbers::<f64>(bytes, read)?;
                Self::F32(single(name, &values)?, shape)
            }
            Dtype::I64 => Self::I64(numbers(bytes, read)?, shape),
            Dtype::I32 => {
                let values = numbers::<i32>(bytes, read)?;
                Self::I64(values.into_iter().map(i64::from).collect(), shape)
            }
            Dtype::I16 => {
                let values = numbers::<i16>(bytes, read)?;
                Self::I64(values.into_iter().map(i64::from).collect(), shape)
            }
            Dtype::I8 => {
                let values = numbers::<i8>(bytes, read)?;
                Self::I64(values.into_iter().map(i64::from).collect(), shape)
            }
            Dtype::U8 | Dtype::BOOL => {
                let values = numbers::<u8>(bytes, read)?;
                Self::I64(values.into_iter().map(i64::from).collect(), shape)
            }
            other => return Err(Error::StateDictType { name: name.to_owned(), dtype: format!("{other:?}") }),
        })
    }
}

/// Numbers of 64 bits rounded to f32, as parameters are kept; none may leave its range.
fn single(name: &str, values: &[f64]) -> Result<Vec<f32>> {
    let narrow = |(index, &value): (usize, &f64)| {
        let rounded = value as f32;
        if rounded.is_infinite() && value.is_finite() {
            return Err(Error::Float64 { name: name.to_owned(), index, value });
        }
        Ok(rounded)
    };
    values.iter().enumerate().map(narrow).collect()
}

/// Whole numbers of 64 bits as the 32 bits that devices have, without loss.
///
/// # Errors
/// [`Error::Int64`] for the first that does not fit; `name` says whose it is.
pub fn narrow_i64(name: &str, values: &[i64]) -> Result<Vec<i32>> {
    let narrow = |(index, &value): (usize, &i64)| {
        i32::try_from(value).map_err(|_| Error::Int64 { name: name.to_owned(), index, value })
    };
    values.iter().enumerate().map(narrow).collect()
}
