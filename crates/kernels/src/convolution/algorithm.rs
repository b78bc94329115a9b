//! The ways of computing a convolution, and what each of them needs.

use super::{Pass, Problem, depthwise, winograd};
use crate::select::{Device, DeviceClass};

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
    /// `winograd_*` with tiles of 2 × 2 pixels: 3 × 3, stride 1, by 16 products in place of 36.
    WinogradF2,
    /// `winograd_*` with tiles of 4 × 4 pixels: 3 × 3, stride 1, by 36 products in place of 144.
    WinogradF4,
}

impl Conv2dAlgorithm {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Direct,
        Self::Im2col,
        Self::ImplicitGemm,
        Self::Depthwise,
        Self::Lanes,
        Self::WinogradF2,
        Self::WinogradF4,
    ];

    /// The name used in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Im2col => "im2col",
            Self::ImplicitGemm => "implicit_gemm",
            Self::Depthwise => "depthwise",
            Self::Lanes => "lanes",
            Self::WinogradF2 => "winograd_f2",
            Self::WinogradF4 => "winograd_f4",
        }
    }

    /// What keeps this algorithm from running a pass of `problem`, if anything does. Memory is another question:
    /// see [`Self::fits`].
    pub fn obstacle(self, device: &Device, pass: Pass, problem: &Problem) -> Option<&'static str> {
        let [outputs, inputs, rows, columns] = problem.w_shape;
        let empty = problem.x_count() == 0 || problem.w_count() == 0 || problem.y_count() == 0;
        match self {
            Self::Direct => {
                // Mesa before 23 stops the loops of a shader after 65,535 turns in all, silently.
                let inner = match pass {
                    Pass::Forward => inputs,
                    Pass::BackwardInput => outputs / problem.op.groups,
                    Pass::BackwardWeight => return None,
                };
                let turns = rows * (columns * (inner + 1) + 1);
                (device.class == DeviceClass::SoftwareVulkan && turns > 65_000)
                    .then_some("its sums have more terms than a loop may have turns there")
            }
            _ if empty => Some("an extent is zero"),
            Self::Im2col | Self::ImplicitGemm => None,
            Self::WinogradF2 | Self::WinogradF4 => winograd::obstacle(pass, problem),
            Self::Depthwise if !problem.is_depthwise() => Some("it needs one filter to a channel"),
            Self::Depthwise => {
                (!depthwise::fits(problem)).then_some("it writes out the loads of a window, 96 at most")
            }
            Self::Lanes if device.class != DeviceClass::SoftwareVulkan => {
                Some("it is written for software Vulkan with subgroups of 4, 8 or 16 lanes")
            }
            Self::Lanes => {
                let turns = match pass {
                    Pass::Forward => problem.terms(),
                    Pass::BackwardInput => rows * columns * (outputs / problem.op.groups).div_ceil(4),
                    Pass::BackwardWeight => 0,
                };
                (turns > 65_000).then_some("its sums have more terms than a loop may have turns there")
            }
        }
    }

    /// Whether what the algorithm needs beside its operands fits the device's bindings.
    pub fn fits(self, device: &Device, problem: &Problem) -> bool {
        self != Self::Im2col || problem.patches_bytes() <= device.max_binding_bytes
    }
}
