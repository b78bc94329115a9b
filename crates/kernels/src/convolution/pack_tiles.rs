//! `conv2d_pack_filters` and `conv2d_pack_taps`: weights into the orders that the kernels read, four elements at a time.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    magic::{magic, to_numerator},
    numbers::to_u32,
    params::{ParamsLayout, params},
};

params! { FilterParams for "conv2d_pack_filters" {
    taps: u32,
    inputs: u32,
    outputs: u32,
    length: u32,
    by_outputs: [u32; 2],
    by_length: [u32; 2],
    by_taps: [u32; 2],
    count: u32,
    pad: u32,
} }

params! { TapParams for "conv2d_pack_taps" {
    matrix: u32,
    pad: u32,
    by_matrix: [u32; 2],
    count: u32,
    pad0: u32,
} }

pub(super) const LAYOUTS: [ParamsLayout; 2] = [FilterParams::LAYOUT, TapParams::LAYOUT];

/// Taps whose vec4s a thread of `conv2d_pack_taps` holds at most.
const MOST_TAPS: usize = 25;

/// An order of a weight: extents of G, A and B, B's elements side by side, with A's and B's strides in O I KH KW.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    pub groups: usize,
    pub a: usize,
    pub b: usize,
    pub a_stride: usize,
    pub b_stride: usize,
    pub taps: usize,
}

impl Tiles {
    /// Packs (or unpacks) f32 in tiles if the order is made of whole ones, and says whether it did.
    pub fn run(self, context: &Context, op: &str, unpack: bool, from: &Buffer, to: &Buffer) -> Result<bool> {
        let Self { groups, a, b, a_stride, b_stride, taps } = self;
        to_numerator(op, groups * a * b * taps)?;
        if !b.is_multiple_of(4) || taps == 0 {
            return Ok(false);
        }
        // One row of channels has no stride that matters.
        if b_stride == taps && (a == 1 || a_stride == b * taps) && taps <= MOST_TAPS {
            return self.by_taps(context, op, unpack, from, to);
        }
        let filters = a_stride == taps && b_stride == a * taps && (a * taps).is_multiple_of(4);
        if filters { self.by_filters(context, op, unpack, from, to) } else { Ok(false) }
    }

    fn by_taps(self, context: &Context, op: &str, unpack: bool, from: &Buffer, to: &Buffer) -> Result<bool> {
        let matrix = to_u32(op, self.a * self.b / 4)?;
        let count = to_u32(op, self.groups * self.a * self.b / 4)?;
        let params = TapParams { matrix, pad: 0, by_matrix: magic(matrix), count, pad0: 0 };
        let coarsening = Coarsening::of(context);
        let kernel = Specialisation::new("conv2d_pack_taps")
            .with_bool("UNPACK", unpack)
            .with_u32("COMPACT", coarsening.blocked().into())
            .with_u32("TAPS", self.taps as u32);
        let (kernel, groups) = coarsening.at_most(4).specialise(kernel, count);
        let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[from, to], groups };
        context.dispatch(&kernel, &dispatch)?;
        Ok(true)
    }

    fn by_filters(
        self,
        context: &Context,
        op: &str,
        unpack: bool,
        from: &Buffer,
        to: &Buffer,
    ) -> Result<bool> {
        let (outputs, length) = (to_u32(op, self.b / 4)?, to_u32(op, self.a * self.taps / 4)?);
        let taps = to_u32(op, self.taps)?;
        let params = FilterParams {
            taps,
            inputs: to_u32(op, self.a)?,
            outputs,
            length,
            by_outputs: magic(outputs),
            by_length: magic(length),
            by_taps: magic(taps),
            count: to_u32(op, self.groups * (self.b / 4) * (self.a * self.taps / 4))?,
            pad: 0,
        };
        let kernel = Specialisation::new("conv2d_pack_filters").with_bool("UNPACK", unpack);
        let (kernel, groups) = Coarsening::of(context).at_most(8).specialise(kernel, params.count);
        let dispatch = Dispatch { op, params: bytemuck::bytes_of(&params), buffers: &[from, to], groups };
        context.dispatch(&kernel, &dispatch)?;
        Ok(true)
    }
}
