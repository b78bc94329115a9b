//! `attention`: a thread for each query, keys and values in workgroup memory.

use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::problem::{Buffers, Problem};
use crate::base::{
    device::Device,
    numbers::{WORKGROUP, to_u32},
    params::{ParamsLayout, params},
};

params! { Params for "attention" {
    heads: u32,
    blocks: u32,
    workgroups: u32,
    queries: u32,
    keys: u32,
    mask_batch: u32,
    mask_head: u32,
    mask_query: u32,
    scale: f32,
    head: u32,
    width: u32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

const OP: &str = "attention";

/// Numbers of a query, key or value: a thread has no registers for more.
const MOST: usize = 128;

/// Keys of a tile.
const KEYS: usize = 16;

/// Numbers that a specialisation is made for, so that not every extent compiles its own.
fn padded(numbers: usize) -> usize {
    numbers.next_power_of_two().max(16)
}

/// Whether the kernel runs it.
pub(super) fn fits(device: &Device, problem: &Problem) -> bool {
    let (head, width) = (padded(problem.head), padded(problem.width));
    let bytes = KEYS * (head + width) * size_of::<f32>();
    head.max(width) <= MOST && bytes <= device.max_workgroup_bytes as usize && problem.keys < KEYS * 65_000
}

pub(super) fn launch(context: &Context, problem: &Problem, buffers: &Buffers<'_>) -> Result<()> {
    let number = |number: usize| to_u32(OP, number);
    number(problem.largest_index())?;
    let blocks = problem.queries.div_ceil(WORKGROUP as usize);
    let workgroups = number(problem.batch * problem.heads * blocks)?;
    let [mask_batch, mask_head, mask_query] = problem.mask.unwrap_or_default();
    let params = Params {
        heads: number(problem.heads)?,
        blocks: number(blocks)?,
        workgroups,
        queries: number(problem.queries)?,
        keys: number(problem.keys)?,
        mask_batch: number(mask_batch)?,
        mask_head: number(mask_head)?,
        mask_query: number(mask_query)?,
        scale: problem.scale,
        head: number(problem.head)?,
        width: number(problem.width)?,
    };
    let kernel = Specialisation::new("attention")
        .with_u32("WORKGROUP", WORKGROUP)
        .with_u32("KEYS", KEYS as u32)
        .with_u32("HEAD", number(padded(problem.head) / 4)?)
        .with_u32("WIDTH", number(padded(problem.width) / 4)?)
        .with_bool("MASKED", problem.mask.is_some())
        .with_bool("CAUSAL", problem.causal);
    let groups = u64::from(workgroups);
    let params = bytemuck::bytes_of(&params);
    context.dispatch(&kernel, &Dispatch { op: OP, params, buffers: &buffers.all(), groups })
}
