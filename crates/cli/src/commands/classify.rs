//! `tilewright classify`.

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;
use tilewright_runtime::Context;

use super::output::print_json;
use crate::{
    error::{Error, Result},
    vision::{NetworkArguments, Viewer, Wanted, class_names},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Pictures: PNG, JPEG, BMP, TIFF, WebP or GIF, of any sizes.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    network: NetworkArguments,
    /// Classes to name, the likeliest first.
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,
    /// The classes' names, one a line or a JSON array. (what the weights say; ImageNet's for a thousand)
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// Pictures at a time.
    #[arg(long, default_value_t = 8, value_name = "N")]
    batch: usize,
    /// Say what decoding, the network and the rest took, for each batch of pictures.
    #[arg(long)]
    times: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The code says whether every picture was classified.
pub fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode> {
    let at_least_one = |argument, value: usize| {
        let reason = "it must be at least 1".to_owned();
        if value == 0 { Err(Error::Argument { argument, reason }) } else { Ok(value) }
    };
    at_least_one("--top", arguments.top)?;
    let batch = at_least_one("--batch", arguments.batch)?.min(arguments.images.len().max(1));
    let mut viewer = Viewer::new(context, &arguments.network, None, &Wanted::Logits, batch)?;
    let (mut names, mut rows, mut failed) = (None, Vec::new(), false);
    for paths in arguments.images.chunks(batch) {
        let seen = viewer.look_at(paths)?;
        for (path, seen) in paths.iter().zip(seen) {
            let file = path.display().to_string();
            let logits = match seen {
                Ok(mut outputs) => outputs.pop(),
                Err(error) => {
                    failed = true;
                    eprintln!("error: {error}");
                    rows.push(json!({ "file": file, "error": error.to_string() }));
                    continue;
                }
            };
            let logits = logits.map(|seen| seen.values).unwrap_or_default();
            let names = match &mut names {
                Some(names) => names,
                place => {
                    let classes = arguments.classes.as_deref();
                    place.insert(class_names(classes, viewer.trained.as_ref(), logits.len())?)
                }
            };
            let best = likeliest(&logits, arguments.top);
            if !arguments.json {
                println!("{file}");
                for &(class, probability) in &best {
                    println!("{:>8.2} %  {}", probability * 100.0, names[class]);
                }
            }
            let top: Vec<_> = best
                .iter()
                .map(|&(class, p)| json!({ "class": class, "name": names[class], "probability": p }))
                .collect();
            rows.push(json!({ "file": file, "top": top }));
        }
        viewer.times.end("names and probabilities");
    }
    if arguments.json {
        let preprocess = &viewer.preprocess;
        let mut report = json!({
            "model": arguments.network.model, "resize": preprocess.resize, "crop": preprocess.crop,
            "filter": preprocess.filter.name(), "mean": preprocess.mean, "std": preprocess.std, "images": rows,
        });
        if arguments.times {
            report["milliseconds"] = viewer.times.json();
        }
        print_json(&report);
    } else if arguments.times {
        viewer.times.say();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The classes of the largest logits with their probabilities (softmax), the largest first, of equal ones the lower class.
fn likeliest(logits: &[f32], count: usize) -> Vec<(usize, f64)> {
    let largest = logits.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|&logit| (f64::from(logit) - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|&one, &other| logits[other].total_cmp(&logits[one]).then(one.cmp(&other)));
    classes.into_iter().take(count).map(|class| (class, powers[class] / sum)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_a_softmax() {
        let best = likeliest(&[1000.0, 998.0, 1000.0, -5.0], 3);
        let classes: Vec<usize> = best.iter().map(|&(class, _)| class).collect();
        assert_eq!(classes, [0, 2, 1]);
        let sum = 2.0 + (-2.0f64).exp();
        for ((_, found), expected) in best.into_iter().zip([1.0 / sum, 1.0 / sum, (-2.0f64).exp() / sum]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(likeliest(&[0.0; 2], 9).len(), 2);
    }
}
