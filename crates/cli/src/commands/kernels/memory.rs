//! `tilewright kernels bench memory`: what is bound by memory, as a share of the device's own copy of as many bytes.

use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use tilewright_runtime::Context;
use tilewright_works::{Work, copies, memory_bound};

use crate::{commands::output::print_json, error::Error, error::Result};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Megabytes (2^20) of an operand. A copy in a cache has another roof than one in memory: for the latter take at least
    /// four times the last-level cache (McCalpin's rule for STREAM).
    #[arg(long, value_delimiter = ',', default_values_t = [16, 120], value_name = "MIB")]
    size: Vec<usize>,
    /// Only rows with this in their name.
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,
    /// Only the copies: what there is to reach.
    #[arg(long)]
    copies: bool,
}

/// One kernel at one size.
#[derive(Debug, Serialize)]
struct Row {
    mib: usize,
    name: String,
    /// Bytes that cannot be spared: each operand read once, each result written once.
    bytes: f64,
    median_ms: f64,
    min_ms: f64,
    /// By the shortest time.
    gb_per_s: f64,
    /// Of the buffer copy's bytes a second in the same rounds.
    share_of_copy: f64,
}

pub fn run(arguments: &Arguments, repeat: usize, as_json: bool, context: &Context) -> Result<()> {
    let info = context.adapter_info();
    let mut rows = Vec::new();
    for &mib in &arguments.size {
        if mib == 0 {
            return Err(Error::Argument { argument: "--size", reason: "it must be at least 1".to_owned() });
        }
        let mut all = copies(context, mib)?;
        if !arguments.copies {
            all.extend(memory_bound(context, mib)?);
        }
        // The first is what the others are measured against.
        let all: Vec<_> = all
            .into_iter()
            .enumerate()
            .filter(|(at, work)| *at == 0 || work.name.contains(&arguments.only))
            .map(|(_, work)| work)
            .collect();
        if all.len() == 1 && !arguments.only.is_empty() && !all[0].name.contains(&arguments.only) {
            let reason = format!(
                "no row has `{}` in its name; without --only every row and its name is shown",
                arguments.only
            );
            return Err(Error::Argument { argument: "--only", reason });
        }
        rows.extend(measure(context, mib, &all, repeat)?);
    }
    if as_json {
        let what = "memory-bound kernels";
        print_json(&json!({"what": what, "device": info.name, "driver": info.driver_info, "rows": rows}));
        return Ok(());
    }
    println!("{} ({})", info.name, info.driver_info);
    println!(
        "| kernel | MiB | min ms | median ms | GB/s | of copy |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    );
    for Row { name, mib, min_ms, median_ms, gb_per_s, share_of_copy, .. } in &rows {
        println!("| {name} | {mib} | {min_ms:.3} | {median_ms:.3} | {gb_per_s:.2} | {share_of_copy:.2} |");
    }
    Ok(())
}

/// Seconds that one timing takes at least: enough for the clock and the submission not to count. It is short, so that on a
/// busy machine some of the timings are not interrupted.
const TIMING: f64 = 2e-3;

/// Times all works in turn, so that loads on the machine meet each alike.
fn measure(context: &Context, mib: usize, works: &[Work], repeat: usize) -> Result<Vec<Row>> {
    let time = |work: &Work, runs: usize| -> Result<f64> {
        context.synchronize()?;
        let begun = Instant::now();
        for _ in 0..runs {
            (work.run)()?;
        }
        context.synchronize()?;
        Ok(begun.elapsed().as_secs_f64() / runs as f64)
    };
    let mut runs = Vec::with_capacity(works.len());
    for work in works {
        // The first compiles.
        time(work, 1)?;
        runs.push(((TIMING / time(work, 1)?).ceil() as usize).clamp(1, 100));
    }
    let mut times = vec![Vec::with_capacity(repeat); works.len()];
    for _ in 0..repeat {
        for ((work, times), &runs) in works.iter().zip(&mut times).zip(&runs) {
            times.push(time(work, runs)?);
        }
    }
    let mut rows: Vec<Row> = Vec::with_capacity(works.len());
    for (work, mut times) in works.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let (min, median) = (times[0], times[times.len() / 2]);
        let bytes = work.bytes() as f64;
        let gb_per_s = bytes / min / 1e9;
        rows.push(Row {
            mib,
            name: work.name.clone(),
            bytes,
            median_ms: median * 1e3,
            min_ms: min * 1e3,
            gb_per_s,
            share_of_copy: gb_per_s / rows.first().map_or(gb_per_s, |copy| copy.gb_per_s),
        });
    }
    Ok(rows)
}
