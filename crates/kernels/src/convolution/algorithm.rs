//! The ways of computing a convolution, and what each of them needs.

use tilewright_ops::{DType, Pooling};

use super::{Pass, Problem, depthwise, implicit_gemm, lanes, winograd, winograd_gradient};
use crate::{
    cooperative::Matrices,
    epilogue::Windows,
    select::{Cooperative, Device, DeviceClass},
};

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
    /// `winograd_*` with tiles of 2 × 2 pixels: 3 × 3, stride 1, by 16 products in place of 36.
    WinogradF2,
    /// `winograd_*` with tiles of 4 × 4 pixels: 3 × 3, stride 1, by 36 products in place of 144.
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

    /// The name used in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Im2col => "im2col",
            Self::ImplicitGemm => "implicit_gemm",
            Self::Depthwise => "depthwise",
            Self::Lanes => "lanes",
            Self::Cooperative => "cooperative",
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
            _ if problem.dtype == DType::F16 && pass != Pass::Forward => Some("gradients are f32"),
            _ if problem.dtype == DType::F16 && !device.f16 => Some("the device has no f16 in shaders"),
            Self::Im2col if problem.dtype == DType::F16 && !problem.is_pointwise() => {
                Some("its matrix of patches is f32")
            }
            Self::Lanes | Self::WinogradF2 | Self::WinogradF4 if problem.dtype == DType::F16 => {
                Some("it takes f32")
            }
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
            Self::Cooperative if device.cooperative == Cooperative::Absent => {
                Some("the device has no cooperative matrices of 16 × 16 or 8 × 8 f16 with f32 sums")
            }
            Self::Cooperative => {
                Self::obstacle_of_matrices(Matrices::of(device).edge(), device, pass, problem)
            }
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

    /// What keeps [`Self::Cooperative`] from running a pass of `problem` by matrices of `edge` rows, be they the device's or
    /// emulated.
    pub(super) fn obstacle_of_matrices(
        edge: u32,
        device: &Device,
        pass: Pass,
        problem: &Problem,
    ) -> Option<&'static str> {
        let [inputs, outputs] = problem.group_channels();
        match problem.dtype {
            _ if pass != Pass::Forward => Some("it runs forward"),
            DType::F16 if !device.f16 => Some("the device has no f16 in shaders"),
            DType::F32 if edge != 8 => Some("it takes f16; f32 by matrices of 8 × 8, as Metal has them"),
            dtype if device.max_workgroup_bytes < Matrices::workgroup_bytes(edge, dtype, 16) => {
                Some("it needs 32 KiB of workgroup memory")
            }
            _ if problem.y_count() == 0 || problem.terms() == 0 => Some("an extent is zero"),
            _ if !inputs.is_multiple_of(4) || !outputs.is_multiple_of(4) => {
                Some("it needs groups of whole vec4s of channels")
            }
            _ => None,
        }
    }

    /// Whether the kernel that stores the result of a forward pass can pool it: a thread of it holds whole windows.
    pub fn pools(self, problem: &Problem, pooling: &Pooling) -> bool {
        let Some(windows) = Windows::new(pooling, problem.y_shape) else { return false };
        match self {
            Self::Lanes => lanes::pools(windows),
            Self::ImplicitGemm => implicit_gemm::pools(problem, windows, pooling),
            Self::WinogradF2 => winograd::pools(windows, 2),
            Self::WinogradF4 => winograd::pools(windows, 4),
            _ => false,
        }
    }

    /// Whether what the algorithm needs beside its operands fits the device's bindings.
    pub fn fits(self, device: &Device, pass: Pass, problem: &Problem) -> bool {
        // A transformed weight has 4² or 6² numbers for each 3 × 3.
        let transformed = |edge: usize| problem.w_count() / 9 * edge * edge * 4;
        let needed = match self {
            Self::Im2col => problem.patches_bytes(),
            Self::WinogradF2 => transformed(4) as u64,
            Self::WinogradF4
                if pass == Pass::BackwardWeight && winograd_gradient::in_one_kernel(device, 4) =>
            {
                winograd_gradient::most_bytes(problem)
            }
            Self::WinogradF4 => transformed(6) as u64,
            _ => 0,
        };
        needed <= device.max_binding_bytes
    }
}
