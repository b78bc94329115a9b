//! Boxes, x1 y1 x2 y2, as torchvision's functions of the names have them: overlaps, offsets of regressions, anchors. They are functions
//! of tensors and of variables alike:
//!
//! ```
//! use tilewright_tensor::{Tensor, composite::boxes::box_iou};
//! # let context = tilewright_runtime::Context::new()?;
//! let a = Tensor::from_slice(&context, &[0.0, 0.0, 2.0, 2.0], &[1, 4])?;
//! let b = Tensor::from_slice(&context, &[1.0, 0.0, 3.0, 2.0, 0.0, 0.0, 2.0, 2.0], &[2, 4])?;
//! assert_eq!(box_iou(&a, &b)?.to_vec::<f32>()?, [1.0 / 3.0, 1.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The overlap of two boxes without an area is NaN. The losses of overlaps are in [`super::loss`], suppression of what others
//! cover is [`crate::Tensor::batched_nms`].

mod anchors;
mod clip;
mod coder;
pub(in crate::composite) mod overlap;
mod pairs;

pub use anchors::AnchorGenerator;
pub use clip::clip_boxes_to_image;
pub use coder::BoxCoder;
pub use pairs::{box_area, box_iou, complete_box_iou, distance_box_iou, generalized_box_iou};
