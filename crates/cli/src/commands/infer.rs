//! `tilewright infer`.

use std::{path::PathBuf, str::FromStr, time::Instant};

use serde_json::json;
use tilewright_graph::{Compiled, Options, Port, Session};
use tilewright_onnx::{HostTensor, InputPort, OutputPort};
use tilewright_ops::DType;
use tilewright_runtime::Context;

use super::{output::print_json, precision::Precision};
use crate::{convert, error::Error, error::Result, files, mistaken, model, model::InputShape, model::Loaded};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo, or an .onnx file.
    model: String,
    /// The weights of a network of the zoo: a safetensors file, or one of PyTorch or NumPy as it is.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The input, a .npy file of float32 N×C×H×W, or of the type that an .onnx file has; NAME=FILE where there are several.
    /// Another type is converted where every value stays what it is.
    #[arg(long, value_name = "[NAME=]FILE")]
    input: Vec<InputFile>,
    /// Where the outputs go, an .npz file: each of the type that the network gives it (bfloat16, which NumPy has not, as
    /// float32).
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

/// `FILE`, or `NAME=FILE`.
#[derive(Clone, Debug)]
struct InputFile {
    name: Option<String>,
    path: PathBuf,
}

impl FromStr for InputFile {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        // A file may have `=` in its path; a name is what stands before the first one.
        Ok(match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !std::path::Path::new(text).exists() => {
                Self { name: Some(name.to_owned()), path: path.into() }
            }
            _ => Self { name: None, path: text.into() },
        })
    }
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if arguments.repeat == 0 {
        return Err(Error::Argument { argument: "--repeat", reason: "it must be at least 1".to_owned() });
    }
    let begun = Instant::now();
    let shapes: Vec<_> = arguments
        .input
        .iter()
        .map(|input| {
            let shape = files::read_shape(&input.path)?;
            Ok(InputShape { from: input.path.display().to_string(), name: input.name.clone(), shape })
        })
        .collect::<Result<_>>()?;
    mistaken::check_model(&arguments.model)?;
    if arguments.weights.is_none() && !mistaken::is_onnx(&arguments.model) {
        let reason = format!(
            "`{}` is a network of the zoo and needs its weights, a safetensors file under torchvision's names",
            arguments.model
        );
        return Err(Error::Argument { argument: "--weights", reason });
    }
    let Loaded { graph, inputs: ports, outputs: wanted } =
        model::load_graph(context, &arguments.model, arguments.weights.as_deref(), &shapes)?;
    let precision = arguments.precision.check(&graph, &arguments.model)?;
    let mut compiled = Compiled::new(&graph, &Options { precision: precision.into(), ..Options::default() })?;
    let mut session = compiled.session()?;
    for (at, port) in ports.iter().enumerate() {
        fill(&mut session, at, port, file_of(port, at, &arguments.input))?;
    }
    if let Some(wider) = within_f16(&compiled, &session)? {
        compiled = wider;
        session = compiled.session()?;
        for (at, port) in ports.iter().enumerate() {
            fill(&mut session, at, port, file_of(port, at, &arguments.input))?;
        }
    }
    let load = begun.elapsed().as_secs_f64() * 1e3;
    let mut times = Vec::new();
    let mut results = Vec::new();
    for _ in 0..arguments.repeat {
        let begun = Instant::now();
        session.execute()?;
        results = wanted.iter().map(|output| read(&session, output)).collect::<Result<Vec<_>>>()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    if arguments.profile || arguments.trace.is_some() {
        context.start_profile()?;
        session.execute()?;
        let profile = context.finish_profile()?;
        if let Some(path) = &arguments.trace {
            profile.write_trace(path)?;
        }
        if arguments.profile {
            eprint!("{profile}");
        }
    }
    let outputs: Vec<_> = wanted.iter().map(OutputPort::name).zip(&results).collect();
    files::write_npz(&arguments.output, &outputs)?;
    let (first, in_order) = (times[0], times.clone());
    times.sort_by(f64::total_cmp);
    let (median, least) = (times[times.len() / 2], times[0]);
    if arguments.json {
        let info = context.adapter_info();
        type Shapes = serde_json::Map<String, serde_json::Value>;
        let port = |port: &Port| (port.name.clone(), json!(port.shape));
        let inputs: Shapes = compiled.inputs().iter().map(port).collect();
        let shapes: Shapes =
            wanted.iter().map(|output| (output.name().to_owned(), json!(output.shape()))).collect();
        let only = compiled.inputs().first().filter(|_| inputs.len() == 1).map(|port| &port.shape);
        print_json(&json!({
            "model": arguments.model, "precision": precision.name(), "device": info.name, "driver": info.driver_info,
            "input_shape": only, "inputs": inputs, "outputs": shapes, "repeat": times.len(),
            "load_ms": load, "first_ms": first, "median_ms": median, "min_ms": least, "times_ms": in_order,
            "kept_in_f32": compiled.kept_in_f32(), "launches": compiled.plan().len(), "memory": compiled.plan().memory(),
        }));
    } else {
        for (name, tensor) in outputs {
            println!("{name} {:?} → {}", tensor.shape(), arguments.output.display());
        }
        let runs = times.len();
        println!(
            "load {load:.0} ms, first {first:.2} ms, median {median:.2} ms, minimum {least:.2} ms of {runs}"
        );
    }
    Ok(())
}

