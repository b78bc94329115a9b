//! What detectors do with boxes and regions.
//!
//! Images are channels-last; regions are rows of five numbers, the image's and two corners.

mod nms;
mod regions;
mod roi_align;
mod roi_pool;

pub use nms::nms;
pub use roi_align::{roi_align, roi_align_backward};
pub use roi_pool::{roi_pool, roi_pool_backward};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [nms::LAYOUTS, roi_align::LAYOUTS, roi_pool::LAYOUTS].concat()
}
