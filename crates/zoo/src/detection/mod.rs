//! Networks that find boxes: Darknet's, by a `.cfg` or by name.

mod block;
mod boxes;
mod darknet;
mod decode;
mod norm;
mod numbers;
mod yolo;

pub use boxes::{Detection, detections, keep_boxes};
pub use darknet::{BOXES, Darknet, SCORES};
pub use numbers::{darknet_path, darknet_state, darknet_weights};
pub use yolo::{darknet_cfg, darknet_network};
