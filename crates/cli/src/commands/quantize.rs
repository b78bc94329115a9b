//! `tilewright quantize`: a network in bytes, from samples.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::json;
use tilewright_graph::{
    Compiled, Graph, Options,
    quantize::{Activations, Calibration, Layers, Observer, Scheme},
};
use tilewright_nn::{QuantizedState, StateSource, Unwrapped};
use tilewright_ops::Op;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use super::output::print_json;
use crate::{
    error::Error,
    error::Result,
    files,
    model::{self, InputShape, Loaded},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo, or an .onnx file.
    model: String,
    /// Its weights, a safetensors file; an .onnx file brings its own.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Samples of what it will see, a .npy file of float32 N×C×H×W, prepared as for `infer`.
    #[arg(long, value_name = "FILE")]
    calibrate: PathBuf,
    /// Samples that it is then tried on, beside f32; those of the calibration otherwise.
    #[arg(long, value_name = "FILE")]
    evaluate: Option<PathBuf>,
    /// The classes of those samples, a .npy file of integers: the share of right answers is reported.
    #[arg(long, value_name = "FILE", requires = "evaluate")]
    labels: Option<PathBuf>,
    /// How ranges follow from what was seen.
    #[arg(long, value_enum, default_value = "min-max")]
    observer: Choice,
    /// Zero points of 0: ranges that reach as far below 0 as above it.
    #[arg(long)]
    symmetric: bool,
    /// A layer that stays in f32, by its name in the report; may be repeated.
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    /// Samples in a batch.
    #[arg(long, default_value_t = 32, value_name = "N")]
    batch_size: usize,
    /// Where the network goes: a .safetensors file that `infer` takes as weights of the same network, for any number of
    /// samples, or an .onnx file for any engine.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Choice {
    /// From the least number to the largest.
    MinMax,
    /// The ends of each batch, averaged.
    MovingAverage,
    /// All but one number in ten thousand.
    Percentile,
    /// The least divergence between the numbers before and after.
    Entropy,
    /// The least squared error.
    Mse,
}

impl From<Choice> for Observer {
    fn from(choice: Choice) -> Self {
        let at = match choice {
            Choice::MinMax => 0,
            Choice::MovingAverage => 1,
            Choice::Percentile => 2,
            Choice::Entropy => 3,
            Choice::Mse => 4,
        };
        Self::ALL[at]
    }
}

/// Samples in batches of one size; what is left over at the end is left out.
struct Samples {
    shape: Vec<usize>,
    values: Vec<f32>,
    each: usize,
    /// All there are.
    count: usize,
}

impl Samples {
    fn read(path: &Path, batch: usize) -> Result<Self> {
        let array = files::read_array(path)?;
        let wrong = |reason: String| Error::Array { path: path.display().to_string(), reason };
        let [n, rest @ ..] = array.shape() else { return Err(wrong("it has no axes".to_owned())) };
        let (count, batch) = (*n, batch.min(*n));
        if batch == 0 {
            return Err(wrong(
                "it holds no sample; calibration needs some of what the network will see".to_owned(),
            ));
        }
        let shape = [&[batch], rest].concat();
        Ok(Self { each: shape.iter().product(), values: array.to_f32(), shape, count })
    }

