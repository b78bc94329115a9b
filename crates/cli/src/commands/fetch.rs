//! `tilewright fetch`: published weights, downloaded, held against their hash and converted.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tilewright_weights::{
    Options,
    fetch::{Download, Downloaded, fetch},
    manifest::{self, Published},
};

use super::output::print_json;
use crate::{error::Error, error::Result};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The weights: a network (`resnet50`, for torchvision's default), or one of several (`resnet50.imagenet1k_v1`).
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Where they go; else the folder that TILEWRIGHT_WEIGHTS names, or `tilewright/weights` in the user's cache.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// List the weights that are known, with their addresses and terms.
    #[arg(long)]
    list: bool,
    /// Fetch from this address instead, a mirror's; the hash is the same.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Fetch nothing: say where the weights are, or what would be fetched.
    #[arg(long)]
    offline: bool,
    /// Keep the file that was downloaded beside the converted one.
    #[arg(long)]
    keep: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        list(arguments.json);
        return Ok(());
    }
    let name = arguments.name.as_deref().unwrap_or_default();
    let published = manifest::find(name).ok_or_else(|| unknown(name))?;
    let folder = match &arguments.dir {
        Some(folder) => folder.clone(),
        None => default_folder()?,
    };
    let output = folder.join(format!("{}.safetensors", published.name));
    if converted_from(&output, &published.sha256) {
        report(arguments, published, &output, None);
        return Ok(());
    }
    let url = arguments.url.as_deref().unwrap_or(&published.url);
    let source = folder.join(published.url.rsplit('/').next().unwrap_or(&published.name));
    if arguments.offline && !source.is_file() {
        let reason = format!(
            "{} is not there; without it {url} would be fetched to {}",
            output.display(),
            folder.display()
        );
        return Err(Error::Argument { argument: "--offline", reason });
    }
    let bar = ProgressBar::no_length().with_message(published.name.clone());
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {bar:30} {bytes_per_sec} {eta}")
    {
        bar.set_style(style);
    }
    let mut progress = |had: u64, total: Option<u64>| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(had);
    };
    let download = Download { url, path: &source, sha256: Some(&published.sha256), retries: 5 };
    let fetched = fetch(&download, &mut progress);
    bar.finish_and_clear();
    let fetched = fetched?;
    let converted = tilewright_weights::convert(&source, &output, &Options::default())?;
    for note in &converted.notes {
        eprintln!("note: {note}");
    }
    if !arguments.keep && !fetched.present {
        fs::remove_file(&source).map_err(|error| Error::file(&source, error))?;
    }
    report(arguments, published, &output, Some(&fetched));
    Ok(())
}

fn report(arguments: &Arguments, published: &Published, output: &Path, fetched: Option<&Downloaded>) {
    let Published { name, network, url, sha256, licence, .. } = published;
    if arguments.json {
        print_json(&json!({
            "name": name, "network": network, "weights": output, "url": url, "sha256_checked": sha256,
            "sha256": fetched.map(|fetched| &fetched.sha256), "bytes": fetched.map(|fetched| fetched.bytes),
            "resumed": fetched.map(|fetched| fetched.resumed), "licence": licence,
        }));
        return;
    }
    if let Some(fetched) = fetched {
        let Downloaded { sha256: found, bytes, resumed, .. } = fetched;
        let resumed = if *resumed > 0 { format!(", {resumed} of them before") } else { String::new() };
        eprintln!("{bytes} bytes{resumed}; SHA-256 {found}");
        if sha256.len() < 64 {
            eprintln!("its first {} digits are published, and are the same", sha256.len());
        }
    }
    eprintln!("licence: {licence}");
    println!("{}", output.display());
}

fn list(json: bool) {
    if json {
        print_json(&manifest::all());
        return;
    }
    for one in manifest::all() {
        let default = if one.default { format!(" (`{}`)", one.network) } else { String::new() };
        println!("{}{default}  {}  {}", one.name, one.url, one.licence);
    }
}

fn unknown(name: &str) -> Error {
    let of_network: Vec<&str> =
        manifest::all().iter().filter(|one| one.network == name).map(|one| one.name.as_str()).collect();
    let reason = if of_network.is_empty() {
        format!("no weights are called `{name}`; `tilewright fetch --list` has those that are")
    } else {
        format!("`{name}` has several: {}", of_network.join(", "))
    };
    Error::Argument { argument: "NAME", reason }
}

fn default_folder() -> Result<PathBuf> {
    let cache = || {
        let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = env::var_os("XDG_CACHE_HOME").or_else(|| env::var_os("LOCALAPPDATA")).map(PathBuf::from);
        Some(cache.or(home)?.join("tilewright/weights"))
    };
    env::var_os("TILEWRIGHT_WEIGHTS").map(PathBuf::from).or_else(cache).ok_or_else(|| Error::Argument {
        argument: "--dir",
        reason: "there is no folder for weights: neither HOME nor TILEWRIGHT_WEIGHTS is set".to_owned(),
    })
}

/// Whether the file is there, and was converted from the one with this hash.
fn converted_from(output: &Path, sha256: &str) -> bool {
    let Ok(file) = tilewright_nn::StateFile::open(output) else { return false };
    let source = file.metadata().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    source
        .and_then(|source| source["sha256"].as_str().map(|found| found.starts_with(sha256)))
        .unwrap_or(false)
}
