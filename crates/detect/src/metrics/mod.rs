//! How good detections are: the figures of COCO and of Pascal VOC.

mod coco;
mod matching;
mod options;
mod overlaps;
mod voc;

pub use coco::{Evaluation, RECALLS, THRESHOLDS, evaluate};
pub use options::{CocoOptions, Measure};
pub use voc::{VocAverage, voc_average_precision};
