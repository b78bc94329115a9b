//! Lite R-ASPP (Howard et al., arXiv 1905.02244, §6.4) on MobileNetV3, with torchvision's names.

use tilewright_nn::{
    INPUT, Layer, Module, Pass, Port, Result, Scope, Tap, Values,
    layers::{AdaptiveAvgPool2d, Conv2d, Conv2dOptions},
};
use tilewright_ops::UnaryOp;

use super::{
    aspp::conv,
    backbone::{Body, Dilated},
    segmenter::{OUT, SegmenterConfig, enlarged},
};
use crate::blocks::conv_norm::ConvNorm;

/// Channels between the last map and its classifier.
const WIDTH: usize = 128;

/// The last map (`classifier.cbr`), each channel of which is weighted by the image (`classifier.scale`), and an early map,
/// each with a classifier of its pixels; the two are added.
///
/// Any image of at least one pixel will do; the output is [`OUT`](super::OUT).
pub struct LrAspp {
    backbone: Body,
    cbr: ConvNorm,
    scale: Conv2d,
    low: Conv2d,
    high: Conv2d,
    /// Of `classifier`.
    tap: Tap,
}

impl LrAspp {
    /// torchvision's `lraspp_mobilenet_v3_large`.
    pub fn new(scope: &Scope, config: &SegmenterConfig) -> Result<Self> {
        let &SegmenterConfig { backbone, channels, classes, .. } = config;
        let (widths, head) = (backbone.widths(), scope / "classifier");
        let one =
            |scope: &Scope, inputs, outputs, options| Conv2d::new(scope, inputs, outputs, [1, 1], options);
        let plain = Conv2dOptions::default();
        Ok(Self {
            backbone: backbone.make(&(scope / "backbone"), channels, Dilated::One)?,
            cbr: ConvNorm::new(&(&head / "cbr"), widths.high, WIDTH, conv(1, 1))?,
            scale: one(&(&head / "scale" / 1), widths.high, WIDTH, plain.no_bias())?,
            low: one(&(&head / "low_classifier"), widths.low, classes, plain)?,
            high: one(&(&head / "high_classifier"), WIDTH, classes, plain)?,
            tap: Tap::new(&head),
        })
    }
}

impl Module for LrAspp {
    fn inputs(&self) -> Vec<Port> {
        vec![Port::required(INPUT)]
    }

    fn outputs(&self) -> Vec<Port> {
        vec![Port::required(OUT)]
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        let x = inputs.get(INPUT)?;
        let maps = self.backbone.maps(x, pass)?;
        let mean = AdaptiveAvgPool2d([1, 1]).forward(&maps.high, pass)?;
        let mean = self.tap.give_as("scale.0", mean, pass);
        let scale = self.scale.forward(&mean, pass)?.unary(UnaryOp::Sigmoid)?;
        let scale = self.tap.give_as("scale", self.tap.give_as("scale.2", scale, pass), pass);
        let high = self.cbr.forward(&maps.high, pass)?.mul(&scale)?;
        let high = self.high.forward(&enlarged(&high, &maps.low)?, pass)?;
        let sum = self.tap.give(self.low.forward(&maps.low, pass)?.add(&high)?, pass);
        Ok([(OUT, enlarged(&sum, x)?)].into())
    }
}
