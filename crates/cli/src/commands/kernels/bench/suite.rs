//! `tilewright kernels bench suite`: the choice beside the best candidate, over every convolution of known networks.

use serde::Serialize;
use serde_json::json;
use tilewright_kernels::{
    convolution::{Pass, Problem},
    probe::Roofline,
    select,
    tune::{self, Verdict},
};
use tilewright_runtime::Context;

use super::pass::PassName;
use crate::{
    commands::output::print_json, commands::output::probed, error::Error, error::Result, suite, suite::Work,
};

/// The geometric mean of choice against best candidate that `--assert` wants.
const WANTED: f64 = 0.95;

/// A row whose choice seems to be slower than this part of the best is measured so often in all: noise only ever makes
/// a time longer, so the shortest of several contests is nearer to the truth.
const DOUBTFUL: (f64, usize) = (0.95, 4);

/// What the suite alone takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only the convolutions of this network; may be repeated. All networks otherwise.
    #[arg(long = "network", value_name = "NAME")]
    networks: Vec<String>,
    /// Which of the three convolutions of training.
    #[arg(long, value_enum, default_value = "forward")]
    pass: PassName,
}

/// What all benches take.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub assert: bool,
    pub chosen: bool,
    pub json: bool,
}

/// One convolution's result.
#[derive(Debug, Serialize)]
struct Row {
    work: String,
    networks: Vec<String>,
    layers: usize,
    flops: u64,
    bytes: u64,
    chosen: &'static str,
    chosen_ms: f64,
    gflops: f64,
    /// Of min(peak, intensity · bandwidth).
    roof_share: f64,
    best: &'static str,
    best_ms: f64,
    /// The best candidate's time by the choice's: 1 where the choice is the best.
    ratio: f64,
    /// Every candidate's shortest time.
    candidates_ms: Vec<(&'static str, f64)>,
}

pub fn run(arguments: &Arguments, options: Options, context: &Context) -> Result<()> {
    let works = suite::works(&arguments.networks)?;
    let pass = Pass::from(arguments.pass);
    let roofline = probed(context, false)?;
    if !options.json {
        println!(
            "{} of {} convolutions, {} ({})",
            pass.name(),
            works.len(),
            roofline.device,
            roofline.driver
        );
        println!(
            "{:<32} {:<14} {:>9} {:>8} {:>6} {:<14} {:>6}",
            "work", "choice", "ms", "GFLOP/s", "roof", "best", "ratio"
        );
    }
    let mut rows = Vec::with_capacity(works.len());
    for (at, work) in works.iter().enumerate() {
        let row = row(context, &roofline, pass, work, options.chosen)?;
        if options.json {
            eprintln!("{}/{} {}", at + 1, works.len(), row.work);
        } else {
            println!(
                "{:<32} {:<14} {:>9.3} {:>8.2} {:>4.0} % {:<14} {:>6.3}",
                row.work,
                row.chosen,
                row.chosen_ms,
                row.gflops,
                row.roof_share * 100.0,
                row.best,
                row.ratio
            );
        }
        rows.push(row);
    }
    let mean = geometric_mean(rows.iter().map(|row| row.ratio));
    let share = geometric_mean(rows.iter().map(|row| row.roof_share));
    let worst = rows.iter().min_by(|a, b| a.ratio.total_cmp(&b.ratio));
    if options.json {
        print_json(&json!({
            "pass": pass.name(), "device": roofline.device, "driver": roofline.driver, "rows": rows,
            "geometric_mean_ratio": mean, "geometric_mean_roof_share": share,
            "worst": worst.map(|row| json!({"work": row.work, "ratio": row.ratio})),
        }));
    } else if let Some(worst) = worst {
        println!(
            "choice against best, geometric mean: {mean:.3}; worst: {:.3} ({})",
            worst.ratio, worst.work
        );
        println!("share of the roof, geometric mean: {:.0} %", share * 100.0);
    }
    if options.assert && mean < WANTED {
        return Err(Error::Check(format!(
            "the choice reaches {mean:.3} of the best candidate in the geometric mean, and {WANTED} is wanted; \
             the table is in crates/kernels/src/convolution/table.rs"
        )));
    }
    Ok(())
}

fn row(context: &Context, roofline: &Roofline, pass: Pass, work: &Work, chosen_only: bool) -> Result<Row> {
    let problem = &work.problem;
    let chosen = select::conv2d_repeated_for(context, pass, problem).algorithm;
    let measure = || -> Result<Verdict> {
        let verdict = tune::measure_conv2d(context, pass, problem, chosen_only.then_some(chosen))?;
        check(problem, &verdict)?;
        Ok(verdict)
    };
    let mut verdict = measure()?;
    for _ in 1..DOUBTFUL.1 {
        let of_choice = verdict.times.iter().find(|(name, _)| *name == chosen.name());
        let best = verdict.times.iter().map(|(_, seconds)| *seconds).fold(f64::INFINITY, f64::min);
        if of_choice.is_none_or(|(_, seconds)| best / seconds >= DOUBTFUL.0) {
            break;
        }
        for (kept, again) in verdict.times.iter_mut().zip(measure()?.times) {
            kept.1 = kept.1.min(again.1);
        }
    }
    let of = |name| verdict.times.iter().find(|(found, _)| *found == name);
    let fastest = verdict.times.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let (Some(&(chosen, chosen_s)), Some(&(best, best_s))) = (of(chosen.name()), fastest) else {
        return Err(Error::Check(format!("{} was not measured for {problem}", chosen.name())));
    };
    let (flops, bytes) = (problem.flops(), suite::bytes(problem)?);
    Ok(Row {
        work: suite::describe(problem),
        networks: work.networks.iter().cloned().collect(),
        layers: work.layers.len(),
        flops,
        bytes,
        chosen,
        chosen_ms: chosen_s * 1e3,
        gflops: flops as f64 / chosen_s / 1e9,
        roof_share: roofline.share(flops, bytes, chosen_s),
        best,
        best_ms: best_s * 1e3,
        ratio: best_s / chosen_s,
        candidates_ms: verdict.times.iter().map(|(name, seconds)| (*name, seconds * 1e3)).collect(),
    })
}

/// A wrong candidate ends a bench: here is where it must be noticed.
fn check(problem: &Problem, verdict: &Verdict) -> Result<()> {
    match verdict.rejected.first() {
        Some((name, reason)) => Err(Error::Check(format!("{name} is wrong for {problem}: {reason}"))),
        None => Ok(()),
    }
}

/// 0 for none.
fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value.ln(), count + 1));
    if count == 0 { 0.0 } else { (sum / f64::from(count)).exp() }
}
