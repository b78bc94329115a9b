//! `tilewright infer`.

use std::{path::PathBuf, time::Instant};

use serde_json::json;
use tilewright_autograd::Var;
use tilewright_nn::Pass;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use super::print_json;
use crate::{Error, Result, files, model};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Precision {
    /// 32-bit floating point.
    F32,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo.
    model: String,
    /// Its weights, a safetensors file.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The input, a .npy file of float32 N×C×H×W.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Where the outputs go, an .npz file.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// How numbers are computed.
    #[arg(long, value_enum, default_value = "f32")]
    precision: Precision,
    /// How often to run; times are reported for all.
    #[arg(long, default_value_t = 1, value_name = "N")]
    repeat: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print the time of each kernel.
    #[arg(long)]
    profile: bool,
    /// Write a trace file that Perfetto opens.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let Precision::F32 = arguments.precision;
    if arguments.repeat == 0 {
        return Err(Error::Argument { argument: "--repeat", reason: "it must be at least 1".to_owned() });
    }
    let (values, input_shape) = files::read_f32(&arguments.input)?;
    let [_, c, h, w] = model::image_shape(&arguments.input, &input_shape)?;
    let (network, _) = model::load(context, &arguments.model, &arguments.weights, [c, h, w])?;
    let x = Tensor::from_slice(context, &values, &input_shape)?;
    let mut times = Vec::new();
    let mut result = None;
    for _ in 0..arguments.repeat {
        let begun = Instant::now();
        let y = network.module.forward(&Var::constant(x.clone()), &Pass::eval())?;
        let y = y.tensor().clone();
        let values = y.to_vec::<f32>()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        result = Some((values, y.shape().to_vec()));
    }
    if arguments.profile || arguments.trace.is_some() {
        context.start_profile()?;
        network.module.forward(&Var::constant(x), &Pass::eval())?;
        let profile = context.finish_profile()?;
        if let Some(path) = &arguments.trace {
            profile.write_trace(path)?;
        }
        if arguments.profile {
            eprint!("{profile}");
        }
    }
    let Some((values, shape)) = result else { return Ok(()) };
    files::write_npz(&arguments.output, &[("output", &values, &shape)])?;
    let first = times[0];
    times.sort_by(f64::total_cmp);
    let (median, least) = (times[times.len() / 2], times[0]);
    if arguments.json {
        let info = context.adapter_info();
        print_json(&json!({
            "model": network.name, "precision": "f32", "device": info.name, "driver": info.driver_info,
            "input_shape": input_shape, "outputs": {"output": shape}, "repeat": times.len(),
            "first_ms": first, "median_ms": median, "min_ms": least,
        }));
    } else {
        println!("output {shape:?} → {}", arguments.output.display());
        println!("first {first:.2} ms, median {median:.2} ms, minimum {least:.2} ms of {}", times.len());
    }
    Ok(())
}
