//! One filter to a channel.

pub(super) mod algorithm;
pub(super) mod backward_input;
pub(super) mod backward_weight;
pub(super) mod blocks;
pub(super) mod forward;
mod reach;
