//! `random_fill` and `dropout`.

use tilewright_ops::Dropout;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::{Coarsening, WIDE_TURN, wide_words},
    device::Device,
    magic::magic,
    numbers::{to_u32, vectors},
    params::{ParamsLayout, params},
};

params! { FillParams for "random_fill" {
    blocks: u32,
    seed_low: u32,
    seed_high: u32,
    stream_low: u32,
    stream_high: u32,
} }

params! { DropoutParams for "dropout" {
    vectors: u32,
    seed_low: u32,
    seed_high: u32,
    stream_low: u32,
    stream_high: u32,
    threshold: u32,
    scale: f32,
    channels: u32,
    pixels: u32,
    never: u32,
    by_channels: [u32; 2],
    by_pixels: [u32; 2],
} }

pub(super) const LAYOUTS: &[ParamsLayout] = &[FillParams::LAYOUT, DropoutParams::LAYOUT];

/// How random numbers are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Evenly over [0, 1), in steps of 2⁻²⁴.
    Uniform,
    /// Normally, with mean 0 and variance 1.
    Normal,
}

impl Distribution {
    /// The name of the operation and of the fragment.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
        }
    }
}

/// Fills `y` with the first `count` numbers of a stream.
pub fn random_fill(
    context: &Context,
    distribution: Distribution,
    y: &Buffer,
    count: usize,
    seed: u64,
    stream: u64,
) -> Result<()> {
    let op = distribution.name();
    let blocks = vectors(op, count)?;
    let kernel = Specialisation::new("random_fill").with_fragment("distribution", distribution.name());
    let kernel = wide_words(context, wide_products(context, kernel));
    let (kernel, groups) = Coarsening::of(context).at_most(8).specialise(kernel, blocks);
    let params = FillParams {
        blocks,
        seed_low: seed as u32,
        seed_high: (seed >> 32) as u32,
        stream_low: stream as u32,
        stream_high: (stream >> 32) as u32,
    };
    let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[y], groups };
    context.dispatch(&kernel, &dispatch)
}

/// The kernel with 64-bit words where shaders have them; the bits are the same.
fn wide_products(context: &Context, kernel: Specialisation) -> Specialisation {
    if context.features().contains(wgpu::Features::SHADER_INT64) {
        kernel.with_fragment("philox", "u64")
    } else {
        kernel
    }
}

/// `y = dropout(x)` over `count` elements; `channels_last` gives C and H · W where memory is N H W C.
pub fn dropout(
    context: &Context,
    op: &Dropout,
    x: &Buffer,
    y: &Buffer,
    count: usize,
    channels_last: Option<[usize; 2]>,
    seed: u64,
    stream: u64,
) -> Result<()> {
    let name = "dropout";
    let [channels, pixels] = channels_last.unwrap_or([1, 1]);
    let tiles = channels_last.is_some() && channels.is_multiple_of(4) && pixels.is_multiple_of(4);
    let vectors = vectors(name, count)? / if tiles { 4 } else { 1 };
    let kernel = Specialisation::new("dropout")
        .with_bool("CHANNELS_LAST", channels_last.is_some())
        .with_bool("TILES", tiles);
    let kernel = wide_products(context, kernel);
    let coarsening =
        if channels_last.is_some() { Coarsening::of(context).at_most(8) } else { Coarsening::of(context) };
    let blocks = if channels_last.is_some() { 1 } else { coarsening.vectors.min(4) };
    // A turn of a subgroup: four vec4s of a thread, or a tile, whose neighbours must be of the same four pixels.
    let whole = match channels_last {
        Some(_) => tiles && channels.is_multiple_of(WIDE_TURN as usize),
        None => blocks == 4 && vectors.is_multiple_of(WIDE_TURN),
    };
    let kernel = kernel.with_u32("BLOCKS", blocks);
    let kernel = if whole && Device::of(context).wide_words() {
        wide_words(context, kernel).with_bool("AHEAD", true)
    } else {
        kernel
    };
    let (kernel, groups) = coarsening.specialise(kernel, vectors);
    let params = DropoutParams {
        vectors,
        seed_low: seed as u32,
        seed_high: (seed >> 32) as u32,
        stream_low: stream as u32,
        stream_high: (stream >> 32) as u32,
        // A whole number: 24 bits of a number in [0, 1) are compared with it.
        threshold: (op.p * 16_777_216.0).ceil() as u32,
        scale: op.scale(),
        channels: to_u32(name, channels)?,
        pixels: to_u32(name, pixels)?,
        never: 0,
        by_channels: if tiles { magic(to_u32(name, channels / 4)?) } else { [0; 2] },
        by_pixels: if tiles { magic(to_u32(name, pixels / 4)?) } else { [0; 2] },
    };
    let dispatch = Dispatch { op: name, params: bytemuck::bytes_of(&params), buffers: &[x, y, x], groups };
    context.dispatch(&kernel, &dispatch)
}
