//! What `tilewright train` takes.

use std::path::PathBuf;

use super::{
    data::DataArguments, optimizer::OptimizerArguments, quantize::QuantizeArguments,
    transfer::TransferArguments,
};
use crate::{commands::precision::Precision, error::Error, error::Result};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Train the demonstration: a small network on Fashion-MNIST.
    #[arg(long)]
    pub(super) demo: bool,
    /// A network of the zoo.
    #[arg(long, default_value = "small_cnn")]
    pub(super) model: String,
    #[command(flatten)]
    pub(super) data: DataArguments,
    #[command(flatten)]
    pub(super) optimizer: OptimizerArguments,
    #[command(flatten)]
    pub(super) transfer: TransferArguments,
    #[command(flatten)]
    pub(super) quantize: QuantizeArguments,
    /// Where metrics, weights, checkpoint and pictures go.
    #[arg(long, value_name = "DIR", default_value = "out/train")]
    pub(super) output: PathBuf,
    /// Passes over the training images.
    #[arg(long, default_value_t = 4)]
    pub(super) epochs: u64,
    /// Images in a batch.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(super) batch_size: usize,
    /// Batches whose gradients are added up for one step.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) accumulate: u64,
    /// f16 stores what layers read as halves and scales the loss; weights stay f32.
    #[arg(long, value_enum, default_value = "f32")]
    pub(super) precision: Precision,
    /// Keep a running mean of the weights, of which each step keeps this part (0.999); it is what is evaluated and saved.
    #[arg(long, value_name = "DECAY")]
    pub(super) ema: Option<f64>,
    /// Stop after N epochs in a row without a lower loss on the held-out images.
    #[arg(long, value_name = "N")]
    pub(super) early_stop: Option<usize>,
    /// Evaluate every N epochs, and after the last.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) evaluate_every: u64,
    /// Label smoothing of the loss.
    #[arg(long, default_value_t = 0.0)]
    pub(super) label_smoothing: f32,
    /// Give the network its auxiliary heads, whose losses training adds: 0.3 times each of GoogLeNet's two, half of that of FCN and
    /// DeepLabV3. Weights that have them bring them anyway.
    #[arg(long)]
    pub(super) auxiliary: bool,
    /// The seed of initialisation, order, augmentation and dropout.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Go on from OUTPUT/checkpoint.safetensors.
    #[arg(long)]
    pub(super) resume: bool,
    /// Threads that prepare batches.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) workers: usize,
    /// Save the inputs of the network's blocks alone, and compute the blocks anew on the way back: less memory, more time.
    #[arg(long)]
    pub(super) checkpoint_activations: bool,
    /// Look at every result and every gradient, and name the operation that makes the first NaN or infinity (slow).
    #[arg(long)]
    pub(super) detect_anomaly: bool,
    /// Print the time of each kernel over this many steps, and stop.
    #[arg(long, value_name = "STEPS")]
    pub(super) profile: Option<u64>,
}

impl Arguments {
    /// What a resumed run must have in common with the one that made the checkpoint. What is as ever is not said, so that a
    /// checkpoint outlives options that are new.
    pub(super) fn description(&self) -> String {
        let Self { model, data, optimizer, transfer, epochs, batch_size, label_smoothing, seed, .. } = self;
        let mut said = format!(
            "{model}, {epochs} epochs of batches of {batch_size}, {}, label smoothing {label_smoothing}, augment {}, limit \
             {:?}, seed {seed}",
            optimizer.description(),
            data.augment,
            data.limit,
        );
        let parts =
            [data.description(), transfer.description(), optimizer.further(), self.quantize.description()];
        for part in parts {
            said.push_str(&part);
        }
        if self.accumulate != 1 {
            said.push_str(&format!(", {} batches a step", self.accumulate));
        }
        if let Some(decay) = self.ema {
            said.push_str(&format!(", averaged by {decay}"));
        }
        if self.auxiliary {
            said.push_str(", auxiliary heads");
        }
        if self.half() {
            said.push_str(", f16");
        }
        said
    }

    /// Fails for bytes, which have no gradients.
    pub(super) fn check_precision(&self) -> Result<()> {
        if matches!(self.precision, Precision::Int8) {
            let reason =
                "bytes have no gradients; `--quantize-aware` trains with their roundings, in f32".to_owned();
            return Err(Error::Argument { argument: "--precision", reason });
        }
        Ok(())
    }

    pub(super) fn half(&self) -> bool {
        matches!(self.precision, Precision::F16)
    }
}
