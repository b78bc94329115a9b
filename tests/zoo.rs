//! The networks of the zoo against torchvision's and timm's.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

#[path = "zoo/checkpointing.rs"]
mod checkpointing;
#[path = "zoo/errors.rs"]
mod errors;
#[path = "zoo/features.rs"]
mod features;
#[path = "zoo/layers.rs"]
mod layers;
#[path = "zoo/networks.rs"]
mod networks;
#[path = "zoo/page.rs"]
mod page;
#[path = "zoo/resnets.rs"]
mod resnets;
#[path = "zoo/segmentation.rs"]
mod segmentation;
