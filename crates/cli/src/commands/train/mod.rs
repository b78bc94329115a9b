//! `tilewright train`.

mod report;
mod run;
mod say;
mod watch;

use std::{path::PathBuf, process::ExitCode};

use tilewright_runtime::Context;

use crate::{error::Error, error::Result};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum OptimizerName {
    Sgd,
    Adamw,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Train the demonstration: a small network on Fashion-MNIST.
    #[arg(long)]
    demo: bool,
    /// A network of the zoo.
    #[arg(long, default_value = "small_cnn")]
    model: String,
    /// The folder with the four IDX files (Fashion-MNIST, or others of its form).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where metrics, weights, checkpoint and pictures go.
    #[arg(long, value_name = "DIR", default_value = "out/train")]
    output: PathBuf,
    /// Passes over the training images.
    #[arg(long, default_value_t = 4)]
    epochs: u64,
    /// Images in a step.
    #[arg(long, default_value_t = 64, value_name = "N")]
    batch_size: usize,
    /// What changes the weights.
    #[arg(long, value_enum, default_value = "sgd")]
    optimizer: OptimizerName,
    /// The highest learning rate; it rises over the first steps and falls along a cosine. [default: 0.1 for sgd, 0.002
    /// for adamw]
    #[arg(long)]
    lr: Option<f32>,
    /// SGD's momentum.
    #[arg(long, default_value_t = 0.9)]
    momentum: f32,
    /// Weight decay.
    #[arg(long, default_value_t = 5e-4)]
    weight_decay: f32,
    /// Label smoothing of the loss.
    #[arg(long, default_value_t = 0.0)]
    label_smoothing: f32,
    /// Flip and shift the training images at random.
    #[arg(long)]
    augment: bool,
    /// The seed of initialisation, order, augmentation and dropout.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Use only the first N training images.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Go on from OUTPUT/checkpoint.safetensors.
    #[arg(long)]
    resume: bool,
    /// Threads that prepare batches.
    #[arg(long, default_value_t = 1, value_name = "N")]
    workers: usize,
    /// Print the time of each kernel over this many steps, and stop.
    #[arg(long, value_name = "STEPS")]
    profile: Option<u64>,
}

impl Arguments {
    /// What a resumed run must have in common with the one that made the checkpoint.
    fn description(&self) -> String {
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

    fn learning_rate(&self) -> f32 {
        self.lr.unwrap_or(match self.optimizer {
            OptimizerName::Sgd => 0.1,
            OptimizerName::Adamw => 0.002,
        })
    }
}

/// Trains, evaluates, writes. The exit code is 130 where Ctrl-C stopped it.
pub fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode> {
    if arguments.epochs == 0 {
        return Err(Error::Argument { argument: "--epochs", reason: "it must be at least 1".to_owned() });
    }
    if arguments.demo && arguments.model != "small_cnn" {
        let reason = "the demonstration trains small_cnn; leave --demo out to train another".to_owned();
        return Err(Error::Argument { argument: "--model", reason });
    }
    let work = run::Work::new(arguments, context)?;
    if let Some(steps) = arguments.profile {
        return work.profile(steps).map(|()| ExitCode::SUCCESS);
    }
    Ok(if work.train()? { ExitCode::SUCCESS } else { ExitCode::from(130) })
}
