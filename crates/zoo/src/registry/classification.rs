//! The networks that classify, a row each.

use tilewright_nn::{Module, Result, Scope};

use super::{
    entry::{Entry, boxed},
    options::Options,
};
use crate::{blocks::Attention, classification::*};

/// A network for photographs of 224 × 224 pixels.
macro_rules! row {
    ($name:literal, $family:literal, $head:literal, $make:ident, $config:expr) => {
        Entry::classifier($name, $family, 224, $head, stringify!($config), |scope, options| {
            $make(scope, options, $config)
        })
    };
}

/// A network for 32 × 32 pixels.
macro_rules! cifar {
    ($name:literal, $blocks:literal) => {
        Entry::classifier(
            $name,
            "ResNet (CIFAR)",
            32,
            "fc.bias",
            concat!("ResNetCifar::new(…, ", $blocks, ", …)"),
            |scope, options| resnet_cifar(scope, options, $blocks),
        )
        .least(4)
    };
}

#[rustfmt::skip] // A table.
pub(super) const ROWS: &[Entry] = &[
    Entry { image: [1, 28, 28], ..Entry::classifier("small_cnn", "Tilewright", 28, "fc.bias", "SmallCnn::new(…)", small_cnn) }.least(4),
    cifar!("resnet20", 3),
    cifar!("resnet32", 5),
    cifar!("resnet44", 7),
    cifar!("resnet56", 9),
    row!("resnet18", "ResNet", "fc.bias", resnet, ResNetConfig::resnet18()),
    row!("resnet34", "ResNet", "fc.bias", resnet, ResNetConfig::resnet34()),
    row!("resnet50", "ResNet", "fc.bias", resnet, ResNetConfig::resnet50()),
    row!("resnet101", "ResNet", "fc.bias", resnet, ResNetConfig::resnet101()),
    row!("resnet152", "ResNet", "fc.bias", resnet, ResNetConfig::resnet152()),
    row!("wide_resnet50_2", "Wide ResNet", "fc.bias", resnet, ResNetConfig::wide_resnet50_2()),
    row!("resnext50_32x4d", "ResNeXt", "fc.bias", resnet, ResNetConfig::resnext50_32x4d()),
    row!("seresnet50", "SE-ResNet", "fc.bias", resnet, ResNetConfig::attentive_resnet50(Attention::SqueezeExcitation)),
    row!("ecaresnet50", "ECA-ResNet", "fc.bias", resnet, ResNetConfig::attentive_resnet50(Attention::Eca)),
    row!("cbam_resnet50", "CBAM-ResNet", "fc.bias", resnet, ResNetConfig::attentive_resnet50(Attention::Cbam)),
    row!("vgg11", "VGG", "classifier.6.bias", vgg, VggConfig::vgg11()),
    row!("vgg11_bn", "VGG", "classifier.6.bias", vgg, VggConfig::vgg11().bn()),
    row!("vgg13", "VGG", "classifier.6.bias", vgg, VggConfig::vgg13()),
    row!("vgg13_bn", "VGG", "classifier.6.bias", vgg, VggConfig::vgg13().bn()),
    row!("vgg16", "VGG", "classifier.6.bias", vgg, VggConfig::vgg16()),
    row!("vgg16_bn", "VGG", "classifier.6.bias", vgg, VggConfig::vgg16().bn()),
    row!("vgg19", "VGG", "classifier.6.bias", vgg, VggConfig::vgg19()),
    row!("vgg19_bn", "VGG", "classifier.6.bias", vgg, VggConfig::vgg19().bn()),
    row!("alexnet", "AlexNet", "classifier.6.bias", alexnet, AlexNetConfig::default()).least(63),
    row!("squeezenet1_0", "SqueezeNet", "classifier.1.bias", squeezenet, SqueezeNetConfig::v1_0()),
    row!("squeezenet1_1", "SqueezeNet", "classifier.1.bias", squeezenet, SqueezeNetConfig::v1_1()),
    row!("googlenet", "GoogLeNet", "fc.bias", googlenet, GoogLeNetConfig::default()),
    row!("densenet121", "DenseNet", "classifier.bias", densenet, DenseNetConfig::densenet121()),
    row!("mobilenet_v2", "MobileNetV2", "classifier.1.bias", mobilenet_v2, MobileNetV2Config::default()),
    row!("mobilenet_v3_small", "MobileNetV3", "classifier.3.bias", mobilenet_v3, MobileNetV3Config::small()),
    row!("mobilenet_v3_large", "MobileNetV3", "classifier.3.bias", mobilenet_v3, MobileNetV3Config::large()),
    row!("shufflenet_v2_x0_5", "ShuffleNetV2", "fc.bias", shufflenet_v2, ShuffleNetV2Config::x0_5()),
    row!("shufflenet_v2_x1_0", "ShuffleNetV2", "fc.bias", shufflenet_v2, ShuffleNetV2Config::x1_0()),
    row!("efficientnet_b0", "EfficientNet", "classifier.1.bias", efficientnet, EfficientNetConfig::b0()),
    row!("convnext_tiny", "ConvNeXt", "classifier.2.bias", convnext, ConvNeXtConfig::tiny()),
];

