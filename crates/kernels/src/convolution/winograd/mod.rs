//! 3 × 3 convolutions of stride 1 by minimal filtering.

pub(super) mod algorithm;
pub(super) mod gradient;
pub(super) mod input;
pub(super) mod output;
pub(super) mod spec;
pub(super) mod weight;
