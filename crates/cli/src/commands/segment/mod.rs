//! `tilewright segment`.

mod classes;
mod colours;
mod network;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use serde_json::{Value, json};
use tilewright_data::{DataError, picture};
use tilewright_runtime::Context;

use self::network::{Preparation, Segmenter};
use super::output::print_json;
use crate::{error::Error, error::Result, vision::Times};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Pictures: PNG, JPEG, BMP, TIFF, WebP or GIF, of any sizes.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Where NAME.mask.png (the classes' numbers) and NAME.overlay.png (their colours over the picture) go.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// A network of the zoo that segments.
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Its weights, a safetensors file.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The classes' names, one a line. (Pascal VOC's for 21 classes, else numbers)
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// Pixels of a picture's shorter side in the network, 520 with torchvision's weights; the masks have the picture's own
    /// size. (the picture's own size)
    #[arg(long, value_name = "PIXELS")]
    resize: Option<usize>,
    /// The samples that become black and white, in percent of all that are darker: 1,99.8 for a microscope's 16 bits. (the
    /// range of the samples' type)
    #[arg(long, value_delimiter = ',', value_name = "LOW,HIGH")]
    percentiles: Option<Vec<f32>>,
    /// The mean of each channel, of 0 to 1, with commas. (ImageNet's; 0.5 for grey)
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, value_name = "MEANS")]
    mean: Option<Vec<f32>>,
    /// The standard deviation of each channel, with commas. (ImageNet's; 0.5 for grey)
    #[arg(long, value_delimiter = ',', value_name = "DEVIATIONS")]
    std: Option<Vec<f32>>,
    /// Say what reading, the network and the rest took, for each picture.
    #[arg(long)]
    times: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Segments every picture that can be read. What cannot is said at once, and the command fails at its end.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let names = outputs(&arguments.images)?;
    let segmenter = Segmenter::load(context, &arguments.model, &arguments.weights)?;
    let prepare = arguments.preparation(segmenter.channels())?;
    let classes = class_names(arguments.classes.as_deref(), segmenter.classes())?;
    fs::create_dir_all(&arguments.output).map_err(|error| Error::file(&arguments.output, error))?;
    let (mut rows, mut failed, mut times) = (Vec::new(), 0, Times::default());
    for (path, name) in arguments.images.iter().zip(&names) {
        match one(context, &segmenter, &prepare, path, &arguments.output.join(name), &classes, &mut times) {
            Ok(row) => {
                if !arguments.json {
                    print_words(&row);
                }
                rows.push(row);
            }
            Err(error) => {
                failed += 1;
                eprintln!("error: {error}");
                rows.push(json!({ "file": path.display().to_string(), "error": error.to_string() }));
            }
        }
    }
    if arguments.json {
        let mut report = json!({ "model": arguments.model, "classes": classes, "pictures": rows });
        if arguments.times {
            report["milliseconds"] = times.json();
        }
        print_json(&report);
    } else if arguments.times {
        times.say();
    }
    if failed > 0 {
        return Err(Error::Check(format!("{failed} of {} pictures could not be segmented", names.len())));
    }
    Ok(())
}

