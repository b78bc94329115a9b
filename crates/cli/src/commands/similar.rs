//! `tilewright similar`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use tilewright_data::picture;
use tilewright_retrieve::{Index, Match, Metric, Searcher};
use tilewright_runtime::Context;

use super::output::print_json;
use crate::{
    error::{Error, Result},
    pictures::{Thumbnail, contact_sheet},
    vision::{About, NetworkArguments, Viewer, Wanted, probe},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Pictures.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// An index that `tilewright embed` made.
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    /// The network's weights. (the file that the index was made with)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Pictures to find.
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// Where a sheet of the pictures goes, a PNG file; for one picture.
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
    /// The folder of the pictures, for the sheet. (the one that the index was made of)
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The code says whether every picture was compared.
pub fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode> {
    let argument = |argument, reason: &str| Err(Error::Argument { argument, reason: reason.to_owned() });
    if arguments.top == 0 {
        return argument("--top", "it must be at least 1");
    }
    if arguments.sheet.is_some() && arguments.images.len() > 1 {
        return argument("--sheet", "a sheet is of one picture; name one alone");
    }
    let index = Index::load(&arguments.index)?;
    let about: About = serde_json::from_str(index.about()).map_err(|_| {
        let reason = "it does not say which network made it; `tilewright embed` makes indices that do";
        Error::Array { path: arguments.index.display().to_string(), reason: reason.to_owned() }
    })?;
    let weights = arguments.weights.as_ref().unwrap_or(&about.weights);
    let network = NetworkArguments {
        model: Some(about.model.clone()),
        weights: Some(weights.clone()),
        ..NetworkArguments::default()
    };
    let batch = arguments.images.len().clamp(1, BATCH);
    let mut viewer = Viewer::new(context, &network, Some(about.preprocess()), &Wanted::Embedding, batch)?;
    about.check(&probe(&mut viewer)?)?;
    let searcher = Searcher::new(&index, context)?;
    let (mut rows, mut failed) = (Vec::new(), false);
    for paths in arguments.images.chunks(batch) {
        let seen = viewer.look_at(paths)?;
        let vectors: Vec<f32> =
            seen.iter().flatten().flatten().flat_map(|seen| seen.values.iter().copied()).collect();
        let mut found = searcher.query(&vectors, arguments.top)?.into_iter();
        for (path, seen) in paths.iter().zip(&seen) {
            match seen {
                Ok(_) => rows.push((path, found.next().unwrap_or_default())),
                Err(error) => {
                    eprintln!("error: {error}");
                    failed = true;
                }
            }
        }
    }
    if arguments.json {
        let image = |(path, found): &(&PathBuf, Vec<Match>)| {
            let found: Vec<_> = found.iter().map(row).collect();
            json!({ "image": path.display().to_string(), "found": found })
        };
        let images: Vec<_> = rows.iter().map(image).collect();
        let (index, metric) = (arguments.index.display().to_string(), index.metric().name());
        print_json(&json!({ "index": index, "metric": metric, "images": images }));
    } else {
        for (path, found) in &rows {
            println!("{}", path.display());
            for found in found {
                println!("{:>10.5}  {}", found.score, found.name);
            }
        }
    }
    if let (Some(sheet), [(path, found)]) = (&arguments.sheet, &rows[..]) {
        let folder = arguments.folder.as_ref().unwrap_or(&about.folder);
        draw(sheet, path, found, folder, &index)?;
        eprintln!("wrote {}", sheet.display());
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Pictures at a time.
const BATCH: usize = 8;

fn row(found: &Match) -> serde_json::Value {
    json!({ "id": found.id, "name": found.name, "score": found.score })
}

/// Draws the picture that was asked for, and those that were found.
fn draw(sheet: &Path, asked: &Path, found: &[Match], folder: &Path, index: &Index) -> Result<()> {
    let words = match index.metric() {
        Metric::Cosine => "cosine",
        Metric::L2 => "distance",
        Metric::Dot => "product",
    };
    let open = |path: &Path| {
        picture::read(path)
            .map_err(|error| eprintln!("warning: {error}; its place on the sheet stays empty"))
            .ok()
    };
    let name = asked.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first =
        Thumbnail { picture: open(asked), words: [name, "the picture asked for".to_owned()], framed: true };
    let others = found.iter().map(|found| {
        let words = [found.name.clone(), format!("{words} {:.4}", found.score)];
        Thumbnail { picture: open(&folder.join(&found.name)), words, framed: false }
    });
    let thumbnails: Vec<_> = [first].into_iter().chain(others).collect();
    contact_sheet(sheet, &format!("The {} nearest of {} pictures", found.len(), index.len()), &thumbnails)?;
    Ok(())
}
