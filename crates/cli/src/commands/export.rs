//! `tilewright export`: a network as an ONNX file.

use std::path::{Path, PathBuf};

use serde_json::json;
use tilewright_graph::passes;
use tilewright_onnx::EXPORT_OPSET;
use tilewright_runtime::Context;

use super::{
    output::print_json,
    profile::{ShapeArgument, input_shapes},
};
use crate::{error::Result, files, model, model::Loaded};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo, or an .onnx file.
    model: String,
    /// Its weights, a safetensors file; random ones if there is none.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The shape of the input, as 1x3x224x224; NAME=1x3x224x224 where there are several. It is fixed in the file.
    /// (1x3x224x224 for the zoo; what an .onnx file says may be left out)
    #[arg(long, value_name = "[NAME=]SHAPE")]
    input: Vec<ShapeArgument>,
    /// Where the network goes, an .onnx file.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Write the network as it was captured: BatchNorm stays an operator of its own.
    #[arg(long)]
    raw: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let shapes = input_shapes(&arguments.model, &arguments.input);
    if arguments.weights.is_none() && !arguments.model.ends_with(".onnx") {
        eprintln!("warning: no --weights: `{}` is written with random ones", arguments.model);
    }
    let Loaded { graph: captured, inputs, outputs } =
        model::load_graph(context, &arguments.model, arguments.weights.as_deref(), &shapes)?;
    let graph = if arguments.raw { captured } else { passes::optimize(&captured)?.0 };
    let name = Path::new(&arguments.model).file_stem().map_or("graph".into(), |stem| stem.to_string_lossy());
    let bytes = tilewright_onnx::export_ports(&graph, &name, &inputs, &outputs)?;
    files::write_whole(&arguments.output, &bytes)?;
    let (nodes, parameters) = (graph.nodes().len(), graph.parameters());
    if arguments.json {
        print_json(&json!({
            "model": arguments.model, "output": arguments.output, "opset": EXPORT_OPSET, "nodes": nodes,
            "parameters": parameters, "bytes": bytes.len(),
        }));
    } else {
        println!(
            "{} with {parameters} parameters in {nodes} nodes → {}, {} bytes, operator set {EXPORT_OPSET}",
            arguments.model,
            arguments.output.display(),
            bytes.len()
        );
    }
    Ok(())
}
