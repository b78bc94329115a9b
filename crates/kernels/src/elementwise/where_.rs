//! `where`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "where" { runs: u32, never: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y = condition ≠ 0 ? a : b` over `count` elements of four bytes that lie alike in all four; the condition is of `truth`,
/// f32 or an integer.
pub fn where_(
    context: &Context,
    condition: &Buffer,
    truth: DType,
    a: &Buffer,
    b: &Buffer,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors("where", count)?;
    // −0 is as false as 0.
    let bits = if truth == DType::F32 { !(1 << 31) } else { u32::MAX };
    let kernel = Specialisation::new("where").with_u32("TRUTH", bits);
    let (kernel, groups, runs) = Coarsening::of(context).specialise_runs(context, kernel, vectors);
    let params = Params { runs, never: 0 };
    let buffers = &[condition, a, b, y, condition, a, b];
    context.dispatch(&kernel, &Dispatch { op: "where", params: bytemuck::bytes_of(&params), buffers, groups })
}
