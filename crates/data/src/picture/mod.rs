//! Pictures in files: PNG, JPEG, BMP, TIFF, WebP and GIF (its first frame), read by what they begin with and not by their name.
//!
//! ```no_run
//! use tilewright_data::picture;
//! # fn main() -> Result<(), picture::PictureError> {
//! let cat = picture::read("cat.jpg".as_ref())?.to_rgb8();
//! println!("{} × {}", cat.width(), cat.height());
//! # Ok(())
//! # }
//! ```
//!
//! A picture comes upright: it is turned as its EXIF orientation says, which PIL and torchvision leave to the caller
//! (`ImageOps.exif_transpose`). Its samples stay as deep as the file has them; [`Picture::to_rgb8`] is PIL's
//! `convert("RGB")`. [`Picture::resize`] gives PIL's bytes, [`Preprocess`] torchvision's transforms for evaluation.

mod classes;
mod decode;
mod error;
mod filter;
mod jpeg;
mod letterbox;
mod pixels;
mod png;
mod preprocess;
mod resize;

pub use classes::imagenet_classes;
pub use decode::{Limits, decode, decode_within, read, read_within, size};
pub use error::{PictureError, PictureFault};
pub use filter::Filter;
pub use letterbox::Letterbox;
pub use pixels::{Picture, Samples};
pub use preprocess::Preprocess;
