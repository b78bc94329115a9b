//! Boxes, and how far two of them overlap.

mod bbox;
mod overlap;

pub use bbox::BBox;
pub use overlap::{ciou, crowd_iou, diou, giou, intersection, iou};
