//! What detectors do with boxes and regions.

mod nms;

pub use nms::nms;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    nms::LAYOUTS.to_vec()
}
