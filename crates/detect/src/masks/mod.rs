//! Masks as COCO keeps them: runs, column by column.
//!
//! ```
//! use tilewright_detect::masks::Rle;
//! # fn main() -> Result<(), tilewright_detect::masks::MaskError> {
//! let triangle = Rle::from_polygon(5, 5, &[0.0, 0.0, 5.0, 0.0, 0.0, 5.0])?;
//! assert_eq!(triangle.area(), 10);
//! assert_eq!(Rle::from_compressed(5, 5, &triangle.to_compressed())?, triangle);
//! # Ok(())
//! # }
//! ```

mod compressed;
mod error;
mod overlap;
mod polygon;
mod rle;

pub use error::{MAX_PIXELS, MaskError};
pub use rle::Rle;
