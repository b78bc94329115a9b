//! Pictures and the objects in them: COCO's JSON, Pascal VOC's XML, YOLO's text and tables of boxes, all read into one
//! [`Dataset`].
//!
//! Every format has its own idea of a box. In a [`Dataset`] edges lie between pixels, counted from 0, and a box is its left and
//! upper edge with its width and height, in pixels.

mod boxes_csv;
mod coco;
mod coco_write;
mod model;
mod results;
mod text;
mod voc;
mod yolo;

pub use boxes_csv::{Corners, read_boxes_csv};
pub use coco::read_coco;
pub use coco_write::write_coco;
pub use model::{Category, Dataset, Mask, Object, Picture};
pub use results::{Detection, read_results, write_results};
pub use voc::read_voc;
pub use yolo::read_yolo;
