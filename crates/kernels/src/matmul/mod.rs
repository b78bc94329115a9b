//! Matrix products: a ladder of kernels with one contract, and the second pass of those that split K.

mod cooperative;
mod lanes;
mod launch;
mod naive;
mod register_tiled;
mod split_f16;
mod split_k_reduce;
mod tiled;
mod vec4;

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Buffer, Context, Error, Result};

pub use cooperative::Spec as CooperativeSpec;
pub use lanes::Spec as LanesSpec;
pub use naive::Spec as NaiveSpec;
pub use register_tiled::Spec as RegisterTiledSpec;
pub use split_f16::Spec as SplitF16Spec;
pub(crate) use split_k_reduce::split_k_reduce_to;
pub use split_k_reduce::{Addends, Reduction, Spec as SplitKReduceSpec, split_k_reduce};
pub use tiled::Spec as TiledSpec;
pub use vec4::Spec as Vec4Spec;

use crate::{
    cooperative::{Emulation, Matrices},
    select::{Cooperative, Device, DeviceClass},
};

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    vec![
        launch::Params::LAYOUT,
        split_f16::LargestParams::LAYOUT,
        split_f16::SplitParams::LAYOUT,
        split_f16::Params::LAYOUT,
        split_k_reduce::Params::LAYOUT,
    ]
}

/// The numbers of a product C\[b\] = A\[b\] · B\[b\] of row-major matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Matrices of C.
    pub batches: usize,
    /// Rows of C.
    pub m: usize,
    /// Columns of C.
    pub n: usize,
    /// Extent that is summed over; 0 gives zeros.
    pub k: usize,
    /// A is stored K M.
    pub transpose_left: bool,
    /// B is stored N K.
    pub transpose_right: bool,
    /// Elements from one matrix of A to the next; 0 reads one for all.
    pub left_stride: usize,
    /// Elements from one matrix of B to the next; 0 reads one for all.
    pub right_stride: usize,
    /// The type of A, B and C: f32 or f16. Bias and sums are f32.
    pub dtype: DType,
}

impl Problem {
    /// 2 · batches · M · N · K.
    pub fn flops(&self) -> u64 {
        [self.m, self.n, self.k]
            .iter()
            .fold(2 * self.batches as u64, |product, &extent| product * extent as u64)
    }

    /// The same product read the other way round, Cᵀ = Bᵀ · Aᵀ.
    fn swapped(&self) -> Self {
        Self {
            m: self.n,
            n: self.m,
            transpose_left: !self.transpose_right,
            transpose_right: !self.transpose_left,
            left_stride: self.right_stride,
            right_stride: self.left_stride,
            ..*self
        }
    }

    /// The fastest extents in memory of A and B.
    fn inner_extents(&self) -> [usize; 2] {
        [
            if self.transpose_left { self.m } else { self.k },
            if self.transpose_right { self.k } else { self.n },
        ]
    }

    /// Whether rows of A, of B and of C begin at whole vec4s.
    pub(crate) fn vec4_aligned(&self) -> [bool; 3] {
        let [a, b] = self.inner_extents();
        [
            a.is_multiple_of(4) && self.left_stride.is_multiple_of(4),
            b.is_multiple_of(4) && self.right_stride.is_multiple_of(4),
            self.n.is_multiple_of(4),
        ]
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = |transposed| if transposed { "ᵀ" } else { "" };
        let Self { batches, m, n, k, dtype, .. } = *self;
        let (left, right) = (mark(self.transpose_left), mark(self.transpose_right));
        write!(f, "batches {batches}, M {m}, N {n}, K {k}, A{left} · B{right}, {dtype}")
    }
}

/// The buffers of a product.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// A.
    pub left: &'a Buffer,
    /// B.
    pub right: &'a Buffer,
    /// N entries, added to every row.
    pub bias: Option<&'a Buffer>,
    /// Of C's shape, added to it.
    pub residual: Option<&'a Buffer>,
    /// C.
    pub y: &'a Buffer,
}

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

    /// The name used in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Tiled => "tiled",
            Self::RegisterTiled => "register_tiled",
            Self::Vec4 => "vec4",
            Self::Lanes => "lanes",
            Self::Cooperative => "cooperative",
            Self::SplitF16 => "split_f16",
        }
    }

    /// The kernel's stem.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Naive => "matmul_naive",
            Self::Tiled => "matmul_tiled",
            Self::RegisterTiled => "matmul_register_tiled",
            Self::Vec4 => "matmul_vec4",
            Self::Lanes => "matmul_lanes",
            Self::Cooperative => "matmul_cooperative",
            Self::SplitF16 => "matmul_cooperative_split_f16",
        }
    }

    /// What keeps this algorithm from running `problem`, if anything does.
    pub fn obstacle(self, device: &Device, problem: &Problem) -> Option<&'static str> {
        let empty = problem.k == 0;
        match self {
            _ if problem.dtype == DType::F16 && !device.f16 => Some("the device has no f16 in shaders"),
            Self::Tiled | Self::Lanes if problem.dtype != DType::F32 => Some("it takes f32"),
            Self::Naive | Self::Tiled | Self::RegisterTiled => None,
            Self::Vec4 => {
                let [left, right, _] = problem.vec4_aligned();
                (!left || !right).then_some("it needs rows of both operands that begin at whole vec4s")
            }
            Self::Lanes if device.class != DeviceClass::SoftwareVulkan => {
                Some("it is written for software Vulkan with subgroups of 4, 8 or 16 lanes")
            }
            Self::Lanes => empty.then_some("it needs K > 0"),
            Self::Cooperative | Self::SplitF16 if device.cooperative == Cooperative::Absent => {
                Some("the device has no cooperative matrices of 16 × 16 or 8 × 8 f16 with f32 sums")
            }
            _ => self.obstacle_of_matrices(Matrices::of(device).edge(), device, problem),
        }
    }
}

