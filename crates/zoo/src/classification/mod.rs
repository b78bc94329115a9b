//! Networks that give one row of logits for each image.

mod alexnet;
mod convnext;
mod densenet;
mod efficientnet;
mod googlenet;
mod mobilenet_v2;
mod mobilenet_v3;
mod resnet;
mod resnet_cifar;
mod shufflenet_v2;
mod small_cnn;
mod squeezenet;
mod vgg;

pub use alexnet::{AlexNet, AlexNetConfig};
pub use convnext::{ConvNeXt, ConvNeXtConfig};
pub use densenet::{DenseNet, DenseNetConfig};
pub use efficientnet::{EfficientNet, EfficientNetConfig};
pub use googlenet::{GoogLeNet, GoogLeNetConfig};
pub use mobilenet_v2::{MobileNetV2, MobileNetV2Config};
pub use mobilenet_v3::{MobileNetV3, MobileNetV3Config, MobileNetV3Features};
pub use resnet::{ResNet, ResNetConfig, ResNetFeatures};
pub use resnet_cifar::ResNetCifar;
pub use shufflenet_v2::{ShuffleNetV2, ShuffleNetV2Config};
pub use small_cnn::SmallCnn;
pub use squeezenet::{SqueezeNet, SqueezeNetConfig};
pub use vgg::{Vgg, VggConfig};
