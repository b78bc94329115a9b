//! `tilewright profile`: the time of each layer.

use std::{
    path::PathBuf,
    str::FromStr,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;
use tilewright_graph::{Compiled, Options, Session};
use tilewright_kernels::probe;
use tilewright_ops::DType;
use tilewright_runtime::{Context, Profile};

use super::{output::print_json, precision::Precision, times::by_node};
use crate::{error::Error, error::Result, model, model::InputShape};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo, or an .onnx file.
    model: String,
    /// Its weights, a safetensors file; random ones if there is none.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The shape of the input, as 1x3x224x224; NAME=1x3x224x224 where there are several.
    /// (1x3x224x224 for the zoo; what an .onnx file says may be left out)
    #[arg(long, value_name = "[NAME=]SHAPE")]
    input: Vec<ShapeArgument>,
    /// How numbers are computed.
    #[arg(long, value_enum, default_value = "f32")]
    precision: Precision,
    /// Runs, after one that warms up; each layer's median is shown.
    #[arg(long, default_value_t = 5, value_name = "N")]
    repeat: usize,
    /// Write the last run as a trace file that Perfetto opens.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `1x3x224x224`, or `NAME=1x3x224x224`.
#[derive(Clone, Debug)]
pub struct ShapeArgument {
    name: Option<String>,
    shape: Vec<usize>,
}

impl ShapeArgument {
    fn input(&self) -> InputShape {
        InputShape { from: "--input".to_owned(), name: self.name.clone(), shape: self.shape.clone() }
    }
}

impl FromStr for ShapeArgument {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (name, shape) = match text.rsplit_once('=') {
            Some((name, shape)) => (Some(name.to_owned()), shape),
            None => (None, text),
        };
        let extents = shape.split(['x', '×', ',']).map(|extent| extent.trim().parse::<usize>());
        let shape = extents.collect::<std::result::Result<_, _>>();
        let shape = shape.map_err(|_| format!("`{text}` is no shape such as 1x3x224x224"))?;
        Ok(Self { name, shape })
    }
}

/// The shapes that are given; without any, those of an image for the zoo, and what the file says for ONNX.
pub fn input_shapes(model: &str, given: &[ShapeArgument]) -> Vec<InputShape> {
    let image = ShapeArgument { name: None, shape: vec![1, 3, 224, 224] };
    let zoo = !model.ends_with(".onnx");
    let all = if given.is_empty() && zoo { std::slice::from_ref(&image) } else { given };
    all.iter().map(ShapeArgument::input).collect()
}

#[derive(Debug, Serialize)]
struct Row {
    node: String,
    operation: String,
    kernels: Vec<String>,
    milliseconds: f64,
    share: f64,
    gflops: f64,
    roof_share: Option<f64>,
}

/// What a run of the plan costs the thread that asks for it, until the device has been given all: neither waiting nor the
/// device's own time.
#[derive(Debug, Serialize)]
struct Host {
    dispatches: usize,
    runs: usize,
    min_us_per_dispatch: f64,
    median_us_per_dispatch: f64,
}

