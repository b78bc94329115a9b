//! Operations on bytes that stand for real numbers, in integers or in f32 where that is exact.

mod add;
mod avg_pool2d;
mod channels;
pub mod conv2d;
mod dequantize;
mod fake_quantize;
mod gather;
mod lookup;
mod max_pool2d;
mod mul;
mod quantize;
mod windows;

pub use add::add;
pub use avg_pool2d::avg_pool2d;
pub use conv2d::{QConv2dAlgorithm, QConv2dLaunch, qconv2d};
pub use dequantize::dequantize;
pub use fake_quantize::{fake_quantize, fake_quantize_backward};
pub use gather::gather;
pub use lookup::lookup;
pub use max_pool2d::max_pool2d;
pub use mul::mul;
pub use quantize::{Scales, quantize};

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [
        add::LAYOUTS,
        avg_pool2d::LAYOUTS,
        channels::LAYOUTS,
        conv2d::LAYOUTS,
        dequantize::LAYOUTS,
        fake_quantize::LAYOUTS,
        gather::LAYOUTS,
        lookup::LAYOUTS,
        max_pool2d::LAYOUTS,
        mul::LAYOUTS,
        quantize::LAYOUTS,
    ]
    .concat()
}
