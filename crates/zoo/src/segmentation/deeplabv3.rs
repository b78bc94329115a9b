//! DeepLabV3 (Chen et al., arXiv 1706.05587) on a dilated ResNet or MobileNetV3, with torchvision's names.

use tilewright_nn::{
    Checkpointed, Result, Scope, Sequential,
    layers::{Conv2d, Conv2dOptions},
};

use super::{
    aspp::{Aspp, WIDTH, conv},
    segmenter::{Segmenter, SegmenterConfig, segmenter},
};
use crate::blocks::conv_norm::ConvNorm;

/// Atrous spatial pyramid pooling of the last map, a 3×3 convolution, a classifier of pixels, and an interpolation to the
/// image's size.
///
/// Any image of at least one pixel will do; outputs are [`OUT`](super::OUT) and [`AUX`](super::AUX).
pub struct DeepLabV3(Segmenter);

impl DeepLabV3 {
    /// torchvision's `deeplabv3_resnet50`, `deeplabv3_resnet101` and `deeplabv3_mobilenet_v3_large`; dropout is 0.5 in the
    /// head and 0.1 in the auxiliary one unless it is chosen.
    pub fn new(scope: &Scope, config: &SegmenterConfig) -> Result<Self> {
        let &SegmenterConfig { backbone, dropout, classes, .. } = config;
        let head = scope / "classifier";
        let aspp = Aspp::new(&(&head / 0), backbone.widths().high, [12, 24, 36], dropout.unwrap_or(0.5))?;
        let three = ConvNorm::named([&(&head / 1), &(&head / 2)], WIDTH, WIDTH, conv(3, 1))?;
        let classifier = Sequential::at(&head)
            .then(Checkpointed::asked(aspp))
            .then(three.at(&(&head / 3)))
            .then(Conv2d::new(&(&head / 4), WIDTH, classes, [1, 1], Conv2dOptions::default())?);
        Ok(Self(Segmenter::new(scope, config, Box::new(classifier))?))
    }
}

segmenter!(DeepLabV3);
