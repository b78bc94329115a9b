//! How a network is quantised.

use std::collections::BTreeSet;

use super::{observer::Observer, scale::Activations};

/// How a network is quantised.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    /// How ranges follow from what was seen.
    pub observer: Observer,
    /// How activations are quantised.
    pub activations: Activations,
    /// Nodes that stay in f32, by name.
    pub keep: BTreeSet<String>,
}

impl Default for Scheme {
    fn default() -> Self {
        Self { observer: Observer::MinMax, activations: Activations::Affine, keep: BTreeSet::new() }
    }
}