/// The network with those layers in f32 that this input takes beyond the range of f16, if there are any; they are named.
fn within_f16(compiled: &Compiled, session: &Session) -> Result<Option<Compiled>> {
    let sample = (0..compiled.inputs().len()).map(|at| session.input(at));
    let sample = sample.collect::<std::result::Result<Vec<_>, _>>()?;
    let wider = compiled.in_range(&sample.iter().collect::<Vec<_>>())?;
    for layer in wider.iter().flat_map(Compiled::kept_in_f32) {
        let tilewright_graph::KeptInF32 { node, largest } = layer;
        eprintln!("{node} stays in f32: its numbers go to {largest:.4e}, and f16 ends at 65504");
    }
    Ok(wider)
}

/// The file of an input: the one of its name, else the one at its place.
fn file_of<'a>(port: &InputPort, at: usize, files: &'a [InputFile]) -> Option<&'a InputFile> {
    let named = files.iter().find(|file| file.name.as_ref() == Some(&port.name));
    named.or_else(|| files.get(at).filter(|file| file.name.is_none()))
}

fn fill(session: &mut Session, at: usize, port: &InputPort, file: Option<&InputFile>) -> Result<()> {
    let Some(file) = file else {
        let reason = format!("no file is given for the input `{}`", port.name);
        return Err(Error::Argument { argument: "--input", reason });
    };
    let wrong = |reason: String| Error::Array {
        path: file.path.display().to_string(),
        reason: format!("input `{}`: {reason}", port.name),
    };
    let tensor = convert::lossless(files::read_array(&file.path)?, port.dtype).map_err(wrong)?;
    if storage(session, at) == DType::I32 {
        session.write(at, &convert::narrow(&tensor).map_err(wrong)?)?;
    } else {
        session.write(at, &tensor.to_f32())?;
    }
    Ok(())
}

/// The type in which the device has an input.
fn storage(session: &Session, at: usize) -> DType {
    session.inputs().get(at).map_or(DType::F32, |port| port.dtype)
}

/// An output with the type that the model gives it.
fn read(session: &Session, output: &OutputPort) -> Result<HostTensor> {
    let at = match (output.known(), output.graph_output()) {
        (Some(known), _) => return Ok(known.clone()),
        (None, at) => at.unwrap_or_default(),
    };
    let tensor = session.output(at)?;
    let tensor = if tensor.dtype() == DType::F16 { tensor.cast(DType::F32)? } else { tensor };
    Ok(output.download(&tensor)?)
}