impl MatmulAlgorithm {
    /// What keeps an algorithm for cooperative matrices of `edge` rows from running `problem`, be they the device's or
    /// emulated.
    fn obstacle_of_matrices(self, edge: u32, device: &Device, problem: &Problem) -> Option<&'static str> {
        let [left, right, _] = problem.vec4_aligned();
        let bytes = match self {
            Self::SplitF16 => split_f16::WORKGROUP_BYTES,
            _ => Matrices::workgroup_bytes(edge, problem.dtype, 16),
        };
        match (self, problem.dtype) {
            (Self::SplitF16, _) if edge != 16 => {
                Some("it needs cooperative matrices of 16 × 16 f16 with f32 sums")
            }
            (Self::SplitF16, dtype) if dtype != DType::F32 => Some("it takes f32"),
            (Self::Cooperative, DType::F32) if edge != 8 => {
                Some("it takes f16; f32 by matrices of 8 × 8, as Metal has them")
            }
            _ if !device.f16 => Some("the device has no f16 in shaders"),
            _ if device.max_workgroup_bytes < bytes => Some("it needs 32 KiB of workgroup memory"),
            _ if problem.k == 0 => Some("it needs K > 0"),
            (Self::Cooperative, _) if !left || !right => {
                Some("it needs rows of both operands that begin at whole vec4s")
            }
            _ => None,
        }
    }
}

/// y = activation(left · right + bias + residual) by an algorithm for cooperative matrices, with the matrices emulated by
/// plain sums. It is too slow for anything but finding out whether the kernel is right where no device has the hardware.
///
/// # Errors
/// [`Error::Unsupported`] if it cannot run this shape, or `algorithm` is no such one.
pub fn matmul_emulated(
    context: &Context,
    algorithm: MatmulAlgorithm,
    emulation: Emulation,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let unsupported = |reason| Error::Unsupported {
        op: "matmul".to_owned(),
        algorithm: algorithm.name(),
        reason: format!("{reason} ({problem})"),
    };
    let device = Device::of(context);
    let obstacle = emulation.obstacle();
    if let Some(reason) = obstacle.or(algorithm.obstacle_of_matrices(emulation.edge, &device, problem)) {
        return Err(unsupported(reason));
    }
    let matrices = Matrices::Emulated(emulation);
    match algorithm {
        MatmulAlgorithm::Cooperative => cooperative::launch(context, problem, operands, activation, matrices),
        MatmulAlgorithm::SplitF16 => split_f16::launch(context, problem, operands, activation, matrices),
        _ => Err(unsupported("it has no matrices to emulate")),
    }
}

/// y = activation(left · right + bias + residual) by the algorithm that [`crate::select::matmul_for`] picks.
pub fn matmul(
    context: &Context,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let choice = crate::select::matmul_for(context, problem);
    matmul_as(context, choice.algorithm, problem, operands, activation)
}

/// As [`matmul`], by the algorithm named.
///
/// # Errors
/// [`Error::Unsupported`] if it cannot run this shape on this device.
pub fn matmul_as(
    context: &Context,
    algorithm: MatmulAlgorithm,
    problem: &Problem,
    operands: &Operands<'_>,
    activation: Option<UnaryOp>,
) -> Result<()> {
    let device = Device::of(context);
    if let Some(reason) = algorithm.obstacle(&device, problem) {
        return Err(Error::Unsupported {
            op: "matmul".to_owned(),
            algorithm: algorithm.name(),
            reason: format!("{reason} ({problem})"),
        });
    }
    match algorithm {
        MatmulAlgorithm::Naive => naive::launch(context, problem, operands, activation),
        MatmulAlgorithm::Tiled => tiled::launch(context, problem, operands, activation),
        MatmulAlgorithm::RegisterTiled => register_tiled::launch(context, problem, operands, activation),
        MatmulAlgorithm::Vec4 => vec4::launch(context, problem, operands, activation),
        MatmulAlgorithm::Lanes => lanes::launch(context, problem, operands, activation),
        MatmulAlgorithm::Cooperative => {
            cooperative::launch(context, problem, operands, activation, Matrices::of(&device))
        }
        MatmulAlgorithm::SplitF16 => {
            split_f16::launch(context, problem, operands, activation, Matrices::of(&device))
        }
    }
}
