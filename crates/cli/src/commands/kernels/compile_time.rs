//! `tilewright kernels compile-time`: what the first run of a network costs more than the next, because its kernels are
//! compiled: with every cache off, with empty caches (a program's first run on a machine), and with what that run left.

use std::{collections::BTreeMap, env, path::Path, process::Command, time::Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tilewright_runtime::{Context, Profile};

use super::bench::extents::extents;
use crate::{commands::output::print_json, error::Error, error::Result, workload::Workload};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo.
    #[arg(long, value_name = "NAME", default_value = "resnet18")]
    network: String,
    /// The input, N×C×H×W.
    #[arg(long, value_parser = extents::<4>, value_name = "NxCxHxW", default_value = "1x3x224x224")]
    input: [usize; 4],
    /// A step of training instead of an inference.
    #[arg(long)]
    training: bool,
    /// Fail if it takes more seconds than this with every cache off.
    #[arg(long, value_name = "SECONDS")]
    assert: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Measure in this process and print JSON: what the command starts itself with.
    #[arg(long, hide = true)]
    measure_here: bool,
    /// Ask the device's clock about every launch. The program then waits for each batch.
    #[arg(long, hide = true)]
    each_launch: bool,
}

/// What one process saw.
#[derive(Debug, Serialize, Deserialize)]
struct Measurement {
    device: String,
    driver: String,
    /// Distinct kernels of the network.
    pipelines: usize,
    /// Those of them that a second device compiled ahead.
    ahead: usize,
    /// Seconds in wgpu's pipeline creation; a driver may put off a part of its work to the first launch.
    create_s: f64,
    /// The first run.
    first_s: f64,
    /// The shortest of three more.
    next_s: f64,
    /// What the first use costs: the difference.
    first_use_s: f64,
    /// The same by kernel, the longest first, from the device's clock; empty where it has none. A driver that compiles at
    /// the first launch shows here what each kernel costs.
    kernels: Vec<KernelTime>,
}

/// What the launches of a kernel, all its specialisations together, took longer in the first run.
#[derive(Debug, Serialize, Deserialize)]
struct KernelTime {
    kernel: String,
    seconds: f64,
}

/// Kernels that cost less are not printed.
const SHOWN_S: f64 = 0.02;

pub fn run(arguments: &Arguments, context: impl FnOnce() -> Result<Context>) -> Result<()> {
    if arguments.measure_here {
        print_json(&measure(arguments, &context()?)?);
        return Ok(());
    }
    let fault = |source| Error::file(&env::temp_dir(), source);
    let folder = tempfile::tempdir().map_err(fault)?;
    // The first process finds nothing and keeps nothing; the second fills caches of its own for the third.
    let cold = start(&folder.path().join("none"), false)?;
    let empty = start(&folder.path().join("kept"), true)?;
    let warm = start(&folder.path().join("kept"), true)?;
    let what = if arguments.training { "a step of training" } else { "an inference" };
    if arguments.json {
        print_json(&json!({
            "network": arguments.network, "input": arguments.input, "what": what, "cold": cold, "empty": empty,
            "warm": warm,
        }));
    } else {
        println!("{}, {what} of {:?}, {} ({})", arguments.network, arguments.input, cold.device, cold.driver);
        println!(
            "  {:<12} {:>9} {:>7} {:>12} {:>10} {:>10} {:>12}",
            "caches", "kernels", "ahead", "creation s", "first s", "next s", "first use s"
        );
        for (name, seen) in [("off", &cold), ("empty", &empty), ("warm", &warm)] {
            println!(
                "  {name:<12} {:>9} {:>7} {:>12.2} {:>10.2} {:>10.3} {:>12.2}",
                seen.pipelines, seen.ahead, seen.create_s, seen.first_s, seen.next_s, seen.first_use_s
            );
        }
        for KernelTime { kernel, seconds } in cold.kernels.iter().filter(|row| row.seconds >= SHOWN_S) {
            println!("  {kernel:<32} {seconds:>9.2} s in first launches, caches off");
        }
    }
    match arguments.assert {
        Some(most) if cold.first_use_s > most => Err(Error::Check(format!(
            "the first use of {} takes {:.1} s with caches off, and {most} s are allowed",
            arguments.network, cold.first_use_s
        ))),
        _ => Ok(()),
    }
}

/// Runs the same command in a process of its own: drivers read where their caches lie when they start.
fn start(folder: &Path, keep: bool) -> Result<Measurement> {
    let fault = |source| Error::file(Path::new("tilewright"), source);
    let mut command = Command::new(env::current_exe().map_err(fault)?);
    command.args(env::args_os().skip(1)).arg("--measure-here");
    // Kernels are compiled ahead only where a cache hands them on, and only while the program does not wait.
    if !keep {
        command.arg("--each-launch");
    }
    command.env("TILEWRIGHT_CACHE", if keep { folder.as_os_str() } else { "".as_ref() });
    // Mesa's, and NVIDIA's.
    command.env("MESA_SHADER_CACHE_DISABLE", if keep { "false" } else { "true" });
    command.env("MESA_SHADER_CACHE_DIR", folder).env("MESA_GLSL_CACHE_DIR", folder);
    command
        .env("__GL_SHADER_DISK_CACHE", if keep { "1" } else { "0" })
        .env("__GL_SHADER_DISK_CACHE_PATH", folder);
    std::fs::create_dir_all(folder).map_err(|source| Error::file(folder, source))?;
    let output = command.output().map_err(fault)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Check(said.trim().trim_start_matches("error: ").to_owned()));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::Check(format!("the measuring process gave no result: {error}")))
}

fn measure(arguments: &Arguments, context: &Context) -> Result<Measurement> {
    let mut work = Workload::new(context, &arguments.network, arguments.input)?;
    context.synchronize()?;
    // Kernels that initialise weights are none of the network's.
    let (before, before_s) = context.pipeline_report();
    let before_ahead = context.pipelines_ahead();
    let mut once = || -> Result<f64> {
        let begun = Instant::now();
        if arguments.training {
            work.train()?
        } else {
            work.infer()?
        }
        Ok(begun.elapsed().as_secs_f64())
    };
    let timed = arguments.each_launch && context.start_profile().is_ok();
    let first_s = once()?;
    let first = if timed { Some(context.finish_profile()?) } else { None };
    let (pipelines, create_s) = context.pipeline_report();
    let mut next_s = f64::INFINITY;
    for _ in 0..3 {
        next_s = next_s.min(once()?);
    }
    let mut kernels = Vec::new();
    if let Some(first) = first {
        context.start_profile()?;
        once()?;
        let next = by_kernel(&context.finish_profile()?);
        for (kernel, first) in by_kernel(&first) {
            let seconds = first - next.get(&kernel).copied().unwrap_or(0.0);
            kernels.push(KernelTime { kernel, seconds });
        }
        kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    }
    let info = context.adapter_info();
    Ok(Measurement {
        device: info.name.clone(),
        driver: info.driver_info.clone(),
        pipelines: pipelines - before,
        ahead: context.pipelines_ahead() - before_ahead,
        create_s: create_s - before_s,
        first_s,
        next_s,
        first_use_s: first_s - next_s,
        kernels,
    })
}

/// Seconds on the device by kernel.
fn by_kernel(profile: &Profile) -> BTreeMap<String, f64> {
    let mut seconds = BTreeMap::new();
    for dispatch in &profile.dispatches {
        *seconds.entry(dispatch.kernel.clone()).or_default() += dispatch.duration_ns / 1e9;
    }
    seconds
}
