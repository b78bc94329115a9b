//! What the kernels of minimal filtering are compiled for, and what one round of them may leave in memory.

use tilewright_runtime::Context;
use tilewright_shaders::Specialisation;

use crate::base::{
    device::{Device, DeviceClass},
    epilogue::Epilogue,
    numbers::WORKGROUP,
};

/// What the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// `winograd_input`, `winograd_weight`, `winograd_output`, or one of the gradient by the weight.
    pub stem: &'static str,
    /// Pixels along an edge of a tile of y: 2 or 4.
    pub tile: u32,
    /// Outer loops stay loops.
    pub compact: bool,
    /// Bias, residual and activation, of the output transform.
    pub epilogue: Epilogue,
}

impl Spec {
    /// One of the kernels for `tile`, as the device wants its loops, without an epilogue.
    pub fn new(context: &Context, stem: &'static str, tile: u32) -> Self {
        Self { stem, tile, compact: compact(context), epilogue: Epilogue::default() }
    }

    /// Channels, or filters, that a thread transforms side by side. With 36 components of four each software Vulkan takes
    /// twice as long to compile as with two, and runs no faster; with 16 components it does.
    pub fn width(&self) -> usize {
        let weights = matches!(self.stem, "winograd_weight" | "winograd_weight_gradient");
        if self.compact && (self.tile == 4 || weights) { 2 } else { 4 }
    }
}

impl From<Spec> for Specialisation {
    fn from(spec: Spec) -> Self {
        let width = spec.width();
        let kernel = Self::new(spec.stem)
            .with_u32("WORKGROUP", WORKGROUP)
            .with_u32("TILE", spec.tile)
            .with_u32("COMPACT", spec.compact.into())
            .with_u32("WIDTH", width as u32)
            .with_type("Numbers", if width == 2 { "vec2<f32>" } else { "vec4<f32>" });
        if spec.stem == "winograd_output" { spec.epilogue.specialise(kernel) } else { kernel }
    }
}

/// Software Vulkan compiles a load to a few hundred instructions: written out, the transforms outgrow the instruction
/// cache and take seconds to compile. On a GPU an array that a loop indexes leaves the registers.
fn compact(context: &Context) -> bool {
    Device::of(context).class == DeviceClass::SoftwareVulkan
}

/// Bytes that one round of launches leaves between them, so that they stay in a cache (on software Vulkan) or at least below
/// every device's bindings.
pub(super) fn budget(context: &Context) -> usize {
    match Device::of(context).class {
        DeviceClass::SoftwareVulkan => 16 << 20,
        DeviceClass::Gpu => 96 << 20,
    }
}
