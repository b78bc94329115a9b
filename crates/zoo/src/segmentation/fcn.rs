//! Fully convolutional networks (Long et al., arXiv 1411.4038) on dilated ResNets, with torchvision's names.

use tilewright_nn::{Checkpointed, Result, Scope};

use super::{
    fcn_head::FcnHead,
    segmenter::{Segmenter, SegmenterConfig, segmenter},
};

/// A 3×3 convolution of the last map, a classifier of its pixels, and an interpolation to the image's size.
///
/// Any image of at least one pixel will do; outputs are [`OUT`](super::OUT) and [`AUX`](super::AUX).
pub struct Fcn(Segmenter);

impl Fcn {
    /// torchvision's `fcn_resnet50` and `fcn_resnet101`; dropout is 0.1 unless it is chosen.
    pub fn new(scope: &Scope, config: &SegmenterConfig) -> Result<Self> {
        let &SegmenterConfig { backbone, dropout, classes, .. } = config;
        let head = FcnHead::new(&(scope / "classifier"), backbone.widths().high, classes, dropout)?;
        Ok(Self(Segmenter::new(scope, config, Box::new(Checkpointed::asked(head)))?))
    }
}

segmenter!(Fcn);
