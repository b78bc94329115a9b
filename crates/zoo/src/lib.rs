//! Networks with torchvision's names of layers, so that a state dict loads without a remap.

mod registry;
mod residual;
mod resnet;
mod resnet_cifar;
mod small_cnn;

pub use registry::{Error, Network, Options, build, names};
pub use residual::Shortcut;
pub use resnet::ResNet;
pub use resnet_cifar::ResNetCifar;
pub use small_cnn::SmallCnn;
