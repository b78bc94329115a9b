//! What detectors do with boxes and regions, against the scalar reference and torchvision.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "detection/boxes.rs"]
mod boxes;
mod common;
#[path = "detection/nms.rs"]
mod nms;
#[path = "detection/regions.rs"]
mod regions;
