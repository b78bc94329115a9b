//! `tilewright inspect`: what a network is made of, and what compiling makes of it.

use std::path::PathBuf;

use serde_json::json;
use tilewright_graph::{Compiled, Options};
use tilewright_runtime::Context;

use super::{
    output::print_json,
    precision::Precision,
    profile::{ShapeArgument, input_shapes},
};
use crate::{error::Result, files, model, pictures::network};

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
    /// Show the network as it was captured, before the passes.
    #[arg(long)]
    raw: bool,
    /// Write the graph in Graphviz's language: `dot -Tsvg` draws it.
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    /// Write a picture of the graph, an SVG file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let shapes = input_shapes(&arguments.model, &arguments.input);
    let graph = model::graph(context, &arguments.model, arguments.weights.as_deref(), &shapes)?;
    let precision = arguments.precision.check(&graph, &arguments.model)?;
    let compiled = Compiled::new(
        &graph,
        &Options { optimize: !arguments.raw, precision: precision.into(), ..Options::default() },
    )?;
    let (summary, plan) = (compiled.graph().summary()?, compiled.plan());
    if let Some(path) = &arguments.dot {
        files::write_whole(path, compiled.graph().dot()?.as_bytes())?;
    }
    if let Some(path) = &arguments.svg {
        network(path, &arguments.model, compiled.graph())?;
    }
    let memory = plan.memory();
    if arguments.json {
        print_json(&json!({
            "model": arguments.model, "precision": precision.name(), "captured_nodes": graph.nodes().len(), "nodes": summary.nodes,
            "parameters": summary.parameters, "flops": summary.flops, "passes": compiled.passes(),
            "launches": plan.launches().map(|(node, kernel)| json!({"node": node, "kernel": kernel})).collect::<Vec<_>>(),
            "hoisted_launches": plan.hoisted(),
            "memory": {"bytes": memory.bytes(), "lower_bound": memory.lower_bound, "ratio": memory.ratio(),
                       "unshared": memory.unshared, "values": memory.values, "pools": memory.pools},
        }));
        return Ok(());
    }
    print!("{summary}");
    let changed: Vec<_> = compiled
        .passes()
        .iter()
        .filter(|report| report.changed > 0)
        .map(|report| format!("{} {}", report.pass, report.changed))
        .collect();
    if !changed.is_empty() {
        println!(
            "passes: {} nodes became {}: {}",
            graph.nodes().len(),
            summary.nodes.len(),
            changed.join(", ")
        );
    }
    println!("plan: {} launches a run, {} launches done once", plan.len(), plan.hoisted());
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "memory: {} values of {:.2} MiB in {} buffers of {:.2} MiB; the lower bound is {:.2} MiB, {:.2} times that",
        memory.values,
        mib(memory.unshared),
        memory.pools.len(),
        mib(memory.bytes()),
        mib(memory.lower_bound),
        memory.ratio()
    );
    Ok(())
}
