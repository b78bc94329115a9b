//! `tilewright quantize`: a network in bytes, from samples.

mod answers;
mod arguments;
mod report;
mod samples;

use std::path::Path;

use tilewright_graph::quantize::Calibration;
use tilewright_runtime::Context;

use self::{
    answers::answers,
    report::report,
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
    if arguments.batch_size == 0 {
        return Err(Error::Argument { argument: "--batch-size", reason: "it must be at least 1".to_owned() });
    }
    if arguments.weights.is_none() && !crate::mistaken::is_onnx(&arguments.model) {
        let reason = format!("`{}` is a network of the zoo and needs its weights", arguments.model);
        return Err(Error::Argument { argument: "--weights", reason });
    }
    let samples = Samples::read(&arguments.calibrate, arguments.batch_size)?;
    let load = |samples: &Samples, from: &Path| {
        let input = InputShape { from: from.display().to_string(), name: None, shape: samples.shape.clone() };
        model::load_graph(context, &arguments.model, arguments.weights.as_deref(), &[input])
    };
    let Loaded { graph, inputs, outputs } = load(&samples, &arguments.calibrate)?;
    let mut calibration = Calibration::new(&graph, arguments.scheme())?;
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
    if let Some(path) = &arguments.output {
        let name = Path::new(&arguments.model).file_stem();
        let name = name.map_or("graph".into(), |stem| stem.to_string_lossy());
        files::write_whole(path, &tilewright_onnx::export_ports(&bytes, &name, &inputs, &outputs)?)?;
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
    report(arguments, &layers, [calibration.batches(), calibration.equalized()], [&plain, &quantised]);
    Ok(())
}
