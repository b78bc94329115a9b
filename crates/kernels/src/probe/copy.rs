//! `probe_copy` and buffer copies, at sizes from a cache's to memory's.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{roofline::CopyRate, timing::time};
use crate::base::{
    coarsening::Coarsening,
    numbers::vectors,
    params::{ParamsLayout, params},
};

params! { Params for "probe_copy" { runs: u32, never: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] = &[Params::LAYOUT];

/// Bytes touched: the last is beyond four times any last-level cache of today's GPUs, as STREAM wants it.
const SIZES: [u64; 6] = [1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20, 512 << 20];

/// `y = x` over whole vec4s.
fn copy(context: &Context, x: &Buffer, y: &Buffer) -> Result<()> {
    let vectors = vectors("probe", (x.size() / 4) as usize)?;
    let kernel = Specialisation::new("probe_copy");
    let (kernel, groups, runs) = Coarsening::of(context).specialise_runs(context, kernel, vectors);
    let params = Params { runs, never: 0 };
    let buffers = &[x, y, x];
    let dispatch = Dispatch { op: "probe", params: bytemuck::bytes_of(&params), buffers, groups };
    context.dispatch(&kernel, &dispatch)
}

/// The device's own copy of each pair, in one submission.
fn copy_buffers(context: &Context, pairs: &[(Buffer, Buffer)]) -> Result<()> {
    context.flush()?;
    let mut encoder = context.device().create_command_encoder(&Default::default());
    for (x, y) in pairs {
        encoder.copy_buffer_to_buffer(x.raw(), 0, y.raw(), 0, Some(x.size()));
    }
    context.queue().submit([encoder.finish()]);
    Ok(())
}

pub(super) fn measure(context: &Context, say: &mut impl FnMut(&str)) -> Result<Vec<CopyRate>> {
    // What is larger than one binding lies in several.
    let largest = context.limits().max_storage_buffer_binding_size.min(context.limits().max_buffer_size);
    let piece = (largest / 2).clamp(1 << 20, 64 << 20).next_power_of_two();
    let mut rates: Vec<CopyRate> = Vec::new();
    for bytes in SIZES {
        say(&format!("copies of {} MiB", bytes >> 20));
        let half = bytes / 2;
        let pieces = half.div_ceil(piece);
        let size = half / pieces;
        let pairs: Vec<(Buffer, Buffer)> =
            (0..pieces).map(|_| Ok((context.alloc(size)?, context.alloc(size)?))).collect::<Result<_>>()?;
        // A page that was never written may have no memory behind it.
        for (x, _) in &pairs {
            context.write(x, &vec![0x3c; size as usize])?;
        }
        let rate = |seconds: f64| bytes as f64 / seconds / 1e9;
        let by_kernel = time(context, 0.02, 7, || pairs.iter().try_for_each(|(x, y)| copy(context, x, y)))?;
        let by_buffer = time(context, 0.02, 7, || copy_buffers(context, &pairs))?;
        rates.push(CopyRate {
            bytes,
            buffer_gb_per_s: rate(by_buffer.best),
            kernel_gb_per_s: rate(by_kernel.best),
        });
        drop(pairs);
        context.trim()?;
    }
    Ok(rates)
}
