//! The commands, one file or folder each.

mod classify;
mod convert;
mod darknet;
mod detect;
mod devices;
mod embed;
mod export;
mod features;
mod fetch;
mod grad;
mod infer;
mod inspect;
mod kernels;
mod memory;
mod output;
mod precision;
mod profile;
mod quantize;
mod segment;
mod similar;
mod times;
mod train;
mod tune;
mod zoo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tilewright_runtime::{Context, ContextOptions, Tuning};

use crate::error::Result;

/// A GPU compute engine for convolutional networks.
#[derive(Debug, Parser)]
#[command(name = "tilewright", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    device: DeviceArguments,
    #[command(subcommand)]
    command: Command,
}

/// Which device runs the command, and how strictly.
#[derive(Debug, clap::Args)]
struct DeviceArguments {
    /// Adapter: its index, a part of its name, `high-performance` or `low-power`.
    #[arg(long, global = true, env = "TILEWRIGHT_ADAPTER", value_name = "ADAPTER")]
    adapter: Option<String>,
    /// Check every index and every buffer's end while kernels run (slow).
    #[arg(long, global = true)]
    checked: bool,
    /// Compute convolutions and products by sums of products alone, forward and backward: neither Winograd's minimal
    /// filtering, whose tiles an infinity or a NaN fills, nor split halves (slower).
    #[arg(long, global = true)]
    exact: bool,
}

impl DeviceArguments {
    fn context(&self) -> Result<Context> {
        self.context_with(ContextOptions::from_env()?)
    }

    fn context_with(&self, mut options: ContextOptions) -> Result<Context> {
        if let Some(adapter) = &self.adapter {
            options.adapter = adapter.parse().unwrap_or_default();
        }
        if self.checked {
            options.mode = tilewright_runtime::Mode::Checked;
        }
        Ok(Context::with_options(&options.with_exact(self.exact))?)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the adapters of this machine, or measure one.
    Devices(devices::Arguments),
    /// Read, list and time kernels.
    #[command(subcommand)]
    Kernels(kernels::Command),
    /// Train a network on images.
    Train(Box<train::arguments::Arguments>),
    /// Run a network on an array.
    Infer(infer::Arguments),
    /// Name what pictures show.
    Classify(classify::Arguments),
    /// Draw what a layer of a network gives for a picture.
    Features(features::Arguments),
    /// Make an index of a folder of pictures, to find similar ones.
    Embed(embed::Arguments),
    /// Find the pictures of an index that are most like one.
    Similar(similar::Arguments),
    /// Say of each pixel of pictures which class it belongs to.
    Segment(segment::Arguments),
    /// Find boxes in pictures and draw them.
    Detect(detect::Arguments),
    /// Describe networks of Darknet, and convert their weights.
    #[command(subcommand)]
    Darknet(darknet::Command),
    /// Show a network's layers, what is fused in them, and its memory.
    Inspect(inspect::Arguments),
    /// Time every layer of a network.
    Profile(profile::Arguments),
    /// Show what a training step holds on the device.
    Memory(memory::Arguments),
    /// Write a network as an ONNX file.
    Export(export::Arguments),
    /// Turn a network into one that computes with bytes, by samples of what it will see.
    Quantize(quantize::Arguments),
    /// Compute the gradient of every parameter.
    Grad(grad::Arguments),
    /// Write a file of weights of PyTorch or NumPy as safetensors; nothing in it is run.
    Convert(convert::Arguments),
    /// Download published weights, check their hash and convert them.
    Fetch(fetch::Arguments),
    /// Measure which algorithm is the quickest for each shape, and remember it.
    Tune(tune::Arguments),
    /// List the networks that there are by name, or show one.
    #[command(subcommand)]
    Zoo(zoo::Command),
}

impl Cli {
    /// Whether the command goes on where nobody reads what it prints.
    pub fn outlives_its_reader(&self) -> bool {
        matches!(self.command, Command::Train(_))
    }

    /// Runs the command; the code is not zero where it was interrupted.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Convert(arguments) => convert::run(&arguments)?,
            Command::Devices(arguments) => devices::run(&arguments, || self.device.context())?,
            Command::Kernels(command) => kernels::run(&command, || self.device.context())?,
            Command::Train(arguments) => return train::run(&arguments, &self.device.context()?),
            Command::Infer(arguments) => infer::run(&arguments, &self.device.context()?)?,
            Command::Classify(arguments) => return classify::run(&arguments, &self.device.context()?),
            Command::Features(arguments) => features::run(&arguments, &self.device.context()?)?,
            Command::Embed(arguments) => return embed::run(&arguments, &self.device.context()?),
            Command::Similar(arguments) => return similar::run(&arguments, &self.device.context()?),
            Command::Segment(arguments) => segment::run(&arguments, &self.device.context()?)?,
            Command::Detect(arguments) => detect::run(&arguments, &self.device.context()?)?,
            Command::Darknet(command) => darknet::run(&command)?,
            Command::Inspect(arguments) => inspect::run(&arguments, &self.device.context()?)?,
            Command::Memory(arguments) => memory::run(&arguments, &self.device.context()?)?,
            Command::Profile(arguments) => profile::run(&arguments, &self.device.context()?)?,
            Command::Quantize(arguments) => quantize::run(&arguments, &self.device.context()?)?,
            Command::Fetch(arguments) => fetch::run(&arguments)?,
            Command::Export(arguments) => export::run(&arguments, &self.device.context()?)?,
            Command::Grad(arguments) => grad::run(&arguments, &self.device.context()?)?,
            Command::Zoo(command) => zoo::run(&command, &self.device.context()?)?,
            Command::Tune(arguments) => {
                let options = ContextOptions::from_env()?.with_tuning(Tuning::Measure);
                tune::run(&arguments, &self.device.context_with(options)?)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
