//! Which matrices the kernels are specialised for: the device's, of either size, or emulated ones.

use tilewright_ops::DType;
use tilewright_shaders::Specialisation;

use super::device::{Cooperative, Device};

/// What keeps kernels for cooperative matrices from a device without them.
pub(crate) const ABSENT: &str =
    "the device has no cooperative matrices of 16 × 16 or 8 × 8 f16 with f32 sums";

/// Which matrices a kernel for cooperative ones multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrices {
    /// The device's.
    Device {
        /// Their rows and columns: 16, or 8.
        edge: u32,
    },
    /// Sums of a thread, factors read from workgroup memory: for tests.
    Emulated(Emulation),
}

/// Matrices that a thread computes itself, so that the kernels for cooperative ones run on any device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Emulation {
    /// Rows and columns of a matrix: 16, or 8.
    pub edge: u32,
    /// Matrices a side for each subgroup.
    pub squares: u32,
    /// Step along the sum: 16 or 32.
    pub tile_k: u32,
}

impl Emulation {
    /// What is wrong with the numbers, if anything is.
    pub(crate) fn obstacle(self) -> Option<&'static str> {
        let Self { edge, squares, tile_k } = self;
        // A thread loads whole vec4s of a tile.
        let rows = edge.saturating_mul(squares);
        let whole = rows.is_multiple_of(256 / tile_k.max(1)) && (1..=64).contains(&rows);
        let known = [8, 16].contains(&edge) && [16, 32].contains(&tile_k) && whole;
        (!known).then_some(
            "matrices are of 16 × 16 or 8 × 8, steps of 16 or 32, and rows of a subgroup at most 64 and a multiple of \
             256 divided by the step",
        )
    }
}

impl Matrices {
    /// The device's own, as far as they are known.
    pub(crate) fn of(device: &Device) -> Self {
        match device.cooperative {
            Cooperative::Present { edge, .. } => Self::Device { edge },
            // An algorithm for them has an obstacle then, and is not run.
            Cooperative::Absent => Self::Device { edge: 16 },
        }
    }

    /// Rows and columns of a matrix.
    pub(crate) const fn edge(self) -> u32 {
        match self {
            Self::Device { edge } | Self::Emulated(Emulation { edge, .. }) => edge,
        }
    }

    pub(crate) fn specialise(self, kernel: Specialisation) -> Specialisation {
        let kernel = match self {
            Self::Device { edge: 8 } => kernel.with_fragment("cooperative", "simdgroup"),
            Self::Device { .. } => kernel,
            Self::Emulated(_) => kernel.with_fragment("cooperative", "emulated"),
        };
        // One kernel is for matrices of 16 × 16 alone, and cannot be told.
        if self.edge() == 16 { kernel } else { kernel.with_u32("EDGE", self.edge()) }
    }

    /// Bytes of workgroup memory that every variant with at most 4 × 4 matrices to a subgroup fits at this step along K.
    pub(crate) const fn workgroup_bytes(edge: u32, dtype: DType, tile_k: u32) -> u32 {
        let operand = if matches!(dtype, DType::F16) { 2 } else { 4 };
        // Two tiles of each operand, their rows along K, which is where the space between rows counts most; four
        // matrices of sums.
        2 * 2 * (8 * edge) * (tile_k + 8) * operand + 4 * edge * (edge + 4) * 4
    }

    /// The longest step along K for which a device has the workgroup memory.
    pub(crate) fn tile_k(self, dtype: DType, max_workgroup_bytes: u32) -> u32 {
        match self {
            Self::Emulated(Emulation { tile_k, .. }) => tile_k,
            Self::Device { edge } if max_workgroup_bytes >= Self::workgroup_bytes(edge, dtype, 32) => 32,
            Self::Device { .. } => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workgroup_memory_of_the_tiles() {
        let of = Matrices::workgroup_bytes;
        // What every Metal device has, and what Vulkan devices with 16 × 16 have.
        assert!(of(8, DType::F16, 32) <= 32 << 10 && of(8, DType::F32, 16) <= 32 << 10);
        assert!(of(16, DType::F16, 16) <= 32 << 10 && of(16, DType::F16, 32) <= 48 << 10);
        assert_eq!(Matrices::Device { edge: 8 }.tile_k(DType::F32, 32 << 10), 16);
        assert_eq!(Matrices::Device { edge: 8 }.tile_k(DType::F16, 32 << 10), 32);
    }
}
