//! Copies: the roofs of all that is bound by memory.

use tilewright_kernels::elementwise::cast;
use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_tensor::Result;

use crate::work::{Quantity, Work};

/// The device's own copy of a buffer of `mib` MiB, and a kernel that copies as much, where a binding may be that large.
///
/// # Errors
/// Those of making the buffers.
pub fn copies(context: &Context, mib: usize) -> Result<Vec<Work>> {
    let size = (mib as u64) << 20;
    let (from, to) = (context.alloc(size)?, context.alloc(size)?);
    let own = context.clone();
    let copy = move || {
        let mut encoder = own.device().create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(from.raw(), 0, to.raw(), 0, Some(size));
        own.queue().submit([encoder.finish()]);
        Ok(())
    };
    let count = (size / 4) as usize;
    let work = |name: &str, run| Work {
        name: name.to_owned(),
        shape: vec![count],
        quantity: Quantity::Bytes(2 * size),
        run,
    };
    let mut works = vec![work("copy_buffer", Box::new(copy))];
    if size <= context.limits().max_storage_buffer_binding_size {
        let (own, from, to) = (context.clone(), context.alloc(size)?, context.alloc(size)?);
        // Words to words: no conversion is left of the cast.
        let copy = move || Ok(cast(&own, &from, DType::U32, &to, DType::U32, count).transpose().map(drop)?);
        works.push(work("copy kernel", Box::new(copy)));
    }
    Ok(works)
}
