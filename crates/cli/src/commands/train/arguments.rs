//! What `tilewright train` takes.

use std::path::PathBuf;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum OptimizerName {
    Sgd,
    Adamw,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Train the demonstration: a small network on Fashion-MNIST.
    #[arg(long)]
    pub(super) demo: bool,
    /// A network of the zoo.
    #[arg(long, default_value = "small_cnn")]
    pub(super) model: String,
    /// The folder with the four IDX files (Fashion-MNIST, or others of its form).
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Where metrics, weights, checkpoint and pictures go.
    #[arg(long, value_name = "DIR", default_value = "out/train")]
    pub(super) output: PathBuf,
    /// Passes over the training images.
    #[arg(long, default_value_t = 4)]
    pub(super) epochs: u64,
    /// Images in a step.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(super) batch_size: usize,
    /// What changes the weights.
    #[arg(long, value_enum, default_value = "sgd")]
    pub(super) optimizer: OptimizerName,
    /// The highest learning rate; it rises over the first steps and falls along a cosine. [default: 0.1 for sgd, 0.002
    /// for adamw]
    #[arg(long)]
    pub(super) lr: Option<f32>,
    /// SGD's momentum.
    #[arg(long, default_value_t = 0.9)]
    pub(super) momentum: f32,
    /// Weight decay.
    #[arg(long, default_value_t = 5e-4)]
    pub(super) weight_decay: f32,
    /// Label smoothing of the loss.
    #[arg(long, default_value_t = 0.0)]
    pub(super) label_smoothing: f32,
    /// Flip and shift the training images at random.
    #[arg(long)]
    pub(super) augment: bool,
    /// The seed of initialisation, order, augmentation and dropout.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Use only the first N training images.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// Go on from OUTPUT/checkpoint.safetensors.
    #[arg(long)]
    pub(super) resume: bool,
    /// Threads that prepare batches.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) workers: usize,
    /// Print the time of each kernel over this many steps, and stop.
    #[arg(long, value_name = "STEPS")]
    pub(super) profile: Option<u64>,
}

impl Arguments {
    /// What a resumed run must have in common with the one that made the checkpoint.
    pub(super) fn description(&self) -> String {
        let Self {
            model,
            epochs,
            batch_size,
            optimizer,
            momentum,
            weight_decay,
            label_smoothing,
            augment,
            ..
        } = self;
        format!(
            "{model}, {epochs} epochs of batches of {batch_size}, {optimizer:?} lr {} momentum {momentum} weight decay \
             {weight_decay}, label smoothing {label_smoothing}, augment {augment}, limit {:?}, seed {}",
            self.learning_rate(),
            self.limit,
            self.seed
        )
    }

    pub(super) fn learning_rate(&self) -> f32 {
        self.lr.unwrap_or(match self.optimizer {
            OptimizerName::Sgd => 0.1,
            OptimizerName::Adamw => 0.002,
        })
    }
}
