//! `cast_from_bytes` and `cast_to_bytes`.

use tilewright_ops::DType;
use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::base::{
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "cast_from_bytes", "cast_to_bytes" { words: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

const WORKGROUP: u32 = 64;

/// `y = x` between a type of one byte and an integer of 32 bits, over `count` elements; `None` for another pair of types.
pub(super) fn cast_bytes(
    context: &Context,
    x: &Buffer,
    from: DType,
    y: &Buffer,
    to: DType,
    count: usize,
) -> Option<Result<()>> {
    let word = |dtype| matches!(dtype, DType::I32 | DType::U32);
    let kernel = match (from, to) {
        (DType::I8 | DType::U8, to) if word(to) => {
            Specialisation::new("cast_from_bytes").with_bool("SIGNED", from == DType::I8)
        }
        (from, DType::I8 | DType::U8) if word(from) => Specialisation::new("cast_to_bytes"),
        _ => return None,
    };
    Some(vectors("cast", count).and_then(|words| {
        let kernel = kernel.with_u32("WORKGROUP", WORKGROUP);
        let params = Params { words };
        let groups = u64::from(words.div_ceil(WORKGROUP));
        let dispatch = Dispatch { op: "cast", params: bytemuck::bytes_of(&params), buffers: &[x, y], groups };
        context.dispatch(&kernel, &dispatch)
    }))
}
