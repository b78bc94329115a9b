//! The ways of computing a convolution, by name.

/// The ways of computing a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conv2dAlgorithm {
    /// `conv2d_direct`: the definition, one thread to an element.
    Direct,
    /// `im2col`, a matrix product, and `col2im` on the way back.
    Im2col,
    /// `conv2d_implicit_gemm`: the product of im2col without its matrix, for GPUs.
    ImplicitGemm,
    /// `conv2d_depthwise`: one filter to a channel, four channels to a thread.
    Depthwise,
    /// `conv2d_lanes`: implicit GEMM for software Vulkan.
    Lanes,
    /// `conv2d_cooperative`: implicit GEMM by the device's matrix units, forward; f16, and f32 where they multiply that.
    Cooperative,
    /// `winograd_*` with tiles of 2 × 2 pixels: 3 × 3, stride 1, by 16 products in place of 36. An infinity or a NaN spreads
    /// over the tiles that see it.
    WinogradF2,
    /// `winograd_*` with tiles of 4 × 4 pixels: 3 × 3, stride 1, by 36 products in place of 144. As [`Self::WinogradF2`] with
    /// infinities.
    WinogradF4,
}

impl Conv2dAlgorithm {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Direct,
        Self::Im2col,
        Self::ImplicitGemm,
        Self::Depthwise,
        Self::Lanes,
        Self::Cooperative,
        Self::WinogradF2,
        Self::WinogradF4,
    ];

    /// Whether each term of a sum is an operand times an operand, so that an infinity or a NaN reaches those sums alone that
    /// it is a term of.
    pub const fn is_exact(self) -> bool {
        !matches!(self, Self::WinogradF2 | Self::WinogradF4)
    }

    /// What is to know of a result beside how quickly it comes.
    pub(crate) const fn caveat(self) -> Option<&'static str> {
        if self.is_exact() {
            return None;
        }
        Some("its tiles mix pixels: an infinity or a NaN reaches whole tiles, which `exact` avoids")
    }
}
