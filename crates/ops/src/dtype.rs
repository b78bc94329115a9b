//! Element types.

use std::fmt;

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum DType {
    /// IEEE 754 binary32, the default.
    #[default]
    F32,
    /// IEEE 754 binary16: a storage type, sums are kept in f32.
    F16,
    /// Two's complement 32-bit integer: labels and indices.
    I32,
    /// Unsigned 32-bit integer: random bits, packed bytes.
    U32,
    /// Two's complement 8-bit integer: quantised numbers.
    I8,
    /// Unsigned 8-bit integer: quantised numbers, pixels.
    U8,
}

impl DType {
    /// Every element type, for tables and tests.
    pub const ALL: [Self; 6] = [Self::F32, Self::F16, Self::I32, Self::U32, Self::I8, Self::U8];

    /// Bytes per element.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    /// The name: `f32`, `f16`, `i32`, `u32`, `i8`, `u8`. WGSL calls the types of four and two bytes so; it has none of one
    /// byte, four of which lie in a word, the first one lowest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I8 => "i8",
            Self::U8 => "u8",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::DType;

    #[test]
    fn the_name_tells_the_size() {
        for dtype in DType::ALL {
            let bits: usize = dtype.name()[1..].parse().expect("a name is a letter and a number of bits");
            assert_eq!(bits, dtype.size() * 8, "{dtype}");
        }
    }
}
