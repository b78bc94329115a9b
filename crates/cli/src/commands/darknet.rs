//! `tilewright darknet`: Darknet's files and ours.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use tilewright_darknet::{Extent, Header, Network, Weights};
use tilewright_nn::StateDict;
use tilewright_runtime::write_whole;
use tilewright_zoo::{darknet_cfg, darknet_network, darknet_state, darknet_weights};

use crate::{error::Error, error::Result};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print the description of a network that is known by name.
    Cfg(Cfg),
    /// Write a .weights file as safetensors, or such a file as .weights again.
    Convert(Convert),
}

#[derive(Debug, clap::Args)]
pub struct Cfg {
    /// yolov3, yolov3_tiny or yolov4_tiny.
    name: String,
    /// Classes.
    #[arg(long, default_value_t = 80)]
    classes: usize,
    /// Height and width of an image, multiples of 32.
    #[arg(long, default_value_t = 416, value_name = "PIXELS")]
    size: usize,
}

#[derive(Debug, clap::Args)]
pub struct Convert {
    /// What is read.
    input: PathBuf,
    /// What is written: .weights, or a safetensors file by any other name.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The description of the network.
    #[arg(long, value_name = "FILE")]
    cfg: PathBuf,
    /// The file may end after any layer, as yolov3.conv.81 does.
    #[arg(long)]
    first_layers: bool,
}

/// Runs one of the commands.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Cfg(arguments) => cfg(arguments),
        Command::Convert(arguments) => convert(arguments),
    }
}

fn cfg(arguments: &Cfg) -> Result<()> {
    let &Cfg { ref name, classes, size } = arguments;
    let image = [3, size, size];
    // What it describes is checked before it is printed.
    darknet_network(name, image, classes)?;
    print!("{}", darknet_cfg(name, image, classes).unwrap_or_default());
    Ok(())
}

fn convert(arguments: &Convert) -> Result<()> {
    let Convert { input, output, cfg, first_layers } = arguments;
    let network = Network::read(cfg)?;
    if is_weights(output) {
        let state = StateDict::read(input)?;
        let weights = darknet_weights(&network, &state, Header::default())?;
        write_whole(output, &weights.to_bytes()?).map_err(|error| Error::file(output, error))?;
        println!("{} → {}, {} layers", input.display(), output.display(), weights.layers);
        return Ok(());
    }
    let extent = if *first_layers { Extent::FirstLayers } else { Extent::Whole };
    let weights = Weights::read(input, &network, extent)?;
    let (layers, all, seen) = (weights.layers, network.layers.len(), weights.header.seen);
    darknet_state(&network, weights).write(output)?;
    println!("{} → {}, {layers} of {all} layers, {seen} images seen", input.display(), output.display());
    Ok(())
}

fn is_weights(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("weights"))
}
