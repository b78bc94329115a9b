//! `where`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{ParamsLayout, params::params, share::Share, vectors};

params! { Params for "where" { vectors: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// `y = condition ≠ 0 ? a : b` over `count` f32 elements that lie alike in all four.
pub fn where_(
    context: &Context,
    condition: &Buffer,
    a: &Buffer,
    b: &Buffer,
    y: &Buffer,
    count: usize,
) -> Result<()> {
    let vectors = vectors("where", count)?;
    let (kernel, groups) = Share::of(context).spread(Specialisation::new("where"), vectors);
    let params = Params { vectors };
    let buffers = &[condition, a, b, y];
    context.dispatch(&kernel, &Dispatch { op: "where", params: bytemuck::bytes_of(&params), buffers, groups })
}