/// What a constructor of the table gives.
type Made = Result<Box<dyn Module>>;

fn small_cnn(scope: &Scope, options: &Options) -> Made {
    boxed(SmallCnn::new(scope, options.image, options.classes))
}

fn resnet_cifar(scope: &Scope, options: &Options, blocks: usize) -> Made {
    let &Options { image: [channels, ..], classes, shortcut, .. } = options;
    boxed(ResNetCifar::new(scope, channels, classes, blocks, shortcut))
}

fn resnet(scope: &Scope, options: &Options, config: ResNetConfig) -> Made {
    let &Options { image: [channels, ..], classes, shortcut, .. } = options;
    boxed(ResNet::new(scope, &ResNetConfig { channels, classes, shortcut, ..config }))
}

fn vgg(scope: &Scope, options: &Options, config: VggConfig) -> Made {
    let &Options { image: [channels, ..], classes, dropout, .. } = options;
    let dropout = dropout.unwrap_or(config.dropout);
    boxed(Vgg::new(scope, &VggConfig { channels, classes, dropout, ..config }))
}

fn alexnet(scope: &Scope, options: &Options, config: AlexNetConfig) -> Made {
    let &Options { image: [channels, ..], classes, dropout, .. } = options;
    let dropout = dropout.unwrap_or(config.dropout);
    boxed(AlexNet::new(scope, &AlexNetConfig { channels, classes, dropout }))
}

fn squeezenet(scope: &Scope, options: &Options, config: SqueezeNetConfig) -> Made {
    let &Options { image: [channels, ..], classes, dropout, .. } = options;
    let dropout = dropout.unwrap_or(config.dropout);
    boxed(SqueezeNet::new(scope, &SqueezeNetConfig { channels, classes, dropout, ..config }))
}

fn googlenet(scope: &Scope, options: &Options, config: GoogLeNetConfig) -> Made {
    let &Options { image: [channels, ..], classes, auxiliary, .. } = options;
    let dropout = options.dropout.unwrap_or(config.dropout);
    let auxiliary_dropout = options.dropout.unwrap_or(config.auxiliary_dropout);
    boxed(GoogLeNet::new(
        scope,
        &GoogLeNetConfig { auxiliary, dropout, auxiliary_dropout, channels, classes },
    ))
}

fn densenet(scope: &Scope, options: &Options, config: DenseNetConfig) -> Made {
    let &Options { image: [channels, ..], classes, dropout, .. } = options;
    let dropout = dropout.unwrap_or(config.dropout);
    boxed(DenseNet::new(scope, &DenseNetConfig { channels, classes, dropout, ..config }))
}

fn mobilenet_v2(scope: &Scope, options: &Options, config: MobileNetV2Config) -> Made {
    let &Options { image: [channels, ..], classes, dropout, .. } = options;
    let dropout = dropout.unwrap_or(config.dropout);
    boxed(MobileNetV2::new(scope, &MobileNetV2Config { channels, classes, dropout }))
}

fn mobilenet_v3(scope: &Scope, options: &Options, config: MobileNetV3Config) -> Made {
    let &Options { image: [channels, ..], classes, dropout, .. } = options;
    let dropout = dropout.unwrap_or(config.dropout);
    boxed(MobileNetV3::new(scope, &MobileNetV3Config { channels, classes, dropout, ..config }))
}

fn shufflenet_v2(scope: &Scope, options: &Options, config: ShuffleNetV2Config) -> Made {
    let &Options { image: [channels, ..], classes, .. } = options;
    boxed(ShuffleNetV2::new(scope, &ShuffleNetV2Config { channels, classes, ..config }))
}

fn efficientnet(scope: &Scope, options: &Options, config: EfficientNetConfig) -> Made {
    let &Options { image: [channels, ..], classes, .. } = options;
    let dropout = options.dropout.unwrap_or(config.dropout);
    let stochastic_depth = options.stochastic_depth.unwrap_or(config.stochastic_depth);
    boxed(EfficientNet::new(scope, &EfficientNetConfig { dropout, stochastic_depth, channels, classes }))
}

fn convnext(scope: &Scope, options: &Options, config: ConvNeXtConfig) -> Made {
    let &Options { image: [channels, ..], classes, .. } = options;
    let stochastic_depth = options.stochastic_depth.unwrap_or(config.stochastic_depth);
    boxed(ConvNeXt::new(scope, &ConvNeXtConfig { stochastic_depth, channels, classes, ..config }))
}
