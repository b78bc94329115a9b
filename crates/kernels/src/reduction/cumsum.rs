//! `cumsum` and `cumsum_totals`: running sums.

use tilewright_ops::CumSum;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::lines::Lines;
use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "cumsum", "cumsum_totals" {
    lines: u32,
    along: u32,
    after: u32,
    blocks: u32,
    length: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

const OP: &str = "cumsum";

/// Places that one thread takes alone.
const SERIAL: usize = 256;

/// Places of a block: a longer one would round more, and shorter ones have more totals.
fn length(along: usize) -> usize {
    if along <= SERIAL { along.max(1) } else { along.isqrt().next_power_of_two().clamp(64, 128) }
}

/// Running sums of each line of x. A line of up to 256 places is one sum; of a longer one each block of up to 128 starts
/// from the running sum of the blocks before it.
pub fn cumsum(context: &Context, op: CumSum, x: &Buffer, y: &Buffer, view: Lines) -> Result<()> {
    let length = length(view.along);
    let blocks = view.along.div_ceil(length);
    let params = Params {
        lines: to_u32(OP, view.lines())?,
        along: to_u32(OP, view.along)?,
        after: to_u32(OP, view.after)?,
        blocks: to_u32(OP, blocks)?,
        length: to_u32(OP, length)?,
    };
    // The last element is numbered in 32 bits too.
    to_u32(OP, view.lines().saturating_mul(view.along))?;
    let groups = workgroups(to_u32(OP, view.lines().saturating_mul(blocks))?);
    let launch = |stem, more: &dyn Fn(Specialisation) -> Specialisation, buffers: &[&Buffer]| {
        let kernel = Specialisation::new(stem)
            .with_u32("WORKGROUP", WORKGROUP)
            .with_bool("LINES_FIRST", view.lines_first())
            .with_bool("REVERSE", op.reverse);
        let dispatch = Dispatch { op: OP, params: bytemuck::bytes_of(&params), buffers, groups };
        context.dispatch(&more(kernel), &dispatch)
    };
    let sums = |starts: bool| {
        move |kernel: Specialisation| kernel.with_bool("EXCLUSIVE", op.exclusive).with_bool("STARTS", starts)
    };
    if blocks == 1 {
        return launch("cumsum", &sums(false), &[x, x, y]);
    }
    let bytes = (view.lines() * blocks * 4) as u64;
    let (totals, starts) = (context.alloc(bytes)?, context.alloc(bytes)?);
    launch("cumsum_totals", &|kernel| kernel, &[x, &totals])?;
    // Blocks are in the order of the sums: theirs run from the first.
    let of_blocks = CumSum { axis: 1, exclusive: true, reverse: false };
    cumsum(context, of_blocks, &totals, &starts, Lines { before: view.lines(), along: blocks, after: 1 })?;
    launch("cumsum", &sums(true), &[x, &starts, y])
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn blocks_are_short_and_few() {
        for along in [1, 256, 257, 1000, 65_536, 1_000_000, 1 << 27, u32::MAX as usize] {
            let (mut left, mut levels) = (along, 0);
            while left > 1 {
                assert!(length(left) <= 256, "{along}");
                let blocks = left.div_ceil(length(left));
                assert!(blocks < left, "{along}: {left} to {blocks}");
                (left, levels) = (blocks, levels + 1);
            }
            assert!(levels <= 5, "{along}: {levels} levels");
        }
    }
}
