//! The ways of computing a convolution of bytes, by name.

use crate::{
    base::device::{Device, DeviceClass},
    convolution::Problem,
};

/// The ways of computing a convolution of bytes. All have the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QConv2dAlgorithm {
    /// `qconv2d_direct`: the definition, four products at a time.
    Direct,
    /// `qconv2d_lanes`: implicit GEMM for software Vulkan, in f32 where that is exact.
    Lanes,
    /// `qconv2d_implicit_gemm`: implicit GEMM by products of four bytes.
    ImplicitGemm,
    /// `qconv2d_implicit_gemm` in f32, where that is exact: for GPUs whose drivers emulate products of four bytes.
    ImplicitGemmF32,
    /// `qconv2d_depthwise`: one filter to a channel.
    Depthwise,
}

/// Rows from the first to the last tap of a window, for which a thread of `qconv2d_depthwise` holds sums at most: with
/// [`COLUMNS`] fewer taps than f32 adds products of bytes exactly.
const ROWS: usize = 9;

/// Columns of x that a thread of `qconv2d_depthwise` holds at most.
const COLUMNS: usize = 24;

impl QConv2dAlgorithm {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::ImplicitGemm, Self::ImplicitGemmF32, Self::Lanes, Self::Depthwise, Self::Direct];

    /// The name used in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Lanes => "lanes",
            Self::ImplicitGemm => "implicit_gemm",
            Self::ImplicitGemmF32 => "implicit_gemm_f32",
            Self::Depthwise => "depthwise",
        }
    }

    /// The kernel's stem.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Direct => "qconv2d_direct",
            Self::Lanes => "qconv2d_lanes",
            Self::ImplicitGemm | Self::ImplicitGemmF32 => "qconv2d_implicit_gemm",
            Self::Depthwise => "qconv2d_depthwise",
        }
    }

    /// What keeps this algorithm from running `problem`, if anything does.
    pub fn obstacle(self, device: &Device, problem: &Problem) -> Option<&'static str> {
        let [_, _, kh, kw] = problem.w_shape;
        let words = kh * kw * problem.w_shape[1].div_ceil(4);
        match self {
            Self::Lanes if device.class != DeviceClass::SoftwareVulkan => {
                Some("it is written for software Vulkan with subgroups of 4, 8 or 16 lanes")
            }
            Self::Lanes if words > 65_000 => {
                Some("its sums have more words than a loop may have turns there")
            }
            Self::Depthwise if !problem.is_depthwise() => Some("it needs one filter to a channel"),
            Self::Depthwise if columns(problem) > COLUMNS || rows(problem) > ROWS => {
                Some("it writes out windows of 9 rows and strips of them of 24 columns at most")
            }
            Self::Direct | Self::Lanes | Self::ImplicitGemm | Self::ImplicitGemmF32 | Self::Depthwise => None,
        }
    }
}

/// Columns of x that the windows of a strip of four pixels span.
fn columns(problem: &Problem) -> usize {
    let (stride, dilation) = (problem.op.stride[1], problem.op.dilation[1]);
    3 * stride + (problem.w_shape[3] - 1) * dilation + 1
}

/// Rows of x that a window spans.
fn rows(problem: &Problem) -> usize {
    (problem.w_shape[2] - 1) * problem.op.dilation[0] + 1
}
