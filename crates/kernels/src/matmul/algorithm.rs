//! The ways of computing a product, by name.

/// The kernels that compute a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatmulAlgorithm {
    /// `matmul_naive`: the definition; any shape, any device.
    Naive,
    /// `matmul_tiled`: squares in workgroup memory.
    Tiled,
    /// `matmul_register_tiled`: and squares in registers.
    RegisterTiled,
    /// `matmul_vec4`: and vec4 loads, and two tiles in turn.
    Vec4,
    /// `matmul_lanes`: register tiles shared by subgroup shuffles, for software Vulkan.
    Lanes,
    /// `matmul_cooperative`: by the device's matrix units, f16, and f32 where they multiply that.
    Cooperative,
    /// `matmul_cooperative_split_f16`: fp32 by three products of halves on matrix units.
    SplitF16,
}

impl MatmulAlgorithm {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Naive,
        Self::Tiled,
        Self::RegisterTiled,
        Self::Vec4,
        Self::Lanes,
        Self::Cooperative,
        Self::SplitF16,
    ];

    /// Whether each term of a sum is an operand times an operand, so that an infinity or a NaN reaches those sums alone that
    /// it is a term of.
    pub const fn is_exact(self) -> bool {
        !matches!(self, Self::SplitF16)
    }

    /// What is to know of a result beside how quickly it comes.
    pub(crate) const fn caveat(self) -> Option<&'static str> {
        if self.is_exact() {
            return None;
        }
        Some("it splits numbers into halves: an infinity is no number then, which `exact` avoids")
    }
}
