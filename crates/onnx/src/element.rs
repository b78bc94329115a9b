//! Element types by their numbers in the format.

use std::fmt;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// IEEE 754 binary32.
    F32,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 8-bit integer.
    I8,
    /// Unsigned 16-bit integer.
    U16,
    /// Signed 16-bit integer.
    I16,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Truth value, one byte.
    Bool,
    /// IEEE 754 binary16.
    F16,
    /// IEEE 754 binary64.
    F64,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// The upper half of a binary32.
    BF16,
    /// 8 bits: 4 of exponent, 3 of mantissa, no infinity.
    F8E4M3FN,
    /// The same without a negative zero.
    F8E4M3FNUZ,
    /// 8 bits: 5 of exponent, 2 of mantissa.
    F8E5M2,
    /// The same without infinity and negative zero.
    F8E5M2FNUZ,
    /// Unsigned 4-bit integer.
    U4,
    /// Signed 4-bit integer.
    I4,
    /// 4 bits: 2 of exponent, 1 of mantissa.
    F4E2M1,
}

/// Names of the types that are not read, by number.
const OTHERS: [(i32, &str); 9] = [
    (0, "undefined"),
    (8, "string"),
    (14, "complex64"),
    (15, "complex128"),
    (24, "float8e8m0"),
    (25, "uint2"),
    (26, "int2"),
    (27, "float6e2m3"),
    (28, "float6e3m2"),
];

impl ElementType {
    /// Every type.
    pub const ALL: [Self; 20] = [
        Self::F32,
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::Bool,
        Self::F16,
        Self::F64,
        Self::U32,
        Self::U64,
        Self::BF16,
        Self::F8E4M3FN,
        Self::F8E4M3FNUZ,
        Self::F8E5M2,
        Self::F8E5M2FNUZ,
        Self::U4,
        Self::I4,
        Self::F4E2M1,
    ];

    /// Its number in `TensorProto.DataType`.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::F32 => 1,
            Self::U8 => 2,
            Self::I8 => 3,
            Self::U16 => 4,
            Self::I16 => 5,
            Self::I32 => 6,
            Self::I64 => 7,
            Self::Bool => 9,
            Self::F16 => 10,
            Self::F64 => 11,
            Self::U32 => 12,
            Self::U64 => 13,
            Self::BF16 => 16,
            Self::F8E4M3FN => 17,
            Self::F8E4M3FNUZ => 18,
            Self::F8E5M2 => 19,
            Self::F8E5M2FNUZ => 20,
            Self::U4 => 21,
            Self::I4 => 22,
            Self::F4E2M1 => 23,
        }
    }

    /// The type of that number, or the name of what is not read.
    ///
    /// # Errors
    /// The name in the specification, or `unknown`.
    pub fn from_number(number: i32) -> std::result::Result<Self, &'static str> {
        let known = Self::ALL.into_iter().find(|dtype| dtype.number() == number);
        known.ok_or_else(|| {
            OTHERS.iter().find(|(other, _)| *other == number).map_or("unknown", |(_, name)| name)
        })
    }

    /// Whether two elements share a byte of the file.
    #[must_use]
    pub const fn is_nibble(self) -> bool {
        matches!(self, Self::U4 | Self::I4 | Self::F4E2M1)
    }

    /// Bytes of `count` elements in a file.
    #[must_use]
    pub const fn bytes(self, count: usize) -> u128 {
        if self.is_nibble() { count.div_ceil(2) as u128 } else { count as u128 * self.size() as u128 }
    }

    /// Bytes of an element in memory.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool | Self::U4 | Self::I4 | Self::F4E2M1 => 1,
            Self::F8E4M3FN | Self::F8E4M3FNUZ | Self::F8E5M2 | Self::F8E5M2FNUZ => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::BF16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::I64 | Self::F64 | Self::U64 => 8,
        }
    }

    /// The specification's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "float",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::Bool => "bool",
            Self::F16 => "float16",
            Self::F64 => "double",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::BF16 => "bfloat16",
            Self::F8E4M3FN => "float8e4m3fn",
            Self::F8E4M3FNUZ => "float8e4m3fnuz",
            Self::F8E5M2 => "float8e5m2",
            Self::F8E5M2FNUZ => "float8e5m2fnuz",
            Self::U4 => "uint4",
            Self::I4 => "int4",
            Self::F4E2M1 => "float4e2m1",
        }
    }

    /// Whether it has a fraction.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::F64 | Self::BF16) || self.is_narrow_float()
    }

    /// Whether it is of floats of at most 8 bits.
    #[must_use]
    pub const fn is_narrow_float(self) -> bool {
        matches!(self, Self::F8E4M3FN | Self::F8E4M3FNUZ | Self::F8E5M2 | Self::F8E5M2FNUZ | Self::F4E2M1)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_specifications() {
        for (number, dtype) in [(1, ElementType::F32), (7, ElementType::I64), (9, ElementType::Bool)] {
            assert_eq!(ElementType::from_number(number), Ok(dtype));
        }
        for dtype in ElementType::ALL {
            assert_eq!(ElementType::from_number(dtype.number()), Ok(dtype));
        }
        assert_eq!(ElementType::from_number(8), Err("string"));
        assert_eq!(ElementType::from_number(-3), Err("unknown"));
    }
}
