//! `winograd_weight`.

use std::ops::Range;

use tilewright_runtime::{Buffer, Context, Dispatch, Result};

use super::spec::{Spec, budget};
use crate::{
    base::{
        numbers::{to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    convolution::problem::{Pass, Problem},
};

params! { WeightParams for "winograd_weight" { b: u32, a_stride: u32, b_stride: u32, flip: u32, count: u32 } }

pub(crate) const LAYOUT: ParamsLayout = WeightParams::LAYOUT;

/// Channels of a block of a weight are a multiple of this: that many filters are a distance at which every device binds.
const BLOCK: usize = 64;

/// The weight of a run.
#[derive(Clone, Copy)]
pub(super) enum Filters<'a> {
    /// Transformed before.
    Packed(&'a Buffer),
    /// O I 3 3, of this problem.
    Plain(&'a Problem, &'a Buffer),
}

/// The filters of some neighbouring channels of the result.
pub(super) enum Block<'a> {
    /// Transformed before.
    Packed(Buffer),
    /// To be transformed.
    Plain(Transform<'a>, Buffer),
}

/// How a weight is transformed.
#[derive(Clone, Copy)]
pub(super) struct Transform<'a> {
    pub pass: Pass,
    pub tile: u32,
    pub problem: &'a Problem,
}

impl<'a> Filters<'a> {
    /// The filters in blocks of `channels` of the result. A weight is transformed block by block, so that one at a time is in
    /// memory, where each is needed `once`: of many channels it is larger than all else that a layer of few pixels has.
    pub fn blocks(
        self,
        context: &Context,
        (pass, tile): (Pass, u32),
        channels: usize,
        once: bool,
    ) -> Result<Vec<(Range<usize>, Block<'a>)>> {
        let (problem, weight) = match self {
            Self::Packed(packed) => return Ok(vec![(0..channels, Block::Packed(packed.clone()))]),
            Self::Plain(problem, weight) => (problem, weight),
        };
        let transform = Transform { pass, tile, problem };
        let inputs = problem.w_shape[1];
        let alpha = tile as usize + 2;
        let bytes = 4 * alpha * alpha * problem.w_count() / 9;
        let at_once = (budget(context) / 4 / (bytes / channels).max(1) / BLOCK).max(1) * BLOCK;
        // What a recording transforms is constant and stays whole.
        if once && at_once < channels && !context.is_recording() {
            let parts = (0..channels).step_by(at_once).map(|first| {
                let block = first..channels.min(first + at_once);
                let (from, count) = match pass {
                    Pass::BackwardInput => (9 * first, problem.w_count() - 9 * first),
                    _ => (9 * inputs * first, 9 * inputs * block.len()),
                };
                let part = context.part(weight, 4 * from as u64, 4 * count as u64)?;
                Some((block, Block::Plain(transform, part)))
            });
            if let Some(parts) = parts.collect() {
                return Ok(parts);
            }
        }
        Ok(vec![(0..channels, Block::Packed(transform.pack(context, weight, channels)?))])
    }
}

impl Block<'_> {
    /// The filters of its `channels`, transformed.
    pub fn packed(&self, context: &Context, channels: usize) -> Result<Buffer> {
        match self {
            Self::Packed(packed) => Ok(packed.clone()),
            Self::Plain(transform, weight) => transform.pack(context, weight, channels),
        }
    }
}

impl Transform<'_> {
    /// The transformed weight: (tile + 2)², C, O; on the way back (tile + 2)², O, C of the filters turned by 180°. Of the last axis
    /// it has `channels`, those with which `weight` begins.
    pub fn pack(&self, context: &Context, weight: &Buffer, channels: usize) -> Result<Buffer> {
        let op = self.pass.name();
        let [outputs, inputs, ..] = self.problem.w_shape;
        let alpha = self.tile as usize + 2;
        let number = |value| to_u32(op, value);
        let (a, a_stride, b_stride, flip) = match self.pass {
            Pass::BackwardInput => (outputs, 9 * inputs, 9, 8),
            _ => (inputs, 9, 9 * inputs, 0),
        };
        number(alpha * alpha * a * channels)?;
        let spec = Spec::new(context, "winograd_weight", self.tile);
        let params = WeightParams {
            b: number(channels / spec.width())?,
            a_stride: number(a_stride)?,
            b_stride: number(b_stride)?,
            flip,
            count: number(a * channels / spec.width())?,
        };
        let packed = context.alloc((alpha * alpha * a * channels * 4) as u64)?;
        let dispatch = Dispatch {
            op,
            params: bytemuck::bytes_of(&params),
            buffers: &[weight, &packed],
            groups: workgroups(params.count),
        };
        context.dispatch(&spec.into(), &dispatch)?;
        Ok(packed)
    }
}
