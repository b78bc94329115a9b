//! `tilewright zoo info`.

use serde_json::json;
use tilewright_runtime::Context;
use tilewright_zoo::{Facts, entry, facts};

use super::list::row;
use crate::{commands::output::print_json, error::Result};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo.
    name: String,
    /// List the names and shapes of the state dict, in its order, and not the layers.
    #[arg(long)]
    keys: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let facts = facts(entry(&arguments.name)?, context)?;
    let summary = facts.graph.summary()?;
    if arguments.json {
        let mut all = row(&facts);
        all["layers"] = json!(summary.nodes);
        if arguments.keys {
            let keys: Vec<_> =
                facts.state.iter().map(|(name, shape)| json!({"name": name, "shape": shape})).collect();
            all["keys"] = json!(keys);
        }
        print_json(&all);
        return Ok(());
    }
    let Facts { entry, classes, parameters, flops, .. } = facts;
    if arguments.keys {
        for (name, shape) in facts.state {
            println!("{name} {shape:?}");
        }
        return Ok(());
    }
    let [channels, height, width] = entry.image;
    println!("{}: {}, {}, {}", entry.name, entry.family, entry.task.name(), entry.config);
    println!("image: {channels}×{height}×{width}; at least {0}×{0}", entry.least);
    println!("classes: counted by `{}` of a state dict; {classes} here", entry.head);
    println!("parameters: {parameters}, FLOPs: {:.3} G", flops as f64 / 1e9);
    print!("{summary}");
    Ok(())
}
