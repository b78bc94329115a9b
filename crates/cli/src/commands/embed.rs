//! `tilewright embed`.

use std::{path::PathBuf, process::ExitCode};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tilewright_retrieve::{Index, Metric};
use tilewright_runtime::Context;

use super::output::print_json;
use crate::{
    error::{Error, Result},
    vision::{About, NetworkArguments, Viewer, Wanted, find, probe},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of pictures; those of the folders in it are taken too.
    folder: PathBuf,
    /// Where the index goes.
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    #[command(flatten)]
    network: NetworkArguments,
    /// How vectors are compared.
    #[arg(long, value_enum, default_value = "cosine")]
    metric: MetricArgument,
    /// Pictures at a time.
    #[arg(long, default_value_t = 8, value_name = "N")]
    batch: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How vectors are compared.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum MetricArgument {
    /// The cosine of the angle between them.
    Cosine,
    /// Their distance.
    L2,
    /// Their inner product.
    Dot,
}

impl From<MetricArgument> for Metric {
    fn from(argument: MetricArgument) -> Self {
        match argument {
            MetricArgument::Cosine => Self::Cosine,
            MetricArgument::L2 => Self::L2,
            MetricArgument::Dot => Self::Dot,
        }
    }
}

/// The code says whether every picture is in the index.
pub fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode> {
    if arguments.batch == 0 {
        return Err(Error::Argument { argument: "--batch", reason: "it must be at least 1".to_owned() });
    }
    let paths = find(&arguments.folder)?;
    let batch = arguments.batch.min(paths.len());
    let mut viewer = Viewer::new(context, &arguments.network, None, &Wanted::Embedding, batch)?;
    let probe = probe(&mut viewer)?;
    let mut index = Index::new(probe.len(), arguments.metric.into())?;
    let preprocess = viewer.preprocess.clone();
    let about = About {
        model: arguments.network.model()?.to_owned(),
        weights: arguments.network.weights.clone().unwrap_or_default(),
        folder: arguments.folder.clone(),
        resize: preprocess.resize,
        crop: preprocess.crop,
        filter: preprocess.filter.name().to_owned(),
        mean: preprocess.mean,
        std: preprocess.std,
        probe,
    };
    index.set_about(serde_json::to_string(&about).map_err(|error| Error::Check(error.to_string()))?);
    index.reserve(paths.len());
    let bar = ProgressBar::new(paths.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {eta} left") {
        bar.set_style(style);
    }
    let mut failed = Vec::new();
    for paths in paths.chunks(batch) {
        for (path, seen) in paths.iter().zip(viewer.look_at(paths)?) {
            // Names are those within the folder, with `/` on every system.
            let name = path.strip_prefix(&arguments.folder).unwrap_or(path);
            let name = name.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            let added = match seen {
                Ok(mut outputs) => {
                    let vector = outputs.pop().map(|seen| seen.values).unwrap_or_default();
                    index.add(index.len() as u64, name, &vector).map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = added {
                bar.suspend(|| eprintln!("error: {error}"));
                failed.push(json!({ "file": path.display().to_string(), "error": error }));
            }
        }
        bar.inc(paths.len() as u64);
    }
    bar.finish_and_clear();
    if index.is_empty() {
        let reason = "none of its pictures could be read; no index was written".to_owned();
        return Err(Error::Array { path: arguments.folder.display().to_string(), reason });
    }
    index.save(&arguments.index)?;
    let (count, dim) = (index.len(), index.dim());
    if arguments.json {
        print_json(&json!({
            "index": arguments.index.display().to_string(), "pictures": count, "dim": dim, "metric": index.metric().name(), "failed": failed,
        }));
    } else {
        println!("{count} pictures, vectors of {dim} numbers → {}", arguments.index.display());
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
