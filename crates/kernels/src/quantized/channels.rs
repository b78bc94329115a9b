//! `qpad_channels`: pixels with whole words of channels, and back.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    numbers::{WORKGROUP, to_u32, workgroups},
    params::{ParamsLayout, params},
};

params! { Params for "qpad_channels" { count: u32, from_width: u32, to_width: u32, fill: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Channels in whole words.
pub(super) const fn padded(channels: usize) -> usize {
    channels.div_ceil(4) * 4
}

/// `rows` rows of `from` bytes in x as rows of `to` bytes in y; what is longer is filled with `fill`.
pub(super) fn change(
    context: &Context,
    op: &'static str,
    x: &Buffer,
    y: &Buffer,
    rows: usize,
    [from, to]: [usize; 2],
    fill: i32,
) -> Result<()> {
    let count = to_u32(op, rows * to)?;
    to_u32(op, rows * from)?;
    let (from_width, to_width) = (to_u32(op, from)?, to_u32(op, to)?);
    let params = Params { count, from_width, to_width, fill: fill.cast_unsigned() & 255 };
    let kernel = Specialisation::new("qpad_channels").with_u32("WORKGROUP", WORKGROUP);
    let groups = workgroups(count.div_ceil(4));
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[x, y], groups };
    context.dispatch(&kernel, &dispatch)
}

/// x, `rows` rows of `channels` bytes, with whole words in a row: itself where it has them.
pub(super) fn whole_words(
    context: &Context,
    op: &'static str,
    x: &Buffer,
    rows: usize,
    channels: usize,
    fill: i32,
) -> Result<Buffer> {
    let to = padded(channels);
    if to == channels {
        return Ok(x.clone());
    }
    let y = context.alloc((rows * to) as u64)?;
    change(context, op, x, &y, rows, [channels, to], fill)?;
    Ok(y)
}

/// Runs `write` on y, `rows` rows of `channels` bytes, or where those are no whole words on a copy that has them.
pub(super) fn through_words(
    context: &Context,
    op: &'static str,
    y: &Buffer,
    rows: usize,
    channels: usize,
    write: impl FnOnce(&Buffer) -> Result<()>,
) -> Result<()> {
    let from = padded(channels);
    if from == channels {
        return write(y);
    }
    let words = context.alloc((rows * from) as u64)?;
    write(&words)?;
    change(context, op, &words, y, rows, [from, channels], 0)
}
