//! The networks that find boxes, a row each.

use super::entry::{Entry, boxed};
use crate::detection::{Darknet, darknet_network};

/// A network of Darknet for photographs of 416 × 416 pixels.
macro_rules! row {
    ($name:literal, $family:literal, $head:literal) => {
        Entry::detector(
            $name,
            $family,
            416,
            $head,
            concat!("darknet_network(\"", $name, "\", …)"),
            |scope, options| {
                let network = darknet_network($name, options.image, options.classes)?;
                boxed(Darknet::new(scope, &network))
            },
        )
    };
}

pub(super) const ROWS: &[Entry] = &[
    row!("yolov3", "YOLOv3", "layers.81.conv.bias"),
    row!("yolov3_tiny", "YOLOv3", "layers.15.conv.bias"),
    row!("yolov4_tiny", "YOLOv4", "layers.29.conv.bias"),
];
