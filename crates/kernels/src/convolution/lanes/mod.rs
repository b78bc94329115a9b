//! Implicit GEMM for software Vulkan: operands go from lane to lane of a subgroup by shuffles.

pub(super) mod algorithm;
pub(super) mod backward_input;
pub(super) mod backward_weight;
pub(super) mod forward;
pub(super) mod narrow;
mod tile;
