//! `probe_empty`: what a dispatch costs beside its work.

use std::time::Instant;

use tilewright_runtime::{Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use super::{roofline::Overhead, timing::time};

/// Dispatches in a round.
const MANY: usize = 1024;

pub(super) fn measure(context: &Context) -> Result<Overhead> {
    let pipeline = context.pipeline(&Specialisation::new("probe_empty"))?;
    let dispatch = Dispatch { op: "probe", params: &[], buffers: &[], groups: 1 };
    let one = || context.dispatch_pipeline(&pipeline, &dispatch);
    let round_trip = time(context, 0.0, 31, one)?.median;
    // The host's part alone: nothing is waited for but the runtime's own bound on what is in flight.
    let (mut record, mut whole) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..7 {
        context.synchronize()?;
        let begun = Instant::now();
        for _ in 0..MANY {
            one()?;
        }
        context.flush()?;
        record = record.min(begun.elapsed().as_secs_f64());
        context.synchronize()?;
        whole = whole.min(begun.elapsed().as_secs_f64());
    }
    let each = 1e6 / MANY as f64;
    Ok(Overhead {
        record_us: record * each,
        dispatch_us: by_timestamps(context, one)?.unwrap_or(whole * each),
        round_trip_us: round_trip * 1e6,
    })
}

/// The median of what the device itself says of an empty dispatch, where it has a clock.
fn by_timestamps(context: &Context, one: impl Fn() -> Result<()>) -> Result<Option<f64>> {
    if !context.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
        return Ok(None);
    }
    context.start_profile()?;
    // The profile ends whatever happens.
    let outcome = (0..MANY).try_for_each(|_| one());
    let profile = context.finish_profile()?;
    outcome?;
    let mut times: Vec<f64> = profile.dispatches.iter().map(|dispatch| dispatch.duration_ns / 1e3).collect();
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied())
}
