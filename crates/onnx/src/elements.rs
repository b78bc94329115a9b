//! What is asked of elements whatever their type is.

use crate::element::ElementType;
use crate::narrow;
use crate::tensor::{Data, Numbers};

/// Runs `$body` with `$values` bound to the vector, whatever its type.
macro_rules! each {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            Data::F32($values) => $body,
            Data::U8($values) => $body,
            Data::I8($values) => $body,
            Data::U16($values) => $body,
            Data::I16($values) => $body,
            Data::I32($values) => $body,
            Data::I64($values) => $body,
            Data::Bool($values) => $body,
            Data::F16($values) => $body,
            Data::F64($values) => $body,
            Data::U32($values) => $body,
            Data::U64($values) => $body,
            Data::BF16($values) => $body,
            Data::F8E4M3FN($values) => $body,
            Data::F8E4M3FNUZ($values) => $body,
            Data::F8E5M2($values) => $body,
            Data::F8E5M2FNUZ($values) => $body,
            Data::U4($values) => $body,
            Data::I4($values) => $body,
            Data::F4E2M1($values) => $body,
        }
    };
}

impl Data {
    /// The type of the elements.
    #[must_use]
    pub const fn dtype(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::U8(_) => ElementType::U8,
            Self::I8(_) => ElementType::I8,
            Self::U16(_) => ElementType::U16,
            Self::I16(_) => ElementType::I16,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
            Self::Bool(_) => ElementType::Bool,
            Self::F16(_) => ElementType::F16,
            Self::F64(_) => ElementType::F64,
            Self::U32(_) => ElementType::U32,
            Self::U64(_) => ElementType::U64,
            Self::BF16(_) => ElementType::BF16,
            Self::F8E4M3FN(_) => ElementType::F8E4M3FN,
            Self::F8E4M3FNUZ(_) => ElementType::F8E4M3FNUZ,
            Self::F8E5M2(_) => ElementType::F8E5M2,
            Self::F8E5M2FNUZ(_) => ElementType::F8E5M2FNUZ,
            Self::U4(_) => ElementType::U4,
            Self::I4(_) => ElementType::I4,
            Self::F4E2M1(_) => ElementType::F4E2M1,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements at `indices`, which are below [`Self::len`], in their order.
    #[must_use]
    pub fn take(&self, indices: &[usize]) -> Self {
        macro_rules! taken {
            ($($kind:ident),*) => {
                match self { $(Self::$kind(values) => Self::$kind(indices.iter().map(|&at| values[at]).collect()),)* }
            };
        }
        taken!(
            F32, U8, I8, U16, I16, I32, I64, Bool, F16, F64, U32, U64, BF16, F8E4M3FN, F8E4M3FNUZ, F8E5M2,
            F8E5M2FNUZ, U4, I4, F4E2M1
        )
    }

    /// The elements as a file has them: little endian, two of 4 bits in a byte.
    #[must_use]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        macro_rules! little {
            ($values:expr) => {
                $values.iter().flat_map(|value| value.to_le_bytes()).collect()
            };
        }
        match self {
            Self::F32(values) => little!(values),
            Self::F64(values) => little!(values),
            Self::F16(values) => little!(values),
            Self::BF16(values) => little!(values),
            Self::U16(values) => little!(values),
            Self::I16(values) => little!(values),
            Self::U32(values) => little!(values),
            Self::I32(values) => little!(values),
            Self::U64(values) => little!(values),
            Self::I64(values) => little!(values),
            Self::I8(values) => little!(values),
            Self::Bool(values) => values.iter().map(|&value| u8::from(value)).collect(),
            Self::U8(bytes)
            | Self::F8E4M3FN(bytes)
            | Self::F8E4M3FNUZ(bytes)
            | Self::F8E5M2(bytes)
            | Self::F8E5M2FNUZ(bytes) => bytes.clone(),
            Self::U4(codes) | Self::F4E2M1(codes) => paired(codes.iter().copied()),
            Self::I4(values) => paired(values.iter().map(|&value| value as u8 & 15)),
        }
    }

    /// The elements as numbers.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        macro_rules! integers {
            ($values:expr) => {
                Numbers::Integers($values.iter().map(|&value| i128::from(value)).collect())
            };
        }
        macro_rules! floats {
            ($values:expr) => {
                Numbers::Floats($values.iter().map(|&value| f64::from(value)).collect())
            };
        }
        match self {
            Self::F32(values) => floats!(values),
            Self::F16(values) => floats!(values),
            Self::BF16(values) => floats!(values),
            Self::F64(values) => Numbers::Floats(values.clone()),
            Self::U8(values) => integers!(values),
            Self::I8(values) => integers!(values),
            Self::U16(values) => integers!(values),
            Self::I16(values) => integers!(values),
            Self::I32(values) => integers!(values),
            Self::I64(values) => integers!(values),
            Self::U32(values) => integers!(values),
            Self::U64(values) => integers!(values),
            Self::Bool(values) => integers!(values),
            Self::U4(values) => integers!(values),
            Self::I4(values) => integers!(values),
            Self::F8E4M3FN(codes)
            | Self::F8E4M3FNUZ(codes)
            | Self::F8E5M2(codes)
            | Self::F8E5M2FNUZ(codes)
            | Self::F4E2M1(codes) => {
                let dtype = self.dtype();
                Numbers::Floats(codes.iter().map(|&code| f64::from(narrow::decode(dtype, code))).collect())
            }
        }
    }
}

/// Two codes of 4 bits in a byte, the first one low.
fn paired(codes: impl Iterator<Item = u8>) -> Vec<u8> {
    let codes: Vec<u8> = codes.collect();
    codes.chunks(2).map(|pair| pair[0] | pair.get(1).map_or(0, |high| high << 4)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;

    #[test]
    fn bytes_come_back() {
        for dtype in ElementType::ALL {
            let data = Data::from_numbers(dtype, &Numbers::Integers(vec![0, 1, 1]));
            let bytes = data.bytes();
            assert_eq!(bytes.len() as u128, dtype.bytes(3), "{dtype}");
            assert_eq!(decode::from_bytes(dtype, &bytes, 3), data, "{dtype}");
        }
    }
}
