//! `TensorProto` to [`HostTensor`]: the type, the extents and the length of the data are checked before anything is made.

use half::{bf16, f16};
use prost::Message;

use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::external::External;
use crate::proto::TensorProto;
use crate::tensor::{Data, HostTensor, element_count};

impl HostTensor {
    /// Reads a tensor that is a file of its own (a `TensorProto`, as in ONNX test data), with its name.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_proto_bytes(bytes: &[u8]) -> Result<(String, Self)> {
        let what = || "the tensor".to_owned();
        let proto = TensorProto::decode(bytes).map_err(|source| Error::Decode { what: what(), source })?;
        let name = proto.name.clone();
        Ok((name, tensor(&what(), proto, &External::nowhere())?))
    }
}

/// The element type of a number in the file.
pub(crate) fn element_type(tensor: &str, number: i32) -> Result<ElementType> {
    ElementType::from_number(number).map_err(|name| Error::ElementType {
        tensor: tensor.to_owned(),
        number,
        name,
    })
}

/// Extents as a shape.
fn shape(tensor: &str, dims: &[i64]) -> Result<Vec<usize>> {
    let shape: Option<Vec<usize>> = dims.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    shape
        .filter(|shape| element_count(shape).is_some())
        .ok_or_else(|| Error::Dims { tensor: tensor.to_owned(), dims: dims.to_vec() })
}

/// A tensor of the file; `place` names it in errors, `external` finds data that lie beside the model.
pub(crate) fn tensor(place: &str, proto: TensorProto, external: &External) -> Result<HostTensor> {
    let dtype = element_type(place, proto.data_type)?;
    let shape = shape(place, &proto.dims)?;
    let count = element_count(&shape).unwrap_or(0);
    let bytes = dtype.bytes(count);
    let wrong = |expected: String, found: String| Error::DataLength {
        tensor: place.to_owned(),
        shape: shape.clone(),
        dtype,
        expected,
        found,
    };
    let raw = if proto.data_location == 1 {
        let found = external.read(place, &proto.external_data, bytes)?;
        Some(found)
    } else if proto.raw_data.is_empty() {
        None
    } else {
        Some(proto.raw_data)
    };
    let data = if let Some(raw) = raw {
        if raw.len() as u128 != bytes {
            return Err(wrong(format!("{bytes} bytes"), format!("{} bytes", raw.len())));
        }
        from_bytes(dtype, &raw, count)
    } else {
        let narrow = Narrow { tensor: place, dtype };
        let data = match dtype {
            ElementType::F32 => Data::F32(proto.float_data),
            ElementType::F64 => Data::F64(proto.double_data),
            ElementType::I64 => Data::I64(proto.int64_data),
            ElementType::U64 => Data::U64(proto.uint64_data),
            ElementType::U32 => Data::U32(narrow.all(proto.uint64_data)?),
            ElementType::I32 => Data::I32(proto.int32_data),
            ElementType::U8 => Data::U8(narrow.all(proto.int32_data)?),
            ElementType::I8 => Data::I8(narrow.all(proto.int32_data)?),
            ElementType::U16 => Data::U16(narrow.all(proto.int32_data)?),
            ElementType::I16 => Data::I16(narrow.all(proto.int32_data)?),
            ElementType::Bool => Data::Bool(proto.int32_data.into_iter().map(|value| value != 0).collect()),
            ElementType::F16 => {
                Data::F16(narrow.all(proto.int32_data)?.into_iter().map(f16::from_bits).collect())
            }
            // Their bytes, one in each number.
            ElementType::F8E4M3FN
            | ElementType::F8E4M3FNUZ
            | ElementType::F8E5M2
            | ElementType::F8E5M2FNUZ
            | ElementType::U4
            | ElementType::I4
            | ElementType::F4E2M1 => {
                let codes: Vec<u8> =
                    narrow.all(proto.int32_data.into_iter().map(|code| code & 255).collect())?;
                if codes.len() as u128 != bytes {
                    return Err(wrong(format!("{bytes} bytes"), format!("{} bytes", codes.len())));
                }
                from_bytes(dtype, &codes, count)
            }
            ElementType::BF16 => {
                Data::BF16(narrow.all(proto.int32_data)?.into_iter().map(bf16::from_bits).collect())
            }
        };
        if data.len() != count {
            return Err(wrong(format!("{count} elements"), format!("{} elements", data.len())));
        }
        data
    };
    HostTensor::new(&shape, data)
        .map_err(|data| wrong(format!("{count} elements"), format!("{} elements", data.len())))
}

/// Numbers of a wider field as elements, none of which may be beyond their type.
struct Narrow<'a> {
    tensor: &'a str,
    dtype: ElementType,
}

impl Narrow<'_> {
    fn all<W: Copy + Into<i128>, E: TryFrom<W>>(&self, values: Vec<W>) -> Result<Vec<E>> {
        let narrow = |value: W| {
            E::try_from(value).map_err(|_| Error::Range {
                place: self.tensor.to_owned(),
                dtype: self.dtype,
                value: value.into(),
                held: "its type",
            })
        };
        values.into_iter().map(narrow).collect()
    }
}

