//! How a network is quantised.

use std::collections::BTreeSet;

use super::{observer::Observer, scale::Activations, weights::Weights};

/// Whether the ranges of the channels between two layers are made alike before anything is observed (cross-layer equalisation,
/// Nagel et al., arXiv 1906.04721).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Equalization {
    /// Channels stay as they are.
    #[default]
    Off,
    /// Where a ReLU or nothing lies between, so that the network computes the same.
    Exact,
    /// Also where a ReLU6 lies between: it becomes a ReLU, as in the paper. What it cut off at 6 is there then, and the network
    /// in f32 is another one.
    Relu6AsRelu,
}

/// How a network is quantised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheme {
    /// How ranges follow from what was seen.
    pub observer: Observer,
    /// How activations are quantised.
    pub activations: Activations,
    /// How weights are quantised.
    pub weights: Weights,
    /// Whether the ranges of channels are made alike before.
    pub equalize: Equalization,
    /// Whether the mean error that rounding the weights makes is taken off the biases.
    pub correct_bias: bool,
    /// Nodes that stay in f32, by name.
    pub keep: BTreeSet<String>,
}
