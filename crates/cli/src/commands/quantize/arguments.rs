//! What `tilewright quantize` is asked.

use std::path::PathBuf;

use tilewright_data::picture::Preprocess;
use tilewright_graph::quantize::{Activations, Equalization, Observer, Scheme, Weights};

use tilewright_zoo::entry;

use crate::{error::Error, error::Result, trained::Trained, vision::preset};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo, or an .onnx file.
    pub model: String,
    /// Its weights, a safetensors file; an .onnx file brings its own.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Samples of what it will see: a .npy file of float32 N×C×H×W, prepared as for `infer`, or a folder of pictures.
    #[arg(long, value_name = "PATH")]
    pub calibrate: PathBuf,
    /// Samples that it is then tried on, beside f32, likewise; those of the calibration otherwise.
    #[arg(long, value_name = "PATH")]
    pub evaluate: Option<PathBuf>,
    /// The classes of those samples, a .npy file of integers: the share of right answers is reported.
    #[arg(long, value_name = "FILE", requires = "evaluate")]
    pub labels: Option<PathBuf>,
    /// How ranges follow from what was seen.
    #[arg(long, value_enum, default_value = "min-max")]
    pub observer: Choice,
    /// Zero points of 0: ranges that reach as far below 0 as above it.
    #[arg(long)]
    pub symmetric: bool,
    /// One scale for all weights of a layer, where each output channel has its own otherwise.
    #[arg(long)]
    pub per_tensor_weights: bool,
    /// Make the ranges of the channels between layers alike before: across a ReLU the network stays the same.
    #[arg(long)]
    pub equalize: bool,
    /// Also across a ReLU6, which becomes a ReLU: the network is another one where numbers go beyond 6.
    #[arg(long, requires = "equalize")]
    pub relu6_as_relu: bool,
    /// Take the mean error that rounding the weights makes off the biases.
    #[arg(long)]
    pub correct_bias: bool,
    /// A layer that stays in f32, by its name in the report; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub keep: Vec<String>,
    /// Try each convolution and linear layer alone in bytes, and print how far the outputs are from f32.
    #[arg(long)]
    pub sensitivity: bool,
    /// So many of the most sensitive layers stay in f32.
    #[arg(long, value_name = "N")]
    pub keep_worst: Option<usize>,
    /// Keep layers in f32, the most sensitive first, until of a hundred samples of the calibration at most so many are answered
    /// otherwise than in f32.
    #[arg(long, value_name = "PERCENT")]
    pub drop_limit: Option<f64>,
    /// Samples in a batch.
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub batch_size: usize,
    /// Where the network goes: a .safetensors file that `infer` takes as weights of the same network, for any number of
    /// samples, or an .onnx file for any engine.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Draw the numbers of each layer's weights and results, and the ranges that bytes represent: a .png file.
    #[arg(long, value_name = "FILE")]
    pub histograms: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Choice {
    /// From the least number to the largest.
    MinMax,
    /// The ends of each batch, averaged.
    MovingAverage,
    /// All but one number in ten thousand.
    Percentile,
    /// The least divergence between the numbers before and after.
    Entropy,
    /// The least squared error.
    Mse,
}

impl From<Choice> for Observer {
    fn from(choice: Choice) -> Self {
        let at = match choice {
            Choice::MinMax => 0,
            Choice::MovingAverage => 1,
            Choice::Percentile => 2,
            Choice::Entropy => 3,
            Choice::Mse => 4,
        };
        Self::ALL[at]
    }
}

impl Arguments {
    /// Fails for what cannot be meant.
    pub fn check(&self) -> Result<()> {
        let wrong = |argument, reason: String| Err(Error::Argument { argument, reason });
        if self.batch_size == 0 {
            return wrong("--batch-size", "it must be at least 1".to_owned());
        }
        if self.weights.is_none() && !crate::mistaken::is_onnx(&self.model) {
            return wrong(
                "--weights",
                format!("`{}` is a network of the zoo and needs its weights", self.model),
            );
        }
        match self.drop_limit.filter(|limit| !(0.0..=100.0).contains(limit)) {
            Some(limit) => {
                wrong("--drop-limit", format!("it is a share in percent, from 0 to 100, not {limit}"))
            }
            None => Ok(()),
        }
    }

    /// How pictures become samples: as the weights were trained, else as the zoo says.
    pub fn preprocess(&self) -> Result<Preprocess> {
        let Some(weights) = self.weights.as_deref() else {
            let reason = format!(
                "a folder of pictures is prepared as a network of the zoo wants it; for `{}` give a .npy file",
                self.model
            );
            return Err(Error::Argument { argument: "--calibrate", reason });
        };
        let trained = Trained::of(tilewright_weights::source(weights)?.metadata.as_deref());
        Ok(preset(entry(&self.model)?, trained.as_ref()))
    }

    /// How the network is to be quantised.
    pub fn scheme(&self) -> Scheme {
        Scheme {
            observer: self.observer.into(),
            activations: if self.symmetric { Activations::Symmetric } else { Activations::Affine },
            weights: if self.per_tensor_weights { Weights::PerTensor } else { Weights::PerChannel },
            equalize: match (self.equalize, self.relu6_as_relu) {
                (false, _) => Equalization::Off,
                (true, false) => Equalization::Exact,
                (true, true) => Equalization::Relu6AsRelu,
            },
            correct_bias: self.correct_bias,
            keep: self.keep.iter().cloned().collect(),
        }
    }
}
