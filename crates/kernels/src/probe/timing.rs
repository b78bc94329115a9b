//! Wall-clock time of work that the device does, with a final wait.

use std::time::Instant;

use tilewright_runtime::{Context, Result};

/// Rounds of the same work: how long one piece of it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// The shortest round, in seconds for one piece of work.
    pub best: f64,
    /// The median round, likewise.
    pub median: f64,
    /// Pieces of work in a round.
    pub batch: usize,
}

/// Records `work` over and over between two waits, in rounds of at least `least` seconds, so that the cost of the wait
/// is spread over them. One round warms up; then `rounds` are timed.
///
/// # Errors
/// Those of `work` and of the device.
pub fn time(
    context: &Context,
    least: f64,
    rounds: usize,
    mut work: impl FnMut() -> Result<()>,
) -> Result<Timing> {
    let mut round = |batch: usize| -> Result<f64> {
        context.synchronize()?;
        let begun = Instant::now();
        for _ in 0..batch {
            work()?;
        }
        context.synchronize()?;
        Ok(begun.elapsed().as_secs_f64())
    };
    // The first run compiles pipelines and makes buffers.
    round(1)?;
    let mut batch = 1;
    loop {
        let taken = round(batch)?;
        if taken >= least || batch >= 1 << 16 {
            break;
        }
        batch *= ((least / taken.max(1e-7)).ceil() as usize).clamp(2, 16);
    }
    let mut times = Vec::with_capacity(rounds.max(1));
    for _ in 0..rounds.max(1) {
        times.push(round(batch)? / batch as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok(Timing { best: times[0], median: times[times.len() / 2], batch })
}
