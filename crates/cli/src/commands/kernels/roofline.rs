//! `tilewright kernels roofline`: a network's convolutions, measured, against the roofs of the device.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;
use tilewright_kernels::{
    convolution::{Pass, Problem},
    select, tune,
};
use tilewright_runtime::Context;

use super::bench::pass::PassName;
use crate::{
    commands::output::print_json, commands::output::probed, error::Error, error::Result, pictures::Dot,
    pictures::Kind, pictures::Plot, pictures::roofline as draw, suite,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the suite: resnet18, resnet50, vgg16, mobilenet_v2 or unet.
    #[arg(long, value_name = "NAME")]
    network: String,
    /// Which of the three convolutions of training.
    #[arg(long, value_enum, default_value = "forward")]
    pass: PassName,
    /// Where the picture goes.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One layer's result.
#[derive(Debug, Serialize)]
struct Row {
    layers: Vec<String>,
    shape: String,
    algorithm: &'static str,
    flops: u64,
    bytes: u64,
    intensity: f64,
    milliseconds: f64,
    gflops: f64,
    roof_gflops: f64,
    roof_share: f64,
    #[serde(skip)]
    kind: Kind,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let network = suite::network(&arguments.network)?;
    let roofline = probed(context, false)?;
    let pass = Pass::from(arguments.pass);
    let works = suite::works(std::slice::from_ref(&network.name))?;
    let mut rows = Vec::with_capacity(works.len());
    for (at, work) in works.iter().enumerate() {
        let problem = &work.problem;
        eprintln!("{}/{} {}", at + 1, works.len(), suite::describe(problem));
        let chosen = select::conv2d_repeated_for(context, pass, problem).algorithm;
        let verdict = tune::measure_conv2d(context, pass, problem, Some(chosen))?;
        let Some(&(algorithm, seconds)) = verdict.times.first() else {
            let reasons: Vec<_> = verdict.rejected.iter().map(|(_, reason)| reason.as_str()).collect();
            return Err(Error::Check(format!(
                "{} is wrong for {problem}: {}",
                chosen.name(),
                reasons.join("; ")
            )));
        };
        let (flops, bytes) = (problem.flops(), suite::bytes(problem)?);
        rows.push(Row {
            layers: work.layers.clone(),
            shape: suite::describe(problem),
            algorithm,
            flops,
            bytes,
            intensity: flops as f64 / bytes as f64,
            milliseconds: seconds * 1e3,
            gflops: flops as f64 / seconds / 1e9,
            roof_gflops: roofline.attainable(flops, bytes),
            roof_share: roofline.share(flops, bytes, seconds),
            kind: kind(problem),
        });
    }
    if let Some(path) = &arguments.svg {
        let plot = Plot {
            title: format!("{}, {}", network.title, title(pass)),
            subtitle: format!("{}; f32, batch 1, each layer alone", roofline.device),
            peak: roofline.peak(),
            memory: roofline.memory_bandwidth(),
            cache: roofline.cache_bandwidth(),
            dots: rows.iter().map(dot).collect(),
        };
        draw(path, &plot)?;
        eprintln!("→ {}", path.display());
    }
    if arguments.json {
        print_json(&json!({
            "network": network.name, "pass": pass.name(), "device": roofline.device, "driver": roofline.driver,
            "peak_gflops": roofline.peak(), "memory_gb_per_s": roofline.memory_bandwidth(),
            "cache_gb_per_s": roofline.cache_bandwidth(), "layers": rows,
        }));
    } else {
        println!(
            "{:<32} {:<14} {:>8} {:>9} {:>8} {:>6}",
            "layer", "algorithm", "FLOP/B", "ms", "GFLOP/s", "roof"
        );
        for row in &rows {
            println!(
                "{:<32} {:<14} {:>8.1} {:>9.3} {:>8.2} {:>4.0} %",
                row.shape,
                row.algorithm,
                row.intensity,
                row.milliseconds,
                row.gflops,
                row.roof_share * 100.0
            );
        }
    }
    Ok(())
}

const fn title(pass: Pass) -> &'static str {
    match pass {
        Pass::Forward => "forward",
        Pass::BackwardInput => "gradient of the inputs",
        Pass::BackwardWeight => "gradient of the weights",
    }
}

fn kind(problem: &Problem) -> Kind {
    if problem.op.groups > 1 && problem.w_shape[1] == 1 {
        Kind::Depthwise
    } else if problem.w_shape[2..] == [1, 1] {
        Kind::Pointwise
    } else {
        Kind::Spatial
    }
}

fn dot(row: &Row) -> Dot {
    let first = row.layers.first().map_or("", String::as_str);
    let label = match row.layers.len() {
        1 => first.to_owned(),
        count => format!("{first} (×{count})"),
    };
    Dot {
        label,
        detail: row.shape.clone(),
        kind: row.kind,
        intensity: row.intensity,
        gflops: row.gflops,
        share: row.roof_share,
    }
}
