//! `attention_lanes`: a subgroup for some queries of a head, on software Vulkan.

use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::problem::{Buffers, Problem};
use crate::base::{
    device::{Device, DeviceClass},
    numbers::to_u32,
    params::{ParamsLayout, params},
};

params! { Params for "attention_lanes" {
    heads: u32,
    blocks: u32,
    workgroups: u32,
    queries: u32,
    keys: u32,
    mask_batch: u32,
    mask_head: u32,
    mask_query: u32,
    scale: f32,
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

const OP: &str = "attention";

/// Numbers of a query, key or value: beyond them a lane's private memory leaves the first cache.
const MOST: usize = 128;

/// Whether the kernel runs it: whole vec4s, and no loop beyond what any driver does.
pub(super) fn fits(device: &Device, problem: &Problem) -> bool {
    let vec4s = |numbers: usize| numbers.is_multiple_of(4) && numbers <= MOST;
    device.class == DeviceClass::SoftwareVulkan
        && device.long_kernels
        && vec4s(problem.head)
        && vec4s(problem.width)
        && problem.keys < 4 * 65_000
}

/// Queries of a lane: four, or fewer where they and their sums are long or the head has few.
fn rows(problem: &Problem, lanes: usize) -> usize {
    let most = if problem.head.max(problem.width) > 64 { 2 } else { 4 };
    if problem.queries <= lanes { 1 } else { most }
}

pub(super) fn launch(context: &Context, problem: &Problem, buffers: &Buffers<'_>) -> Result<()> {
    let lanes = Device::of(context).lanes;
    let rows = rows(problem, lanes as usize);
    let number = |number: usize| to_u32(OP, number);
    number(problem.largest_index())?;
    let blocks = problem.queries.div_ceil(lanes as usize * rows);
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
    };
    let kernel = Specialisation::new("attention_lanes")
        .with_u32("LANES", lanes)
        .with_u32("ROWS", rows as u32)
        .with_u32("HEAD", number(problem.head / 4)?)
        .with_u32("WIDTH", number(problem.width / 4)?)
        .with_bool("MASKED", problem.mask.is_some())
        .with_bool("CAUSAL", problem.causal);
    let groups = u64::from(workgroups);
    let params = bytemuck::bytes_of(&params);
    context.dispatch(&kernel, &Dispatch { op: OP, params, buffers: &buffers.all(), groups })
}