impl Host {
    /// Over some runs, each with an idle device.
    fn measure(session: &mut Session, context: &Context) -> Result<Self> {
        let begun = Instant::now();
        let mut times = Vec::new();
        while times.len() < 3 || (times.len() < 50 && begun.elapsed() < Duration::from_secs(2)) {
            let begun = Instant::now();
            session.execute()?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            context.synchronize()?;
        }
        times.sort_by(f64::total_cmp);
        let dispatches = session.replay().plan().len();
        let each = |at: usize| times[at] / dispatches.max(1) as f64;
        Ok(Self {
            dispatches,
            runs: times.len(),
            min_us_per_dispatch: each(0),
            median_us_per_dispatch: each(times.len() / 2),
        })
    }
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if arguments.repeat == 0 {
        return Err(Error::Argument { argument: "--repeat", reason: "it must be at least 1".to_owned() });
    }
    let shapes = input_shapes(&arguments.model, &arguments.input);
    let graph = model::graph(context, &arguments.model, arguments.weights.as_deref(), &shapes)?;
    let precision = arguments.precision.check(&graph, &arguments.model)?;
    let compiled = Compiled::new(&graph, &Options { precision: precision.into(), ..Options::default() })?;
    let mut session = compiled.session()?;
    for (at, port) in compiled.inputs().iter().enumerate() {
        let count = port.shape.iter().product();
        match port.dtype {
            DType::I32 => session.write(at, &vec![1i32; count])?,
            _ => session.write(at, &vec![0.5f32; count])?,
        }
    }
    session.execute()?;
    context.synchronize()?;
    let host = Host::measure(&mut session, context)?;
    let mut profiles = Vec::with_capacity(arguments.repeat);
    for _ in 0..arguments.repeat {
        context.start_profile()?;
        session.execute()?;
        profiles.push(context.finish_profile()?);
    }
    if let (Some(path), Some(last)) = (&arguments.trace, profiles.last()) {
        last.write_trace(path)?;
    }
    let rows = rows(&compiled, &profiles, context)?;
    // A sum of nothing is −0 in Rust, and is shown as 0.
    let total = rows.iter().map(|row| row.milliseconds).sum::<f64>() + 0.0;
    if arguments.json {
        let info = context.adapter_info();
        print_json(&json!({
            "model": arguments.model, "precision": precision.name(), "device": info.name, "driver": info.driver_info, "repeat": arguments.repeat,
            "total_ms": total, "host": host, "layers": rows,
        }));
        return Ok(());
    }
    let width = rows.iter().map(|row| row.node.chars().count()).max().unwrap_or(0).clamp(5, 40);
    let title = ["ms", "share", "GFLOP/s", "of roof"];
    let [ms, share, gflops, roof] = title;
    println!(
        "{:<width$}  {:<28}  {ms:>9}  {share:>6}  {gflops:>8}  {roof:>7}  kernels",
        "layer", "operation"
    );
    for row in &rows {
        let roof = row.roof_share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0));
        println!(
            "{:<width$}  {:<28}  {:>9.3}  {:>4.1} %  {:>8.2}  {roof:>7}  {}",
            row.node,
            row.operation,
            row.milliseconds,
            row.share * 100.0,
            row.gflops,
            row.kernels.join(", ")
        );
    }
    if rows.iter().all(|row| row.roof_share.is_none()) {
        println!("(`tilewright devices --probe` measures the roofs once; then their share is shown)");
    }
    println!("{total:.3} ms in {} launches; {} runs", compiled.plan().len(), arguments.repeat);
    if rows.iter().any(|row| row.kernels.iter().any(|kernel| kernel.starts_with("winograd_"))) {
        println!(
            "(winograd_* mixes the pixels of a tile: an infinity or a NaN fills it, and --exact goes without)"
        );
    }
    let Host { dispatches, runs, min_us_per_dispatch: least, median_us_per_dispatch: median } = host;
    println!("host: {least:.2} µs per dispatch (median {median:.2}), {dispatches} dispatches; {runs} runs");
    Ok(())
}

/// One row for each node that launches something, in order.
fn rows(compiled: &Compiled, profiles: &[Profile], context: &Context) -> Result<Vec<Row>> {
    let roofline = probe::stored(context);
    let mut by_node = by_node(compiled, profiles);
    let total: f64 = by_node.values().map(|(_, milliseconds)| milliseconds).sum();
    let graph = compiled.graph();
    let mut rows = Vec::new();
    for (node, summary) in graph.nodes().iter().zip(graph.summary()?.nodes) {
        let Some((kernels, milliseconds)) = by_node.remove(&node.name) else { continue };
        let values = node.inputs.iter().chain(&node.outputs).map(|&id| &graph[id]);
        let bytes: usize =
            values.map(|value| value.shape.iter().product::<usize>() * value.dtype.size()).sum();
        let seconds = milliseconds / 1e3;
        let computes = summary.flops > 0 && seconds > 0.0;
        rows.push(Row {
            node: node.name.clone(),
            operation: summary.title(),
            kernels,
            milliseconds,
            share: if total > 0.0 { milliseconds / total } else { 0.0 },
            gflops: if computes { summary.flops as f64 / seconds / 1e9 } else { 0.0 },
            roof_share: roofline
                .as_ref()
                .filter(|_| computes)
                .map(|roofline| roofline.share(summary.flops, bytes as u64, seconds)),
        });
    }
    // Changes of layout of an output belong to no node.
    for (node, (kernels, milliseconds)) in by_node {
        let share = if total > 0.0 { milliseconds / total } else { 0.0 };
        let operation = "layout".to_owned();
        rows.push(Row { node, operation, kernels, milliseconds, share, gflops: 0.0, roof_share: None });
    }
    Ok(rows)
}