/// Little-endian elements; a remainder is dropped, which the caller has excluded.
pub(crate) fn from_bytes(dtype: ElementType, bytes: &[u8], count: usize) -> Data {
    macro_rules! read {
        ($kind:ident, $type:ty, $size:literal) => {
            Data::$kind(
                bytes.as_chunks::<$size>().0.iter().map(|chunk| <$type>::from_le_bytes(*chunk)).collect(),
            )
        };
    }
    match dtype {
        ElementType::F32 => read!(F32, f32, 4),
        ElementType::F64 => read!(F64, f64, 8),
        ElementType::I64 => read!(I64, i64, 8),
        ElementType::U64 => read!(U64, u64, 8),
        ElementType::I32 => read!(I32, i32, 4),
        ElementType::U32 => read!(U32, u32, 4),
        ElementType::I16 => read!(I16, i16, 2),
        ElementType::U16 => read!(U16, u16, 2),
        ElementType::F16 => read!(F16, f16, 2),
        ElementType::BF16 => read!(BF16, bf16, 2),
        ElementType::F8E4M3FN => Data::F8E4M3FN(bytes.to_vec()),
        ElementType::F8E4M3FNUZ => Data::F8E4M3FNUZ(bytes.to_vec()),
        ElementType::F8E5M2 => Data::F8E5M2(bytes.to_vec()),
        ElementType::F8E5M2FNUZ => Data::F8E5M2FNUZ(bytes.to_vec()),
        ElementType::U4 => Data::U4(nibbles(bytes, count)),
        ElementType::I4 => {
            Data::I4(nibbles(bytes, count).into_iter().map(|code| (code << 4) as i8 >> 4).collect())
        }
        ElementType::F4E2M1 => Data::F4E2M1(nibbles(bytes, count)),
        ElementType::U8 => Data::U8(bytes.to_vec()),
        ElementType::I8 => Data::I8(bytes.iter().map(|&byte| byte as i8).collect()),
        ElementType::Bool => Data::Bool(bytes.iter().map(|&byte| byte != 0).collect()),
    }
}

/// Two elements of a byte, the lower one first.
fn nibbles(bytes: &[u8], count: usize) -> Vec<u8> {
    bytes.iter().flat_map(|&byte| [byte & 15, byte >> 4]).take(count).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(proto: TensorProto) -> Result<HostTensor> {
        tensor("tensor `t`", proto, &External::nowhere())
    }

    fn named(data_type: ElementType, dims: &[i64]) -> TensorProto {
        TensorProto { data_type: data_type.number(), dims: dims.to_vec(), ..TensorProto::default() }
    }

    #[test]
    fn every_field_is_read() {
        let half = f16::from_f32(1.5).to_bits();
        let cases = [
            (TensorProto { float_data: vec![1.5], ..named(ElementType::F32, &[1]) }, Data::F32(vec![1.5])),
            (TensorProto { double_data: vec![1.5], ..named(ElementType::F64, &[1]) }, Data::F64(vec![1.5])),
            (TensorProto { int64_data: vec![-2], ..named(ElementType::I64, &[1]) }, Data::I64(vec![-2])),
            (TensorProto { uint64_data: vec![7], ..named(ElementType::U32, &[1]) }, Data::U32(vec![7])),
            (TensorProto { int32_data: vec![-7], ..named(ElementType::I8, &[1]) }, Data::I8(vec![-7])),
            (TensorProto { int32_data: vec![2], ..named(ElementType::Bool, &[1]) }, Data::Bool(vec![true])),
            (
                TensorProto { int32_data: vec![i32::from(half)], ..named(ElementType::F16, &[1]) },
                Data::F16(vec![f16::from_f32(1.5)]),
            ),
            (
                TensorProto { raw_data: vec![1, 0, 255, 255], ..named(ElementType::I16, &[2]) },
                Data::I16(vec![1, -1]),
            ),
        ];
        for (proto, expected) in cases {
            assert_eq!(decode(proto).unwrap().data(), &expected);
        }
    }

    #[test]
    fn sizes_that_lie_are_refused_before_memory_is_asked_for() {
        let huge = named(ElementType::F32, &[1 << 40, 1 << 40]);
        assert!(matches!(decode(huge), Err(Error::Dims { .. })));
        assert!(matches!(decode(named(ElementType::F32, &[-1])), Err(Error::Dims { .. })));
        let short = TensorProto { raw_data: vec![0; 7], ..named(ElementType::F32, &[2]) };
        assert!(matches!(decode(short), Err(Error::DataLength { .. })));
        let large = TensorProto { float_data: vec![0.0; 3], ..named(ElementType::F32, &[1 << 40]) };
        assert!(matches!(decode(large), Err(Error::DataLength { .. })));
        assert!(matches!(decode(named(ElementType::F32, &[2])), Err(Error::DataLength { .. })));
    }

    #[test]
    fn values_beyond_their_type_are_refused() {
        let cases = [
            TensorProto { uint64_data: vec![1 << 32], ..named(ElementType::U32, &[1]) },
            TensorProto { int32_data: vec![256], ..named(ElementType::U8, &[1]) },
            TensorProto { int32_data: vec![-129], ..named(ElementType::I8, &[1]) },
            TensorProto { int32_data: vec![1 << 16], ..named(ElementType::F16, &[1]) },
        ];
        for proto in cases {
            assert!(matches!(decode(proto), Err(Error::Range { .. })));
        }
    }

    #[test]
    fn a_type_that_is_not_read_is_named() {
        let message = decode(TensorProto { data_type: 8, ..TensorProto::default() }).unwrap_err().to_string();
        assert!(message.contains("string") && message.contains("`t`"), "{message}");
    }
}
