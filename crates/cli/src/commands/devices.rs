//! `tilewright devices`: the adapters, and with `--probe` what one of them can do.

use serde_json::json;
use tilewright_kernels::{
    cooperative::Trial,
    probe::{Peak, Roofline},
    quantized::conv2d::try_dot4,
};
use tilewright_runtime::{Context, adapters};

use super::{output::print_json, output::probed};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Measure the adapter that kernels would run on: peak arithmetic, copy bandwidth, the cost of a dispatch. What
    /// was measured before on this adapter with this driver is shown again.
    #[arg(long)]
    probe: bool,
    /// Show only the adapter that kernels would run on.
    #[arg(long, conflicts_with = "probe")]
    chosen: bool,
    /// Measure anew.
    #[arg(long, requires = "probe")]
    fresh: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, context: impl FnOnce() -> Result<Context>) -> Result<()> {
    if arguments.probe {
        let context = context()?;
        let (roofline, bytes) = (probed(&context, arguments.fresh)?, try_dot4(&context)?);
        if arguments.json {
            print_json(&json!({"probe": roofline, "convolution_of_bytes": bytes}));
        } else {
            print_probe(&roofline);
            print_bytes(&bytes);
        }
        return Ok(());
    }
    if arguments.chosen {
        let context = context()?;
        let info = context.adapter_info();
        let (kind, backend) = (format!("{:?}", info.device_type), format!("{:?}", info.backend));
        if arguments.json {
            print_json(&json!({
                "name": info.name, "kind": kind, "backend": backend, "driver": info.driver,
                "driver_info": info.driver_info,
            }));
        } else {
            println!("{} ({backend}, {kind}), driver {} {}", info.name, info.driver, info.driver_info);
        }
        return Ok(());
    }
    let all = adapters();
    if arguments.json {
        print_json(&all);
        return Ok(());
    }
    if all.is_empty() {
        println!(
            "There is no adapter. Install a Vulkan driver; on Debian or Ubuntu without a GPU: make setup, or \
             apt-get install libvulkan1 mesa-vulkan-drivers"
        );
    }
    for adapter in all {
        let yes = |flag| if flag { "yes" } else { "no" };
        println!("{}: {} ({}, {})", adapter.index, adapter.name, adapter.backend, adapter.kind);
        println!("   driver             {} {}", adapter.driver, adapter.driver_info);
        let [least, most] = adapter.subgroup_size;
        println!("   subgroups          {} ({least} to {most})", yes(adapter.subgroups));
        println!("   f16                {}", yes(adapter.shader_f16));
        println!("   cooperative matrix {}", yes(adapter.cooperative_matrix));
        println!("   timestamps         {}", yes(adapter.timestamps));
        println!("   pipeline cache     {}", yes(adapter.pipeline_cache));
        let mib = |bytes: u64| bytes >> 20;
        println!("   storage binding    {} MiB", mib(adapter.max_storage_binding));
        println!("   buffer             {} MiB", mib(adapter.max_buffer));
        println!(
            "   workgroup          {} threads, {} KiB",
            adapter.max_workgroup_threads,
            adapter.max_workgroup_storage >> 10
        );
    }
    Ok(())
}

/// Which of two kernels a GPU is given convolutions of bytes by.
fn print_bytes(trial: &Trial) {
    match trial {
        Trial::Right { plain_ms, tried_ms } => {
            let better = if trial.pays() { "dot4I8Packed" } else { "f32" };
            println!(
                "   a convolution of bytes: by dot4I8Packed {tried_ms:.2} ms, in f32 {plain_ms:.2} ms; a GPU is given {better}"
            );
        }
        Trial::Wrong(reason) => {
            println!("   a convolution of bytes: in f32, for dot4I8Packed fails: {reason}")
        }
    }
}

fn print_probe(roofline: &Roofline) {
    println!("{} ({})", roofline.device, roofline.driver);
    let arithmetic = &roofline.arithmetic;
    for (name, peak) in [
        ("f32 multiply-add", &arithmetic.f32),
        ("f16 multiply-add", &arithmetic.f16),
        ("dot4I8Packed", &arithmetic.dot4_i8),
        ("cooperative matrix", &arithmetic.cooperative_matrix),
    ] {
        match peak {
            Peak::Measured { gops, how } => println!("   {name:<18} {gops:>9.1} GOP/s  ({how})"),
            Peak::Absent { reason } => println!("   {name:<18} {:>9}        ({reason})", "–"),
        }
    }
    println!("   copies, GB/s read and written, by bytes touched:");
    println!("   {:>18} {:>9} {:>9}", "MiB", "buffer", "kernel");
    for rate in &roofline.copies {
        let mib = rate.bytes >> 20;
        println!("   {mib:>18} {:>9.1} {:>9.1}", rate.buffer_gb_per_s, rate.kernel_gb_per_s);
    }
    let overhead = &roofline.overhead;
    println!(
        "   a dispatch costs the host {:.2} µs, the device {:.2} µs;",
        overhead.record_us, overhead.dispatch_us
    );
    println!("   one alone, with submission and wait: {:.0} µs", overhead.round_trip_us);
}
