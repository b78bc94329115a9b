//! Where the network goes.

use std::path::Path;

use tilewright_graph::quantize::Calibration;
use tilewright_nn::{QuantizedState, StateSource, Unwrapped};

use super::arguments::Arguments;
use crate::{error::Error, error::Result};

/// How the network is written.
pub enum Form<'a> {
    /// With its graph.
    Onnx,
    /// Its numbers, for a network of the zoo whose parameters that file has.
    Safetensors(&'a Path),
}

impl<'a> Form<'a> {
    /// By the file's name.
    pub fn of(path: &Path, arguments: &'a Arguments) -> Result<Self> {
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
pub fn state(calibration: &Calibration, weights: &Path) -> Result<QuantizedState> {
    let opened = tilewright_weights::source(weights)?;
    let source = Unwrapped::new(opened.state);
    let shapes = source.names().into_iter();
    let shapes = shapes.filter_map(|name| Some((name.to_owned(), source.shape(name)?.to_vec()))).collect();
    Ok(QuantizedState { parameters: calibration.parameters()?, shapes, about: opened.metadata })
}
