//! The arguments that say which network looks at pictures, and how they are prepared for it.

use std::path::PathBuf;

use clap::ValueEnum;
use tilewright_data::picture::{Filter, Preprocess};

use crate::{error::Error, error::Result};

/// A network, its weights, and what is done to a picture before it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NetworkArguments {
    /// A network of the zoo.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Its weights, a safetensors file.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Pixels of a picture's shorter side after resizing; 0 leaves it. (what the network was trained with)
    #[arg(long, value_name = "PIXELS")]
    pub resize: Option<usize>,
    /// Height and width of the middle that is cut out. (what the network was trained with)
    #[arg(long, value_name = "PIXELS")]
    pub crop: Option<usize>,
    /// How a picture is resized. (what the network was trained with)
    #[arg(long, value_enum, value_name = "FILTER")]
    pub filter: Option<FilterArgument>,
    /// The mean of each channel, of 0 to 1, with commas. (what the network was trained with)
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, value_name = "MEANS")]
    pub mean: Option<Vec<f32>>,
    /// The standard deviation of each channel, with commas. (what the network was trained with)
    #[arg(long, value_delimiter = ',', value_name = "DEVIATIONS")]
    pub std: Option<Vec<f32>>,
}

/// PIL's filters.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FilterArgument {
    /// The pixel in whose place a new one lies.
    Nearest,
    /// Equal weights.
    Box,
    /// A triangle.
    Bilinear,
    /// A sinc under Hamming's window.
    Hamming,
    /// A cubic, a = −1/2.
    Bicubic,
    /// A sinc within three pixels.
    Lanczos,
}

impl From<FilterArgument> for Filter {
    fn from(argument: FilterArgument) -> Self {
        match argument {
            FilterArgument::Nearest => Self::Nearest,
            FilterArgument::Box => Self::Box,
            FilterArgument::Bilinear => Self::Bilinear,
            FilterArgument::Hamming => Self::Hamming,
            FilterArgument::Bicubic => Self::Bicubic,
            FilterArgument::Lanczos => Self::Lanczos,
        }
    }
}

impl NetworkArguments {
    /// The network's name.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is none.
    pub fn model(&self) -> Result<&str> {
        let reason = || "which network? `tilewright zoo list` has their names".to_owned();
        self.model.as_deref().ok_or_else(|| Error::Argument { argument: "--model", reason: reason() })
    }

    /// `known`, with what the arguments say instead.
    ///
    /// # Errors
    /// [`Error::Argument`] for a crop of nothing, or other numbers of channels than the network has.
    pub fn preprocess(&self, known: Preprocess) -> Result<Preprocess> {
        let fault = |argument, reason: String| Err(Error::Argument { argument, reason });
        let mut asked = known;
        asked.resize = self.resize.unwrap_or(asked.resize);
        if let Some(crop) = self.crop {
            asked.crop = [crop; 2];
        }
        asked.filter = self.filter.map_or(asked.filter, Into::into);
        let channels = asked.mean.len();
        for (argument, given, place) in
            [("--mean", &self.mean, &mut asked.mean), ("--std", &self.std, &mut asked.std)]
        {
            let Some(given) = given else { continue };
            if given.len() != channels {
                return fault(
                    argument,
                    format!("{} numbers, and the network has {channels} channels", given.len()),
                );
            }
            place.clone_from(given);
        }
        if asked.std.iter().any(|std| !std.is_finite() || *std <= 0.0) {
            return fault("--std", "a deviation must be above 0".to_owned());
        }
        if asked.crop.contains(&0) {
            return fault("--crop", "it must be at least 1".to_owned());
        }
        Ok(asked)
    }
}
