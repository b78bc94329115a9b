//! Detection on the host: what is known of pictures, what was found in them, and how good that is.
//!
//! ```text
//! COCO, VOC, YOLO, CSV ─→ annotations::Dataset ─┬→ augment::Sample ─→ training
//! COCO's results ───────→ annotations::Detection┴→ metrics::evaluate
//! ```
//!
//! [`boxes`] and [`masks`] are what both are made of. Everything here runs on the host and knows no tensors. Whatever is read is
//! checked, and an error names the file and the line or entry.
//!
//! ```
//! use tilewright_detect::{annotations::{Category, Dataset, Detection, Object, Picture}, boxes::BBox, metrics::{CocoOptions, evaluate}};
//!
//! # fn main() -> Result<(), tilewright_detect::DetectError> {
//! let bbox = BBox::new(10.0, 10.0, 40.0, 40.0);
//! let picture = Picture { id: 1, file_name: "1.png".to_owned(), width: 100, height: 100, objects: vec![Object::new(0, bbox)] };
//! let categories = vec![Category { id: 1, name: "cat".to_owned() }];
//! let dataset = Dataset { folder: "pictures".into(), categories, pictures: vec![picture] };
//! let found = [Detection { picture: 0, category: 0, score: 0.9, bbox: BBox::new(10.0, 10.0, 40.0, 32.0), mask: None }];
//! // An IoU of .8 reaches the thresholds .5 to .8.
//! assert_eq!(evaluate(&dataset, &found, &CocoOptions::default())?.average_precision(0, None), Some(0.7));
//! # Ok(())
//! # }
//! ```

pub mod annotations;
pub mod augment;
pub mod boxes;
mod error;
pub mod masks;
pub mod metrics;

pub use error::DetectError;
