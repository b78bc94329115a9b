//! `tilewright features`.

use std::path::PathBuf;

use tilewright_data::picture;
use tilewright_onnx::{Data, HostTensor};
use tilewright_runtime::Context;

use crate::{
    error::{Error, Result},
    files,
    pictures::{FeatureMaps, feature_maps},
    vision::{NetworkArguments, Seen, Viewer, Wanted},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A picture.
    image: PathBuf,
    #[command(flatten)]
    network: NetworkArguments,
    /// The path of a layer or block, such as layer3 or layer4.1.conv2; may be given several times.
    #[arg(long, required = true, value_name = "PATH")]
    layer: Vec<String>,
    /// Where the sheet of maps goes, a PNG file.
    #[arg(short, long, value_name = "FILE", required_unless_present = "npz")]
    output: Option<PathBuf>,
    /// Where the numbers go, an .npz file: an array of each layer under its path.
    #[arg(long, value_name = "FILE")]
    npz: Option<PathBuf>,
    /// Maps of each layer that are drawn.
    #[arg(long, default_value_t = 64, value_name = "N")]
    maps: usize,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let layers: Vec<&str> = arguments.layer.iter().map(String::as_str).collect();
    if let Some(twice) = (1..layers.len()).find(|&at| layers[..at].contains(&layers[at])) {
        let reason = format!("`{}` is asked for twice", layers[twice]);
        return Err(Error::Argument { argument: "--layer", reason });
    }
    let picture = picture::read(&arguments.image).map_err(tilewright_data::DataError::from)?;
    let mut viewer = Viewer::new(context, &arguments.network, None, &Wanted::Layers(&layers), 1)?;
    let prepared = viewer.prepare(picture).map_err(tilewright_data::DataError::from)?;
    let seen = viewer.view(&[&prepared])?.pop().unwrap_or_default();
    if let Some(path) = &arguments.output {
        let maps: Vec<_> = layers.iter().zip(&seen).map(|(&name, seen)| maps(name, seen)).collect();
        let title = arguments.image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        feature_maps(path, &title, &maps, arguments.maps)?;
    }
    if let Some(path) = &arguments.npz {
        let array = |seen: Seen| {
            let shape: Vec<usize> = [1].into_iter().chain(seen.shape).collect();
            let lost = |data: Data| Error::Check(format!("{} numbers do not fill {shape:?}", data.len()));
            HostTensor::new(&shape, Data::F32(seen.values)).map_err(lost)
        };
        let arrays = seen.into_iter().map(array).collect::<Result<Vec<_>>>()?;
        files::write_npz(path, &layers.iter().copied().zip(&arrays).collect::<Vec<_>>())?;
    }
    for path in [&arguments.output, &arguments.npz].into_iter().flatten() {
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// Maps as they are drawn; a vector is a map of one pixel for each of its numbers.
fn maps<'a>(name: &'a str, seen: &'a Seen) -> FeatureMaps<'a> {
    let (height, width) = match seen.shape[..] {
        [_, height, width] => (height, width),
        [_, length] => (1, length),
        _ => (1, 1),
    };
    FeatureMaps { name, height, width, values: &seen.values }
}
