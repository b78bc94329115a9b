//! Minimal filtering with tiles of 2 × 2 or 4 × 4 pixels.

use tilewright_ops::{DType, Pooling};
use tilewright_runtime::{Buffer, Context, Result};

use super::{
    gradient,
    output::Run,
    weight::{Filters, Transform},
};
use crate::{
    base::{device::Device, epilogue::Windows},
    convolution::{
        call::Conv2dLaunch,
        geometry::Geometry,
        implementation::Implementation,
        problem::{Pass, Problem},
        weight::Weight,
    },
};

/// Minimal filtering: 3 × 3, stride 1.
pub(crate) struct Winograd {
    /// Pixels along an edge of a tile of y: 2 or 4.
    tile: u32,
}

impl Winograd {
    /// F(2 × 2, 3 × 3): 16 products in place of 36.
    pub const F2: Self = Self { tile: 2 };
    /// F(4 × 4, 3 × 3): 36 products in place of 144.
    pub const F4: Self = Self { tile: 4 };
}

impl Implementation for Winograd {
    fn name(&self) -> &'static str {
        if self.tile == 2 { "winograd_f2" } else { "winograd_f4" }
    }

    fn obstacle(&self, _: &Device, pass: Pass, problem: &Problem) -> Option<&'static str> {
        let op = &problem.op;
        let [inputs, outputs] = problem.group_channels();
        if problem.dtype == DType::F16 {
            Some("it takes f32")
        } else if problem.w_shape[2..] != [3, 3]
            || op.stride != [1, 1]
            || op.dilation != [1, 1]
            || op.groups != 1
        {
            Some("it needs a 3 × 3 kernel, stride 1, no dilation and one group")
        } else if !inputs.is_multiple_of(4) || !outputs.is_multiple_of(4) {
            Some("it needs multiples of 4 channels")
        } else if pass == Pass::BackwardInput && op.padding.iter().any(|&padding| padding > 2) {
            Some("it needs a padding of 2 at most on the way back")
        } else {
            None
        }
    }

    fn workspace(&self, device: &Device, pass: Pass, problem: &Problem) -> u64 {
        if pass == Pass::BackwardWeight && gradient::in_one_kernel(device, self.tile) {
            return gradient::most_bytes(problem);
        }
        // A transformed weight has 4² or 6² numbers for each 3 × 3.
        let edge = self.tile as usize + 2;
        (problem.w_count() / 9 * edge * edge * 4) as u64
    }

    fn pools(&self, _: &Problem, windows: Windows, _: &Pooling) -> bool {
        // A tile of pixels holds whole windows.
        windows.size.iter().all(|&extent| self.tile.is_multiple_of(extent))
    }

    fn pack(&self, context: &Context, problem: &Problem, weight: &Buffer) -> Result<Buffer> {
        let transform = Transform { pass: Pass::Forward, tile: self.tile, problem };
        transform.pack(context, weight, problem.w_shape[0])
    }

    fn forward(&self, context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()> {
        let problem = &call.problem;
        let filters = match call.weight {
            Weight::Plain(weight) => Filters::Plain(problem, weight),
            Weight::Packed(packed) => Filters::Packed(packed.buffer()),
        };
        let pass = Pass::Forward;
        let geometry = Geometry::new(pass.name(), problem)?;
        let run = Run { pass, tile: self.tile, geometry, call: Some(call) };
        run.run(context, filters, call.x, y)
    }

    fn backward_input(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        weight: &Buffer,
        grad_x: &Buffer,
    ) -> Result<()> {
        let pass = Pass::BackwardInput;
        // What the kernel does not reach on one side it reaches on the other; `obstacle` has seen to it that 2 is enough.
        let geometry = Geometry::new(pass.name(), problem)?;
        let geometry = geometry.reversed(geometry.padding.map(|padding| 2 - padding));
        Run { pass, tile: self.tile, geometry, call: None }.run(
            context,
            Filters::Plain(problem, weight),
            grad_y,
            grad_x,
        )
    }

    fn backward_weight(
        &self,
        context: &Context,
        problem: &Problem,
        grad_y: &Buffer,
        x: &Buffer,
        grad_weight: &Buffer,
    ) -> Result<()> {
        gradient::backward_weight(context, problem, grad_y, x, grad_weight, self.tile)
    }
}
