//! The networks that segment, a row each.

use tilewright_nn::{Module, Result, Scope};

use super::{
    entry::{Entry, boxed},
    options::Options,
};
use crate::{classification::ResNetConfig, segmentation::*};

/// A network on a backbone, for photographs of 520 × 520 pixels.
macro_rules! row {
    ($name:literal, $family:literal, $head:literal, $network:ident, $backbone:ident) => {
        Entry::segmenter(
            $name,
            $family,
            520,
            $head,
            concat!(stringify!($network), "::new(…)"),
            |scope, options| boxed($network::new(scope, &segmenter(Backbone::$backbone, options))),
        )
    };
}

#[rustfmt::skip] // A table.
pub(super) const ROWS: &[Entry] = &[
    Entry { image: [1, 572, 572], ..Entry::segmenter("unet", "U-Net", 572, "head.bias", "UNet::new(…)", unet) },
    Entry::segmenter("unet_bn", "U-Net", 256, "outc.conv.bias", "UNetBn::new(…)", |scope, options| unet_bn(scope, options, 64)).least(16),
    Entry::segmenter("unet_bn_16", "U-Net", 256, "outc.conv.bias", "UNetBn::new(…)", |scope, options| unet_bn(scope, options, 16)).least(16),
    Entry::segmenter("unet_resnet18", "U-Net", 256, "segmentation_head.0.bias", "UNetResNetConfig::resnet18()", |scope, options| unet_resnet(scope, options, UNetResNetConfig::resnet18())).least(32),
    Entry::segmenter("unet_resnet34", "U-Net", 256, "segmentation_head.0.bias", "UNetResNetConfig::resnet34()", |scope, options| unet_resnet(scope, options, UNetResNetConfig::resnet34())).least(32),
    row!("fcn_resnet50", "FCN", "classifier.4.bias", Fcn, ResNet50),
    row!("fcn_resnet101", "FCN", "classifier.4.bias", Fcn, ResNet101),
    row!("deeplabv3_resnet50", "DeepLabV3", "classifier.4.bias", DeepLabV3, ResNet50),
    row!("deeplabv3_resnet101", "DeepLabV3", "classifier.4.bias", DeepLabV3, ResNet101),
    row!("deeplabv3_mobilenet_v3_large", "DeepLabV3", "classifier.4.bias", DeepLabV3, MobileNetV3Large),
    row!("deeplabv3plus_resnet50", "DeepLabV3+", "classifier.head.bias", DeepLabV3Plus, ResNet50),
    row!("lraspp_mobilenet_v3_large", "LR-ASPP", "classifier.low_classifier.bias", LrAspp, MobileNetV3Large),
];

/// What a constructor of the table gives.
type Made = Result<Box<dyn Module>>;

fn segmenter(backbone: Backbone, options: &Options) -> SegmenterConfig {
    let &Options { image: [channels, ..], classes, auxiliary, dropout, .. } = options;
    SegmenterConfig { backbone, auxiliary, dropout, channels, classes }
}

fn unet(scope: &Scope, options: &Options) -> Made {
    let &Options { image: [channels, ..], classes, dropout, .. } = options;
    let config = UNetConfig::default();
    let dropout = dropout.unwrap_or(config.dropout);
    boxed(UNet::new(scope, &UNetConfig { dropout, channels, classes, ..config }))
}

fn unet_bn(scope: &Scope, options: &Options, width: usize) -> Made {
    let &Options { image: [channels, ..], classes, .. } = options;
    boxed(UNetBn::new(scope, &UNetBnConfig { width, channels, classes }))
}

fn unet_resnet(scope: &Scope, options: &Options, config: UNetResNetConfig) -> Made {
    let &Options { image: [channels, ..], classes, shortcut, .. } = options;
    let encoder = ResNetConfig { channels, shortcut, ..config.encoder };
    boxed(UNetResNet::new(scope, &UNetResNetConfig { encoder, classes }))
}
