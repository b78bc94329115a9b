//! `tilewright detect`.

mod network;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tilewright_data::{DataError, picture};
use tilewright_runtime::{Context, write_whole};
use tilewright_zoo::Detection;

use self::network::Detector;
use super::output::print_json;
use crate::{
    error::Error,
    error::Result,
    pictures::{FoundBox, found_boxes},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Pictures: PNG, JPEG, BMP, TIFF, WebP or GIF, of any sizes.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Where NAME.boxes.png of every picture and detections.json, in the form of COCO's results, go.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Darknet's description of the network.
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    cfg: Option<PathBuf>,
    /// A network of the zoo that finds boxes, instead of a description.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Its weights: Darknet's .weights for --cfg, a safetensors file for --model.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The classes' names, one a line. (numbers)
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Boxes have to score more than this.
    #[arg(long, default_value_t = 0.5, value_name = "SCORE")]
    threshold: f32,
    /// Of two boxes of a class that share more than this part of their area, the better one is kept; 1 keeps all.
    #[arg(long, default_value_t = 0.45, value_name = "SHARE")]
    nms: f32,
    /// Print detections.json instead of words.
    #[arg(long)]
    json: bool,
}

/// The numbers from 1 to 90 that COCO has no class for, so that its 80 classes end at 90.
const NOT_OF_COCO: [usize; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// Finds boxes in every picture that can be read. What cannot is said at once, and the command fails at its end.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    for (argument, value) in [("--threshold", arguments.threshold), ("--nms", arguments.nms)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(Error::Argument { argument, reason: "it must be 0 to 1".to_owned() });
        }
    }
    let names = outputs(&arguments.images)?;
    let detector = match (&arguments.cfg, &arguments.model) {
        (Some(cfg), _) => Detector::of_darknet(context, cfg, &arguments.weights)?,
        (None, Some(name)) => Detector::of_zoo(context, name, &arguments.weights)?,
        (None, None) => {
            let reason =
                "which network? Give Darknet's description, or --model with a name of `tilewright zoo list`";
            return Err(Error::Argument { argument: "--cfg", reason: reason.to_owned() });
        }
    };
    let classes = class_names(arguments.names.as_deref(), detector.classes())?;
    fs::create_dir_all(&arguments.output).map_err(|error| Error::file(&arguments.output, error))?;
    let (mut results, mut failed) = (Vec::new(), 0);
    for (path, name) in arguments.images.iter().zip(&names) {
        match one(arguments, context, &detector, path, name, &classes) {
            Ok(found) => results.extend(found.iter().map(|found| result(name, found, classes.len()))),
            Err(error) => {
                failed += 1;
                eprintln!("error: {}: {error}", path.display());
            }
        }
    }
    let file = arguments.output.join("detections.json");
    let results = Value::Array(results);
    write_whole(&file, format!("{results:#}\n").as_bytes()).map_err(|error| Error::file(&file, error))?;
    if arguments.json {
        print_json(&results);
    }
    if failed > 0 {
        return Err(Error::Check(format!(
            "nothing could be looked for in {failed} of {} pictures",
            names.len()
        )));
    }
    Ok(())
}

/// Looks at one picture, and draws what is found.
fn one(
    arguments: &Arguments,
    context: &Context,
    detector: &Detector,
    path: &Path,
    name: &str,
    classes: &[String],
) -> Result<Vec<Detection>> {
    let picture = picture::read(path).map_err(DataError::from)?.to_rgb8();
    let found = detector.find(context, picture.clone(), arguments.threshold, arguments.nms)?;
    let label = |one: &Detection| format!("{} {:.2}", classes[one.class], one.score);
    let drawn: Vec<FoundBox> = found
        .iter()
        .map(|one| FoundBox { bounds: one.bounds, label: label(one), class: one.class })
        .collect();
    let file = arguments.output.join(format!("{name}.boxes.png"));
    found_boxes(&file, picture.as_u8().unwrap_or_default(), picture.width(), &drawn)?;
    if !arguments.json {
        println!("{} → {}, {} found", path.display(), file.display(), found.len());
        for one in &found {
            let [left, top, right, bottom] = one.bounds;
            println!(
                "{:>8.4}  {}  {left:.1}, {top:.1} to {right:.1}, {bottom:.1}",
                one.score, classes[one.class]
            );
        }
    }
    Ok(found)
}

/// One line of COCO's results. The picture is its file's number, or its name where that is none; the class is its number from 1, of
/// COCO's 80 classes that of its annotations.
fn result(name: &str, found: &Detection, classes: usize) -> Value {
    let number = name.parse::<u64>().map_or_else(|_| json!(name), |number| json!(number));
    let category = if classes == 80 {
        (1..).filter(|number| !NOT_OF_COCO.contains(number)).nth(found.class).unwrap_or_default()
    } else {
        found.class + 1
    };
    let [left, top, right, bottom] = found.bounds;
    json!({
        "image_id": number, "category_id": category, "bbox": [left, top, right - left, bottom - top], "score": found.score,
    })
}

/// The names of the files that are written, without their ends: those of the pictures, which must differ.
fn outputs(images: &[PathBuf]) -> Result<Vec<String>> {
    let mut seen: HashMap<String, &Path> = HashMap::new();
    let mut names = Vec::with_capacity(images.len());
    for path in images {
        let stem = path.file_stem().unwrap_or_default();
        let name = stem.to_string_lossy().into_owned();
        if let Some(other) = seen.insert(name.clone(), path) {
            let (other, path) = (other.display(), path.display());
            let reason =
                format!("{other} and {path} would both become {name}.boxes.png; give them in two runs");
            return Err(Error::Argument { argument: "IMAGE", reason });
        }
        names.push(name);
    }
    Ok(names)
}

fn class_names(file: Option<&Path>, count: usize) -> Result<Vec<String>> {
    let Some(path) = file else {
        return Ok((0..count).map(|class| format!("class {class}")).collect());
    };
    let text = fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.len() != count {
        let reason = format!("it has {} names, and the network has {count} classes", names.len());
        return Err(Error::Array { path: path.display().to_string(), reason });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_cocos() {
        let of = |class, classes| {
            let found = Detection { bounds: [1.0, 2.0, 4.0, 8.0], class, score: 0.5 };
            result("000000000139", &found, classes)
        };
        assert_eq!(of(0, 80)["category_id"], 1);
        assert_eq!(of(11, 80)["category_id"], 13);
        assert_eq!(of(79, 80)["category_id"], 90);
        assert_eq!(of(79, 81)["category_id"], 80);
        assert_eq!(of(0, 80)["image_id"], 139);
        assert_eq!(of(0, 80)["bbox"], json!([1.0, 2.0, 3.0, 6.0]));
    }
}
