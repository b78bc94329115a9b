//! How ranges are found while a network is trained.

use crate::{error::Error, error::Result};

/// Where the ranges of activations come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ranges {
    /// From each batch's least and largest number: after each step `weight` of the way to them, until they are frozen.
    MovingAverage {
        /// Between 0 and 1; PyTorch has 0.01.
        weight: f32,
    },
    /// Scales are learnt with the weights (LSQ: Esser et al., arXiv 1902.08153); zero points stay as they were calibrated.
    Learned,
}

/// The options of [`super::QuantizationAware`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantizationOptions {
    /// Where the ranges of activations come from.
    pub ranges: Ranges,
}

impl Default for QuantizationOptions {
    /// Moving averages, as PyTorch has them.
    fn default() -> Self {
        Self { ranges: Ranges::MovingAverage { weight: 0.01 } }
    }
}

impl QuantizationOptions {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// [`Error::Option`] for a weight outside 0 ..= 1.
    pub fn check(&self) -> Result<()> {
        match self.ranges {
            Ranges::MovingAverage { weight } if !(0.0..=1.0).contains(&weight) => Err(Error::Option {
                layer: "quantisation-aware training".to_owned(),
                option: "weight",
                value: weight.to_string(),
                hint: "it must be between 0 and 1",
            }),
            _ => Ok(()),
        }
    }
}
