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
    /// `qconv2d_depthwise`: one filter to a channel.
    Depthwise,
}

/// Taps whose products of bytes f32 adds exactly.
const EXACT_TAPS: usize = 1024;

/// Columns of x that a thread of `qconv2d_depthwise` holds at most.
const COLUMNS: usize = 24;

impl QConv2dAlgorithm {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::ImplicitGemm, Self::Lanes, Self::Depthwise, Self::Direct];

    /// The name used in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Lanes => "lanes",
            Self::ImplicitGemm => "implicit_gemm",
            Self::Depthwise => "depthwise",
        }
    }

    /// The kernel's stem.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Direct => "qconv2d_direct",
            Self::Lanes => "qconv2d_lanes",
            Self::ImplicitGemm => "qconv2d_implicit_gemm",
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
            Self::Depthwise if kh * kw > EXACT_TAPS => Some("f32 adds 1,024 products of bytes exactly"),
            Self::Depthwise if columns(problem) > COLUMNS => {
                Some("it writes out the columns of a strip of windows, 24 at most")
            }
            Self::Direct | Self::Lanes | Self::ImplicitGemm | Self::Depthwise => None,
        }
    }
}

/// Columns of x that the windows of a strip of four pixels span.
fn columns(problem: &Problem) -> usize {
    let (stride, dilation) = (problem.op.stride[1], problem.op.dilation[1]);
    3 * stride + (problem.w_shape[3] - 1) * dilation + 1
}
