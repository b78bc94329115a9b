//! A tensor's elements in the host's memory, in the type that the file has.

use half::{bf16, f16};
use tilewright_nn::HostTensor;

use crate::{element::Element, error::Fault};

/// A tensor in the host's memory: elements of the file's own type, row-major, little-endian.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The type of its elements.
    pub element: Element,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements: their number times [`Element::size`] bytes.
    pub bytes: Vec<u8>,
}

impl Array {
    /// The array with f64 rounded to f32; others as they are. `name` is for messages.
    ///
    /// # Errors
    /// [`Fault::Tensor`] for the first finite number that f32 cannot hold.
    pub fn narrowed(self, name: &str) -> Result<Self, Fault> {
        if self.element != Element::F64 {
            return Ok(self);
        }
        let mut bytes = Vec::with_capacity(self.bytes.len() / 2);
        for (index, value) in numbers(&self.bytes).map(f64::from_le_bytes).enumerate() {
            bytes.extend(single(name, index, value)?.to_le_bytes());
        }
        Ok(Self { element: Element::F32, shape: self.shape, bytes })
    }

    /// As modules load it: f32, or i64 for whole numbers and truth values. `name` is for messages.
    ///
    /// # Errors
    /// [`Fault::Tensor`] for the first number that those do not hold.
    pub fn to_host(&self, name: &str) -> Result<HostTensor, Fault> {
        let (bytes, shape) = (&self.bytes[..], self.shape.clone());
        macro_rules! whole {
            ($kind:ty) => {
                HostTensor::I64(
                    numbers(bytes).map(|one| i64::from(<$kind>::from_le_bytes(one))).collect(),
                    shape,
                )
            };
        }
        Ok(match self.element {
            Element::F64 => {
                let values = numbers(bytes).map(f64::from_le_bytes).enumerate();
                let values = values.map(|(index, value)| single(name, index, value));
                HostTensor::F32(values.collect::<Result<_, _>>()?, shape)
            }
            Element::F32 => HostTensor::F32(numbers(bytes).map(f32::from_le_bytes).collect(), shape),
            Element::F16 => {
                HostTensor::F32(numbers(bytes).map(|one| f16::from_le_bytes(one).to_f32()).collect(), shape)
            }
            Element::BF16 => {
                HostTensor::F32(numbers(bytes).map(|one| bf16::from_le_bytes(one).to_f32()).collect(), shape)
            }
            Element::I64 => whole!(i64),
            Element::I32 => whole!(i32),
            Element::I16 => whole!(i16),
            Element::I8 => whole!(i8),
            Element::U32 => whole!(u32),
            Element::U16 => whole!(u16),
            Element::U8 | Element::Bool => whole!(u8),
            Element::U64 => {
                let narrow = |(index, value): (usize, u64)| {
                    i64::try_from(value).map_err(|_| Fault::Tensor {
                        name: name.to_owned(),
                        reason: format!("element {index} is {value}, which 64 bits with a sign do not hold"),
                    })
                };
                let values = numbers(bytes).map(u64::from_le_bytes).enumerate();
                HostTensor::I64(values.map(narrow).collect::<Result<_, _>>()?, shape)
            }
        })
    }
}

/// The elements of `N` bytes each.
fn numbers<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

fn single(name: &str, index: usize, value: f64) -> Result<f32, Fault> {
    let rounded = value as f32;
    if rounded.is_infinite() && value.is_finite() {
        let reason = format!("element {index} is {value:e}; weights are kept as f32, −3.4e38 to 3.4e38");
        return Err(Fault::Tensor { name: name.to_owned(), reason });
    }
    Ok(rounded)
}
