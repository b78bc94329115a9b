//! The networks that segmentation heads stand on: classifiers without their ends, dilated where they would shrink too far.

use tilewright_autograd::Var;
use tilewright_nn::{Pass, Result, Scope};

use crate::classification::{MobileNetV3Config, MobileNetV3Features, ResNetConfig, ResNetFeatures};

/// What a segmentation network stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backbone {
    /// ResNet-50.
    ResNet50,
    /// ResNet-101.
    ResNet101,
    /// MobileNetV3-Large.
    MobileNetV3Large,
}

/// Of the stages that could have a stride of 2, those that are dilated instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dilated {
    /// A ResNet's last two, which leaves an eighth of the size; torchvision's.
    Two,
    /// The last one, which leaves a sixteenth. A MobileNetV3 has but this.
    One,
}

/// A backbone as it was built, under `backbone`.
pub(super) enum Body {
    ResNet(ResNetFeatures),
    MobileNetV3(MobileNetV3Features),
}

/// Maps from several depths, N C H W.
pub(super) struct Maps {
    /// Early, fine in space: a ResNet's `layer1`, a MobileNetV3's `4`.
    pub low: Var,
    /// Where an auxiliary head looks: `layer3`, `4`.
    pub middle: Var,
    /// The last.
    pub high: Var,
}

/// Channels of [`Maps`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    pub low: usize,
    pub middle: usize,
    pub high: usize,
}

/// Layers of a MobileNetV3-Large: the last one of an eighth of the size, and the last.
const MOBILE: [usize; 2] = [4, 16];

impl Backbone {
    /// Channels of its maps.
    pub(super) const fn widths(self) -> Widths {
        match self {
            Self::ResNet50 | Self::ResNet101 => Widths { low: 256, middle: 1024, high: 2048 },
            Self::MobileNetV3Large => Widths { low: 40, middle: 40, high: 960 },
        }
    }

    /// Makes it under `scope` for images of `channels`.
    pub(super) fn make(self, scope: &Scope, channels: usize, dilated: Dilated) -> Result<Body> {
        let resnet = |config: ResNetConfig| {
            let dilated = [false, dilated == Dilated::Two, true];
            ResNetFeatures::new(scope, &ResNetConfig { channels, dilated, ..config }).map(Body::ResNet)
        };
        match self {
            Self::ResNet50 => resnet(ResNetConfig::resnet50()),
            Self::ResNet101 => resnet(ResNetConfig::resnet101()),
            Self::MobileNetV3Large => {
                let config = MobileNetV3Config { channels, dilated: true, ..MobileNetV3Config::large() };
                MobileNetV3Features::new(scope, &config).map(Body::MobileNetV3)
            }
        }
    }
}

impl Body {
    pub fn maps(&self, x: &Var, pass: &Pass) -> Result<Maps> {
        match self {
            Self::ResNet(features) => {
                let [low, _, middle, high] = features.stages(&features.stem(x, pass)?, pass)?;
                Ok(Maps { low, middle, high })
            }
            Self::MobileNetV3(features) => {
                let [low, high] = features.outputs_of(MOBILE, x, pass)?;
                Ok(Maps { middle: low.clone(), low, high })
            }
        }
    }
}
