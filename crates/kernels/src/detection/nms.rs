//! `nms_mask` and `nms_sweep`.

use tilewright_ops::Nms;
use tilewright_runtime::{Buffer, Context, Dispatch, Error, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { MaskParams for "nms_mask" {
    images: u32,
    first: u32,
    count: u32,
    words: u32,
    threshold: f32,
    infinity: f32,
} }

params! { SweepParams for "nms_sweep" { first: u32, count: u32, words: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[MaskParams::LAYOUT, SweepParams::LAYOUT];

const OP: &str = "nms";

/// Threads of a sweep, as far as it has words for them.
const THREADS: usize = 256;

/// `keep` (i32, `images` × `count`): 1 for each box that no better one covers, else 0. `boxes` (x1 y1 x2 y2) of an image stand
/// best first; boxes of different `classes` (i32) do not meet, and one of a class below 0 is none.
pub fn nms(
    context: &Context,
    op: Nms,
    [images, count]: [usize; 2],
    boxes: &Buffer,
    classes: &Buffer,
    keep: &Buffer,
) -> Result<()> {
    if images == 0 || count == 0 {
        return Ok(());
    }
    let words = count.div_ceil(32);
    // Of an image: a row of bits for each box.
    let bytes = words as u64 * words as u64 * 128;
    let limit = context.limits().max_storage_buffer_binding_size;
    if bytes > limit {
        return Err(Error::Limit {
            op: OP.to_owned(),
            what: "the bytes of a binding",
            needed: bytes,
            limit,
            detail: format!(
                "{count} boxes of an image are compared with each other; take fewer, the best by topk"
            ),
        });
    }
    let together = images.min((limit / bytes) as usize).min(u32::MAX as usize / (words * words * 32));
    let mask = context.alloc(bytes * together as u64)?;
    for first in (0..images).step_by(together) {
        let own = together.min(images - first);
        let params = MaskParams {
            images: to_u32(OP, own)?,
            first: to_u32(OP, first)?,
            count: to_u32(OP, count)?,
            words: to_u32(OP, words)?,
            threshold: op.iou_threshold,
            infinity: f32::INFINITY,
        };
        let kernel = Specialisation::new("nms_mask").with_u32("WORKGROUP", WORKGROUP);
        let groups = workgroups(to_u32(OP, own * words * words * 32)?);
        let buffers = &[boxes, classes, &mask];
        context
            .dispatch(&kernel, &Dispatch { op: OP, params: bytemuck::bytes_of(&params), buffers, groups })?;
        let params = SweepParams { first: params.first, count: params.count, words: params.words };
        // Few sizes, for each is a kernel of its own.
        let room = if words <= THREADS { THREADS } else { Nms::MOST / 32 };
        let threads = words.next_power_of_two().clamp(32, THREADS);
        let kernel = Specialisation::new("nms_sweep")
            .with_u32("WORKGROUP", threads as u32)
            .with_u32("WORDS", room as u32);
        let buffers = &[classes, &mask, keep];
        let params = bytemuck::bytes_of(&params);
        context.dispatch(&kernel, &Dispatch { op: OP, params, buffers, groups: own as u64 })?;
    }
    Ok(())
}
