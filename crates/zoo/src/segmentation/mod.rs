//! Networks that give a map of logits for each image.

mod aspp;
mod backbone;
mod deeplabv3;
mod deeplabv3_plus;
mod double_conv;
mod fcn;
mod fcn_head;
mod lraspp;
mod segmenter;
mod unet;
mod unet_bn;
mod unet_resnet;

pub use backbone::Backbone;
pub use deeplabv3::DeepLabV3;
pub use deeplabv3_plus::DeepLabV3Plus;
pub use fcn::Fcn;
pub use lraspp::LrAspp;
pub use segmenter::{AUX, OUT, SegmenterConfig};
pub use unet::{UNet, UNetConfig};
pub use unet_bn::{UNetBn, UNetBnConfig};
pub use unet_resnet::{UNetResNet, UNetResNetConfig};