/// Segments one picture and writes its mask and overlay to `stem`.mask.png and `stem`.overlay.png.
fn one(
    context: &Context,
    segmenter: &Segmenter,
    prepare: &Preparation,
    path: &Path,
    stem: &Path,
    names: &[String],
    times: &mut Times,
) -> Result<Value> {
    times.begin();
    let picture = picture::read(path).map_err(DataError::from)?;
    times.end("decode");
    let answers = segmenter.answers(context, path, &picture, prepare, times)?;
    let (width, height) = (picture.width(), picture.height());
    let seen = colours::mask(width, height, &answers, names.len()).map_err(DataError::from)?;
    let [mask, overlay] = ["mask.png", "overlay.png"].map(|end| {
        let mut name = stem.as_os_str().to_owned();
        name.push(".");
        name.push(end);
        PathBuf::from(name)
    });
    // Compressing them takes most of this part.
    thread::scope(|scope| {
        let mask = scope.spawn(|| seen.write_png(&mask));
        let written =
            colours::overlay(&picture.to_rgb8(), &answers).and_then(|over| over.write_png(&overlay));
        let other = mask.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and(other)
    })
    .map_err(DataError::from)?;
    times.end("mask and overlay");
    let mut pixels = vec![0usize; names.len()];
    for &class in &answers {
        if let Some(count) = usize::try_from(class).ok().and_then(|class| pixels.get_mut(class)) {
            *count += 1;
        }
    }
    let found = pixels.iter().zip(names).enumerate().filter(|(_, (pixels, _))| **pixels > 0);
    let areas: Vec<Value> = found
        .map(|(class, (&pixels, name))| {
            let share = pixels as f64 / answers.len().max(1) as f64;
            json!({ "class": class, "name": name, "pixels": pixels, "share": share })
        })
        .collect();
    let text = |path: &Path| path.display().to_string();
    let (mask, overlay) = (text(&mask), text(&overlay));
    Ok(json!({
        "file": text(path), "width": width, "height": height, "mask": mask, "overlay": overlay, "areas": areas,
    }))
}

fn print_words(row: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!("{} → {}, {}", text(&row["file"]), text(&row["mask"]), text(&row["overlay"]));
    for area in row["areas"].as_array().into_iter().flatten() {
        let share = 100.0 * area["share"].as_f64().unwrap_or_default();
        println!("{share:>8.2} %  {}", text(&area["name"]));
    }
}

impl Arguments {
    fn preparation(&self, channels: usize) -> Result<Preparation> {
        let fault = |argument, reason: &str| Err(Error::Argument { argument, reason: reason.to_owned() });
        if self.resize == Some(0) {
            return fault("--resize", "it must be at least 1; leave it out for the picture's own size");
        }
        let percentiles = match self.percentiles.as_deref() {
            None => None,
            Some(&[low, high]) if 0.0 <= low && low < high && high <= 100.0 => Some([low, high]),
            Some(_) => return fault("--percentiles", "two numbers are wanted, 0 ≤ LOW < HIGH ≤ 100"),
        };
        let colours = channels == 3;
        let (mean, std) = if colours {
            (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225])
        } else {
            (vec![0.5], vec![0.5])
        };
        let (mean, std) = (self.mean.clone().unwrap_or(mean), self.std.clone().unwrap_or(std));
        for (argument, values) in [("--mean", &mean), ("--std", &std)] {
            if values.len() != 1 && values.len() != channels {
                let given = values.len();
                let reason = format!("there are {given} numbers, and the network has {channels} channels");
                return fault(argument, &reason);
            }
        }
        if mean.iter().any(|mean| !mean.is_finite()) {
            return fault("--mean", "it must be a number");
        }
        if std.iter().any(|std| !(std.is_finite() && *std > 0.0)) {
            return fault("--std", "a deviation must be above 0");
        }
        Ok(Preparation { resize: self.resize, percentiles, mean, std })
    }
}

/// The names of the files that are written, without their ends: those of the pictures, which must differ.
fn outputs(images: &[PathBuf]) -> Result<Vec<String>> {
    let mut seen: HashMap<String, &Path> = HashMap::new();
    let mut names = Vec::with_capacity(images.len());
    for path in images {
        let Some(stem) = path.file_stem() else {
            let reason = format!("{} has no file name", path.display());
            return Err(Error::Argument { argument: "IMAGE", reason });
        };
        let name = stem.to_string_lossy().into_owned();
        if let Some(other) = seen.insert(name.clone(), path) {
            let reason = format!(
                "{} and {} would both become {name}.mask.png; give them in two runs with two folders",
                other.display(),
                path.display()
            );
            return Err(Error::Argument { argument: "IMAGE", reason });
        }
        names.push(name);
    }
    Ok(names)
}

fn class_names(file: Option<&Path>, count: usize) -> Result<Vec<String>> {
    let Some(path) = file else {
        let name = |class: usize| match colours::VOC.get(class) {
            Some(name) if count == colours::VOC.len() => (*name).to_owned(),
            _ => format!("class {class}"),
        };
        return Ok((0..count).map(name).collect());
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
