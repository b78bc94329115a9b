//! Augmentation that moves boxes and masks with the pixels.
//!
//! ```
//! use tilewright_data::{ColorJitter, Image, SampleRng};
//! use tilewright_detect::{annotations::Object, augment::{HorizontalFlip, MinIouCrop, Sample, ScaleJitter, Step, Steps}, boxes::BBox};
//!
//! # fn main() -> Result<(), tilewright_detect::DetectError> {
//! let steps = Steps::new()
//!     .then(HorizontalFlip::new(0.5)?)
//!     .then(MinIouCrop::new())
//!     .then(ScaleJitter::new(32, 32, [0.5, 1.5])?)
//!     .then(ColorJitter::new(0.2, 0.2, 0.2, 0.0)?);
//! let image = Image::new([3, 40, 30], vec![0.5; 3 * 40 * 30]);
//! let mut sample = Sample::new(image, vec![Object::new(0, BBox::new(5.0, 5.0, 20.0, 20.0))])?;
//! steps.apply(&mut sample, &mut SampleRng::new(1, 0, 0))?;
//! assert_eq!(sample.size(), [32, 32]);
//! # Ok(())
//! # }
//! ```

mod colour;
mod flip;
mod iou_crop;
mod mosaic;
mod sample;
mod scale_jitter;
mod window;

pub use flip::HorizontalFlip;
pub use iou_crop::MinIouCrop;
pub use mosaic::mosaic;
pub use sample::{Sample, Step, Steps};
pub use scale_jitter::ScaleJitter;
pub use window::{Window, resize};
