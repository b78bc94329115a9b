//! `moments` and `moments_join`: mean and variance of lines.

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

params! { Params for "moments" { lines: u32, along: u32, after: u32, parts: u32 } }

params! { JoinParams for "moments_join" { lines: u32, parts: u32, zero: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT, JoinParams::LAYOUT];

const OP: &str = "moments";

/// Elements, or vec4s, that one thread takes alone.
const SERIAL: usize = 256;

/// Parts that one thread joins at most, far below what any driver loops.
const MOST_PARTS: usize = 1 << 15;

/// Where the moments of each line go.
#[derive(Clone, Copy, Debug)]
pub struct MomentsOf<'a> {
    /// The mean, rounded.
    pub mean: &'a Buffer,
    /// What that is short of the mean.
    pub rest: &'a Buffer,
    /// The biased variance.
    pub variance: &'a Buffer,
}

/// Threads that share a line of `steps`, a multiple of `lanes`, or one: about the square root.
fn parts(steps: usize, lanes: usize) -> usize {
    if steps <= SERIAL {
        return 1;
    }
    let length = steps.isqrt().next_power_of_two().clamp(64, 2 * SERIAL).max(steps.div_ceil(MOST_PARTS));
    steps.div_ceil(length).next_multiple_of(lanes)
}

/// The moments of each line of x, one behind the other. A line is not empty.
pub fn moments(context: &Context, x: &Buffer, to: MomentsOf<'_>, view: Lines) -> Result<()> {
    let coarsening = Coarsening::of(context);
    let across = view.lines_first();
    // vec4s of a line, or of neighbouring lines.
    let wide = if across { view.after.is_multiple_of(4) } else { view.along.is_multiple_of(4) };
    let width = if wide { 4 } else { 1 };
    let (along, after) =
        if across { (view.along, view.after / width) } else { (view.along / width, view.after) };
    let lanes = if across { 1 } else { coarsening.lanes as usize };
    let parts = parts(along, lanes);
    let lines = view.before * after;
    to_u32(OP, view.lines().saturating_mul(view.along))?;
    let params = Params {
        lines: to_u32(OP, lines)?,
        along: to_u32(OP, along)?,
        after: to_u32(OP, after)?,
        parts: to_u32(OP, parts)?,
    };
    let partials = context.alloc((view.lines() * parts * 16) as u64)?;
    let kernel = Specialisation::new("moments")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_bool("ACROSS", across)
        .with_u32("RUN", if parts == 1 { 1 } else { lanes as u32 })
        .with_u32("BLOCK", if coarsening.blocked() && wide { 4 } else { 8 })
        .with_fragment("moments_width", if wide { "vec4" } else { "scalar" });
    let dispatch = Dispatch {
        op: OP,
        params: bytemuck::bytes_of(&params),
        buffers: &[x, &partials],
        groups: workgroups(to_u32(OP, lines.saturating_mul(parts))?),
    };
    context.dispatch(&kernel, &dispatch)?;

    let lines = to_u32(OP, view.lines())?;
    let params = JoinParams { lines, parts: params.parts, zero: 0 };
    let dispatch = Dispatch {
        op: OP,
        params: bytemuck::bytes_of(&params),
        buffers: &[&partials, to.mean, to.rest, to.variance],
        groups: workgroups(lines),
    };
    context.dispatch(&Specialisation::new("moments_join").with_u32("WORKGROUP", WORKGROUP), &dispatch)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_are_short_and_few() {
        for lanes in [1, 4, 8, 32] {
            for steps in [1, 256, 257, 1000, 65_537, 1 << 20, 1 << 27, u32::MAX as usize] {
                let parts = parts(steps, lanes);
                assert!(parts == 1 || parts.is_multiple_of(lanes));
                assert!(parts < 65_536 && steps.div_ceil(parts) < 1 << 18, "{steps}: {parts} parts");
            }
        }
    }
}
