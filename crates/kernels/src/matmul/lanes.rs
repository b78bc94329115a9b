//! `matmul_lanes`.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Result};
use tilewright_shaders::Specialisation;

use super::{
    implementation::Implementation,
    launch,
    launch::Tiling,
    problem::{Operands, Problem},
};
use crate::base::{
    device::{Device, DeviceClass},
    epilogue::Epilogue,
};

/// What `matmul_lanes` is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Lanes of a subgroup; a workgroup's tile has four times as many columns.
    pub lanes: u32,
    /// Rows of C in a workgroup's tile: 4 or a multiple of 8.
    pub rows: u32,
    /// A is stored K M.
    pub transpose_left: bool,
    /// B is stored N K.
    pub transpose_right: bool,
    /// C is stored N M.
    pub transpose_y: bool,
    /// A is read by vec4.
    pub vec4_left: bool,
    /// B is read by vec4.
    pub vec4_right: bool,
    /// C is written by vec4.
    pub vec4_y: bool,
    /// K is not a multiple of 4.
    pub k_tail: bool,
    /// Bias and activation.
    pub epilogue: Epilogue,
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let kernel = Self::new("matmul_lanes")
            .with_u32("LANES", spec.lanes)
            .with_u32("ROWS", spec.rows)
            .with_bool("TRANSPOSE_A", spec.transpose_left)
            .with_bool("TRANSPOSE_B", spec.transpose_right)
            .with_bool("TRANSPOSE_C", spec.transpose_y)
            .with_bool("VEC_A", spec.vec4_left)
            .with_bool("VEC_B", spec.vec4_right)
            .with_bool("VEC_C", spec.vec4_y)
            .with_bool("K_TAIL", spec.k_tail);
        spec.epilogue.specialise(kernel)
    }
}

impl Spec {
    /// The register tile for a problem, which is swapped already where that pays.
    fn new(lanes: u32, problem: &Problem, swapped: bool, epilogue: Epilogue) -> Self {
        let [vec4_left, vec4_right, _] = problem.vec4_aligned();
        let inner = if swapped { problem.m } else { problem.n };
        let vec4_y = inner.is_multiple_of(4);
        let tiles =
            |rows: usize| problem.batches * problem.m.div_ceil(rows) * problem.n.div_ceil(4 * lanes as usize);
        let rows = match problem.m {
            0..=4 => 4,
            5..=8 => 8,
            9..=16 => 16,
            _ if vec4_left && vec4_right && vec4_y && tiles(32) >= 8 => 32,
            _ => 16,
        };
        Self {
            lanes,
            rows,
            transpose_left: problem.transpose_left,
            transpose_right: problem.transpose_right,
            transpose_y: swapped,
            vec4_left,
            vec4_right,
            vec4_y,
            k_tail: !problem.k.is_multiple_of(4),
            epilogue,
        }
    }
}

/// Register tiles that subgroups share by shuffles, for software Vulkan.
pub(super) struct Lanes;

impl Implementation for Lanes {
    fn name(&self) -> &'static str {
        "lanes"
    }

    fn stem(&self) -> &'static str {
        "matmul_lanes"
    }

    fn obstacle(&self, device: &Device, problem: &Problem) -> Option<&'static str> {
        if problem.dtype != DType::F32 {
            Some("it takes f32")
        } else if device.class != DeviceClass::SoftwareVulkan {
            Some("it is written for software Vulkan with subgroups of 4, 8 or 16 lanes")
        } else {
            (problem.k == 0).then_some("it needs K > 0")
        }
    }

    fn run(
        &self,
        context: &Context,
        problem: &Problem,
        operands: &Operands<'_>,
        activation: Option<UnaryOp>,
    ) -> Result<()> {
        let lanes = Device::of(context).lanes;
        let columns = 4 * lanes as usize;
        // A narrow C is computed as its transpose.
        let swap = problem.n < columns && problem.n < problem.m;
        let (problem, operands) = if swap {
            let swapped = Operands { left: operands.right, right: operands.left, ..*operands };
            (problem.swapped(), swapped)
        } else {
            (*problem, *operands)
        };
        let rows = Spec::new(lanes, &problem, swap, Epilogue::default()).rows as usize;
        // A few workgroups for each core are enough.
        let mut tiling = Tiling::new([rows, columns], problem.k).split_for(&problem, 8);
        // One after the other, more terms lose digits.
        tiling.splits = tiling.splits.max(problem.k.div_ceil(4608));
        launch::launch(context, &problem, &operands, activation, &tiling, swap, |epilogue| {
            Spec::new(lanes, &problem, swap, epilogue).into()
        })
    }
}