    fn batches<'a>(&'a self, context: &'a Context) -> impl Iterator<Item = Result<Tensor>> + 'a {
        let whole = self.values.chunks_exact(self.each.max(1));
        whole.map(|batch| Ok(Tensor::from_slice(context, batch, &self.shape)?))
    }
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if arguments.batch_size == 0 {
        return Err(Error::Argument { argument: "--batch-size", reason: "it must be at least 1".to_owned() });
    }
    if arguments.weights.is_none() && !crate::mistaken::is_onnx(&arguments.model) {
        let reason = format!("`{}` is a network of the zoo and needs its weights", arguments.model);
        return Err(Error::Argument { argument: "--weights", reason });
    }
    let form = arguments.output.as_deref().map(|path| Form::of(path, arguments)).transpose()?;
    let samples = Samples::read(&arguments.calibrate, arguments.batch_size)?;
    let load = |samples: &Samples, from: &Path| {
        let input = InputShape { from: from.display().to_string(), name: None, shape: samples.shape.clone() };
        model::load_graph(context, &arguments.model, arguments.weights.as_deref(), &[input])
    };
    let Loaded { graph, inputs, outputs } = load(&samples, &arguments.calibrate)?;
    let scheme = Scheme {
        observer: arguments.observer.into(),
        activations: if arguments.symmetric { Activations::Symmetric } else { Activations::Affine },
        keep: BTreeSet::from_iter(arguments.keep.iter().cloned()),
    };
    if graph.nodes().iter().any(|node| matches!(node.op, Op::Quantized(_))) {
        let reason = format!("`{}` is in bytes already; begin with the network in f32", arguments.model);
        return Err(Error::Argument { argument: "MODEL", reason });
    }
    let mut calibration = Calibration::new(&graph, scheme)?;
    let known: Vec<_> = calibration.layers().into_iter().map(str::to_owned).collect();
    if let Some(unknown) = arguments.keep.iter().find(|name| !known.contains(name)) {
        let reason = format!("there is no layer `{unknown}`; the layers are: {}", known.join(", "));
        return Err(Error::Argument { argument: "--keep", reason });
    }
    let mut first = None;
    for batch in samples.batches(context) {
        let batch = batch?;
        calibration.observe(&[&batch])?;
        first.get_or_insert(batch);
    }
    let (bytes, layers) = match &first {
        Some(first) => calibration.measure(&[first])?,
        None => calibration.convert()?,
    };
    if let Some((path, form)) = arguments.output.as_deref().zip(form) {
        match form {
            Form::Onnx => {
                let name = Path::new(&arguments.model).file_stem();
                let name = name.map_or("graph".into(), |stem| stem.to_string_lossy());
                files::write_whole(path, &tilewright_onnx::export_ports(&bytes, &name, &inputs, &outputs)?)?;
            }
            Form::Safetensors(weights) => state(&calibration, weights)?.write(path)?,
        }
    }
    let tried = match &arguments.evaluate {
        Some(path) => Samples::read(path, samples.shape[0])?,
        None => samples,
    };
    if tried.shape[1..] != inputs[0].shape[1..] || tried.shape[0] != inputs[0].shape[0] {
        let reason = format!(
            "samples of shape {:?} where those of the calibration have {:?}, by batches of {}",
            &tried.shape[1..],
            &inputs[0].shape[1..],
            inputs[0].shape[0]
        );
        return Err(Error::Argument { argument: "--evaluate", reason });
    }
    let labels = match &arguments.labels {
        Some(path) => Some(classes(path, tried.count)?),
        None => None,
    };
    let left = tried.count % tried.shape[0];
    if left > 0 {
        eprintln!("note: the last {left} samples make no whole batch of {} and are left out", tried.shape[0]);
    }
    let plain = answers(context, &graph, &tried, labels.as_deref())?;
    let quantised = answers(context, &bytes, &tried, labels.as_deref())?;
    report(arguments, &layers, calibration.batches(), [&plain, &quantised]);
    Ok(())
}

/// How the network is written.
enum Form<'a> {
    /// With its graph.
    Onnx,
    /// Its numbers, for a network of the zoo whose parameters that file has.
    Safetensors(&'a Path),
}

impl<'a> Form<'a> {
    fn of(path: &Path, arguments: &'a Arguments) -> Result<Self> {
        let argument = |reason| Err(Error::Argument { argument: "--output", reason });
        let kind = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
        match (kind.as_deref(), arguments.weights.as_deref()) {
            (Some("onnx"), _) => Ok(Self::Onnx),
            (Some("safetensors"), Some(weights)) => Ok(Self::Safetensors(weights)),
            (Some("safetensors"), None) => argument(format!(
                "`{}` brings its own graph, which a safetensors file does not hold; write an .onnx file",
                arguments.model
            )),
            _ => argument(format!("{} must end in .safetensors or .onnx", path.display())),
        }
    }
}

/// What a file keeps of the network whose weights in f32 are there.
fn state(calibration: &Calibration, weights: &Path) -> Result<QuantizedState> {
    let opened = tilewright_weights::source(weights)?;
    let source = Unwrapped::new(opened.state);
    let shapes = source.names().into_iter();
    let shapes = shapes.filter_map(|name| Some((name.to_owned(), source.shape(name)?.to_vec()))).collect();
    Ok(QuantizedState { parameters: calibration.parameters()?, shapes, about: opened.metadata })
}

