//! `cast`, `cast_to_f16`, `cast_from_f16`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::cast_bytes::cast_bytes;
use crate::base::{
    coarsening::Coarsening,
    device::{Device, DeviceClass},
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "cast", "cast_to_f16", "cast_from_f16" { runs: u32, never: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y = x` converted, over `count` elements. Where two steps are needed it is `None`: between f16 and the integers over f32, between
/// bytes and what is not an integer of 32 bits over i32.
pub fn cast(
    context: &Context,
    x: &Buffer,
    from: DType,
    y: &Buffer,
    to: DType,
    count: usize,
) -> Option<Result<()>> {
    if from.size() == 1 || to.size() == 1 {
        return cast_bytes(context, x, from, y, to, count);
    }
    // llvmpipe's own conversions take its lanes one by one, or in branches.
    let on_vectors = |kernel: Specialisation, slot, fragment| match Device::of(context).class {
        DeviceClass::SoftwareVulkan => kernel.with_fragment(slot, fragment),
        DeviceClass::Gpu => kernel,
    };
    let same_size = || Specialisation::new("cast").with_type("FROM", from.name()).with_type("TO", to.name());
    let half = from == DType::F16 || to == DType::F16;
    let kernel = match (from, to) {
        (DType::F32, DType::F16) => on_vectors(Specialisation::new("cast_to_f16"), "halves", "by_bits"),
        (DType::F16, DType::F32) => Specialisation::new("cast_from_f16"),
        (DType::F16, _) | (_, DType::F16) => return None,
        // On every device: one rule for what does not fit.
        (DType::F32, DType::I32) => same_size().with_fragment("convert", "f32_to_i32"),
        (DType::F32, DType::U32) => same_size().with_fragment("convert", "f32_to_u32"),
        _ => same_size(),
    };
    Some(vectors("cast", count).and_then(|vectors| {
        let slot = if half { "half_runs" } else { "runs" };
        let (kernel, groups, runs) =
            Coarsening::of(context).specialise_runs_in(context, kernel, slot, vectors);
        let params = Params { runs, never: 0 };
        let buffers = &[x, y, x];
        let dispatch = Dispatch { op: "cast", params: bytemuck::bytes_of(&params), buffers, groups };
        context.dispatch(&kernel, &dispatch)
    }))
}
