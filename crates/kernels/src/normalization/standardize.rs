//! `standardize`: lines less their mean, times a number.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::{
        coarsening::Coarsening,
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    reduction::Lines,
};

params! { Params for "standardize" { lines: u32, along: u32, after: u32, parts: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

const OP: &str = "standardize";

/// `y = ((x − mean) − rest) · scale`, of which the last three have one number for each line, one behind the other.
pub fn standardize(
    context: &Context,
    x: &Buffer,
    [mean, rest, scale]: [&Buffer; 3],
    y: &Buffer,
    view: Lines,
) -> Result<()> {
    let coarsening = Coarsening::of(context);
    let across = view.lines_first();
    let wide = if across { view.after.is_multiple_of(4) } else { view.along.is_multiple_of(4) };
    let width = if wide { 4 } else { 1 };
    let (along, after) =
        if across { (view.along, view.after / width) } else { (view.along / width, view.after) };
    let lanes = if across { 1 } else { coarsening.lanes as usize };
    // Threads are dear on a CPU, and memory latency on a GPU.
    let each = if coarsening.blocked() { 32 } else { 8 };
    let parts = if along <= each { 1 } else { along.div_ceil(each).next_multiple_of(lanes) };
    let lines = view.before * after;
    to_u32(OP, view.lines().saturating_mul(view.along))?;
    let params = Params {
        lines: to_u32(OP, lines)?,
        along: to_u32(OP, along)?,
        after: to_u32(OP, after)?,
        parts: to_u32(OP, parts)?,
    };
    let kernel = Specialisation::new("standardize")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_bool("ACROSS", across)
        .with_u32("RUN", if parts == 1 { 1 } else { lanes as u32 });
    let kernel = if wide { kernel.with_type("T", "vec4<f32>") } else { kernel };
    let kernel = if wide && across { kernel.with_type("S", "vec4<f32>") } else { kernel };
    let dispatch = Dispatch {
        op: OP,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, mean, rest, scale, y],
        groups: workgroups(to_u32(OP, lines.saturating_mul(parts))?),
    };
    context.dispatch(&kernel, &dispatch)
}