/// A class for each of the samples.
fn classes(path: &Path, samples: usize) -> Result<Vec<f32>> {
    let array = files::read_array(path)?;
    if array.shape() == [samples] {
        return Ok(array.to_f32());
    }
    let reason =
        format!("it has shape {:?} and must have one number for each of {samples} samples", array.shape());
    Err(Error::Array { path: path.display().to_string(), reason })
}

/// What a network gives for samples.
struct Answers {
    /// Of its first output.
    values: Vec<f32>,
    /// Right answers and samples.
    right: Option<[usize; 2]>,
    /// Milliseconds of a batch, the median.
    time: f64,
}

fn answers(context: &Context, graph: &Graph, samples: &Samples, labels: Option<&[f32]>) -> Result<Answers> {
    let compiled = Compiled::new(graph, &Options::default())?;
    let (mut values, mut times) = (Vec::new(), Vec::new());
    for batch in samples.batches(context) {
        let batch = batch?;
        context.synchronize()?;
        let begun = Instant::now();
        let outputs = compiled.run(&[&batch])?;
        if let Some(output) = outputs.first() {
            values.extend(output.to_vec::<f32>()?);
        }
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let count = times.len() * samples.shape[0];
    let classes = values.len() / count.max(1);
    let right = labels.filter(|_| classes > 0).map(|labels| {
        let largest = |row: &[f32]| {
            let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map_or(0, |(at, _)| at)
        };
        let answers = values.chunks(classes).zip(labels);
        let right = answers.clone().filter(|(row, label)| largest(row) as f32 == **label).count();
        [right, answers.count()]
    });
    Ok(Answers { values, right, time: times.get(times.len() / 2).copied().unwrap_or_default() })
}

fn report(arguments: &Arguments, layers: &Layers, batches: usize, [plain, bytes]: [&Answers; 2]) {
    let power = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let signal = power(&mut plain.values.iter().copied());
    let noise = power(&mut plain.values.iter().zip(&bytes.values).map(|(a, b)| a - b));
    let decibels = 10.0 * (signal.max(1e-30) / noise.max(1e-30)).log10();
    let [weights_before, weights_after] = layers.weight_bytes();
    let [products, all] = layers.products();
    if arguments.json {
        print_json(&json!({
            "model": arguments.model, "observer": Observer::from(arguments.observer).name(),
            "symmetric": arguments.symmetric, "batches": batches, "products": products, "of_products": all,
            "weight_bytes": [weights_before, weights_after], "decibels": decibels,
            "right": [plain.right, bytes.right], "batch_ms": [plain.time, bytes.time], "layers": layers.layers,
        }));
        return;
    }
    println!(
        "{:<44} {:>14} {:>11} {:>5} {:>8} {:>8}",
        "layer", "operation", "scale", "zero", "dB", "at ends"
    );
    for layer in &layers.layers {
        let Some(why) = layer.why else {
            let [scale, zero] =
                [layer.scale.map(|x| format!("{x:.3e}")), layer.zero_point.map(|x| x.to_string())]
                    .map(Option::unwrap_or_default);
            let noise = layer.decibels.map_or(String::new(), |x| format!("{x:.1}"));
            let ends = layer.at_ends.map_or(String::new(), |x| format!("{:.2} %", 100.0 * x));
            println!("{:<44} {:>14} {scale:>11} {zero:>5} {noise:>8} {ends:>8}", layer.node, layer.op);
            continue;
        };
        println!("{:<44} {:>14} f32: {why}", layer.node, layer.op);
    }
    println!("{products} of {all} convolutions and products in int8, by {batches} batches");
    println!(
        "weights {weights_before} → {weights_after} bytes, {:.3} of f32",
        weights_after as f64 / weights_before.max(1) as f64
    );
    println!("output {decibels:.1} dB above the error");
    if let (Some([a, of]), Some([b, _])) = (plain.right, bytes.right) {
        println!("right answers: f32 {a}, int8 {b} of {of}");
    }
    let ratio = plain.time / bytes.time.max(1e-9);
    println!(
        "a batch takes {:.2} ms in f32 and {:.2} in int8: {ratio:.2} times as fast",
        plain.time, bytes.time
    );
}
