//! `tilewright zoo list`.

use serde_json::json;
use tilewright_runtime::Context;
use tilewright_zoo::{Facts, entries, facts, markdown};

use crate::{commands::output::print_json, error::Result};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print what docs/zoo.md holds.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if arguments.markdown {
        print!("{}", markdown(context)?);
        return Ok(());
    }
    if arguments.json {
        let mut rows = Vec::new();
        for entry in entries() {
            rows.push(row(&facts(entry, context)?));
        }
        print_json(&json!(rows));
        return Ok(());
    }
    println!(
        "{:<20} {:<15} {:>12} {:>9}  {:<11} {:>5}",
        "network", "task", "parameters", "GFLOPs", "image", "least"
    );
    for entry in entries() {
        let Facts { parameters, flops, .. } = facts(entry, context)?;
        let [channels, height, width] = entry.image;
        let (image, gflops) = (format!("{channels}×{height}×{width}"), flops as f64 / 1e9);
        let task = entry.task.name();
        println!(
            "{:<20} {task:<15} {parameters:>12} {gflops:>9.3}  {image:<11} {:>5}",
            entry.name, entry.least
        );
    }
    Ok(())
}

/// A network as JSON.
pub fn row(facts: &Facts) -> serde_json::Value {
    let Facts { entry, parameters, flops, .. } = facts;
    json!({
        "name": entry.name, "family": entry.family, "task": entry.task.name(), "parameters": parameters, "flops": flops,
        "image": entry.image, "least": entry.least, "head": entry.head, "config": entry.config,
    })
}
