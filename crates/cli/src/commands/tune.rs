//! `tilewright tune`: fills the measured choices, for a network or for the whole suite.

use serde_json::json;
use tilewright_kernels::{convolution::Pass, select, tune};
use tilewright_runtime::{Context, Mode};

use super::output::print_json;
use crate::commands::kernels::bench::extents::extents;
use crate::{error::Error, error::Result, suite, workload::Workload};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo.
    #[arg(required_unless_present_any = ["suite", "forget"], conflicts_with = "suite")]
    model: Option<String>,
    /// The input of the network, N×C×H×W.
    #[arg(long, value_parser = extents::<4>, value_name = "NxCxHxW", default_value = "1x3x224x224")]
    input: [usize; 4],
    /// Every convolution of the suite's networks, at batch 1.
    #[arg(long)]
    suite: bool,
    /// Also what training needs, not only inference.
    #[arg(long)]
    training: bool,
    /// Forget first what was measured on this adapter with this driver.
    #[arg(long)]
    forget: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `context` measures.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    if context.mode() == Mode::Checked {
        let reason = "times in checked mode say nothing about the fast one; leave it out".to_owned();
        return Err(Error::Argument { argument: "--checked", reason });
    }
    if context.cache_file("tuning").is_none() {
        let reason = "it is empty, so that nothing would be kept; name a folder or unset it".to_owned();
        return Err(Error::Argument { argument: "TILEWRIGHT_CACHE", reason });
    }
    if arguments.forget {
        tune::forget(context)?;
    }
    let known: Vec<String> = tune::remembered(context).into_iter().map(|(key, _)| key).collect();
    if arguments.suite {
        measure_suite(context, arguments.training)?;
    }
    if let Some(model) = &arguments.model {
        eprintln!("running {model} on {:?}; the first use of each shape is measured", arguments.input);
        let mut work = Workload::new(context, model, arguments.input)?;
        work.infer()?;
        if arguments.training {
            work.train()?;
        }
    }
    let all = tune::remembered(context);
    let new: Vec<_> = all.iter().filter(|(key, _)| !known.contains(key)).collect();
    if arguments.json {
        let new: serde_json::Map<_, _> = new.iter().map(|(key, entry)| (key.clone(), json!(entry))).collect();
        print_json(&json!({"new": new, "remembered": all.len()}));
        return Ok(());
    }
    for (key, entry) in &new {
        let times: Vec<_> =
            entry.milliseconds.iter().map(|(name, ms)| format!("{name} {ms:.3} ms")).collect();
        println!("{key}");
        println!("   {} of {}", entry.winner.as_deref().unwrap_or("the table's choice"), times.join(", "));
        for (name, reason) in &entry.rejected {
            println!("   thrown out: {name}: {reason}");
        }
    }
    println!("{} shapes measured, {} remembered; TILEWRIGHT_TUNE=cached uses them", new.len(), all.len());
    Ok(())
}

fn measure_suite(context: &Context, training: bool) -> Result<()> {
    let works = suite::works(&[])?;
    let passes = if training { &Pass::ALL[..] } else { &[Pass::Forward] };
    for (at, work) in works.iter().enumerate() {
        eprintln!("{}/{} {}", at + 1, works.len(), suite::describe(&work.problem));
        for &pass in passes {
            select::conv2d_for(context, pass, &work.problem);
        }
    }
    Ok(())
}
