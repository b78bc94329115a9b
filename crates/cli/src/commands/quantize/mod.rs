//! `tilewright quantize`: a network in bytes, from samples.

mod answers;
mod arguments;
mod costs;
mod keep;
mod output;
mod report;
mod samples;
mod sheet;

use std::path::Path;

use tilewright_graph::{Compiled, Options, quantize::Calibration};
use tilewright_ops::Op;
use tilewright_runtime::Context;

use self::{
    answers::answers,
    costs::Costs,
    output::Form,
    report::{Outcome, report},
    samples::{Samples, classes},
};
use crate::{
    error::Error,
    error::Result,
    files,
    model::{self, InputShape, Loaded},
};

pub use self::arguments::Arguments;

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    arguments.check()?;
    let form = arguments.output.as_deref().map(|path| Form::of(path, arguments)).transpose()?;
    let prepare = || arguments.preprocess();
    let samples = Samples::read(&arguments.calibrate, arguments.batch_size, &prepare)?;
    let load = |samples: &Samples, from: &Path| {
        let input = InputShape { from: from.display().to_string(), name: None, shape: samples.shape.clone() };
        model::load_graph(context, &arguments.model, arguments.weights.as_deref(), &[input])
    };
    let Loaded { graph, inputs, outputs } = load(&samples, &arguments.calibrate)?;
    if graph.nodes().iter().any(|node| matches!(node.op, Op::Quantized(_))) {
        let reason = format!("`{}` is in bytes already; begin with the network in f32", arguments.model);
        return Err(Error::Argument { argument: "MODEL", reason });
    }
    let mut calibration = Calibration::new(&graph, arguments.scheme())?;
    keep::check(&calibration, &arguments.keep)?;
    if arguments.histograms.is_some() {
        calibration.count();
    }
    let mut first = None;
    for batch in samples.batches(context) {
        let batch = batch?;
        calibration.observe(&[&batch])?;
        first.get_or_insert(batch);
    }
    let chosen = keep::choose(arguments, &graph, &mut calibration, &samples)?;
    let (bytes, layers) = match &first {
        Some(first) => calibration.measure(&[first])?,
        None => calibration.convert()?,
    };
    if let Some(path) = &arguments.histograms {
        sheet::draw(path, arguments, &calibration, &layers)?;
    }
    if let Some((path, form)) = arguments.output.as_deref().zip(form) {
        match form {
            Form::Onnx => {
                let name = Path::new(&arguments.model).file_stem();
                let name = name.map_or("graph".into(), |stem| stem.to_string_lossy());
                files::write_whole(path, &tilewright_onnx::export_ports(&bytes, &name, &inputs, &outputs)?)?;
            }
            Form::Safetensors(weights) => output::state(&calibration, weights)?.write(path)?,
        }
    }
    let tried = match &arguments.evaluate {
        Some(path) => Samples::read(path, samples.shape[0], &prepare)?,
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
    let compiled = [&graph, &bytes].map(|graph| Compiled::new(graph, &Options::default()));
    let [plain, bytes] = compiled.map(|compiled| -> Result<_> {
        let compiled = compiled?;
        let answers = answers(&compiled, &tried, labels.as_deref())?;
        Ok((answers, Costs::measure(&compiled, first.as_ref())?))
    });
    let ((plain, plain_costs), (bytes, bytes_costs)) = (plain?, bytes?);
    report(&Outcome {
        arguments,
        layers: &layers,
        batches: calibration.batches(),
        equalized: calibration.equalized(),
        chosen: &chosen,
        answers: [&plain, &bytes],
        costs: [&plain_costs, &bytes_costs],
    });
    Ok(())
}
