//! U-Net whose contracting path is a ResNet, which may bring ImageNet's weights.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Tap,
    init::Init,
    layers::{Conv2d, Conv2dOptions, Upsample, UpsampleMode},
};

use super::double_conv::DoubleConv;
use crate::classification::{ResNetConfig, ResNetFeatures};

/// Output channels of the five stages that grow.
const WIDTHS: [usize; 5] = [256, 128, 64, 32, 16];

/// What a [`UNetResNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UNetResNetConfig {
    /// The contracting path; its classes are passed over.
    pub encoder: ResNetConfig,
    /// Classes.
    pub classes: usize,
}

impl UNetResNetConfig {
    /// With ResNet-18.
    pub const fn resnet18() -> Self {
        Self { encoder: ResNetConfig::resnet18(), classes: 1 }
    }

    /// With ResNet-34.
    pub const fn resnet34() -> Self {
        Self { encoder: ResNetConfig::resnet34(), classes: 1 }
    }
}

/// A ResNet (`encoder`, with torchvision's names inside), then five times: the map enlarged to the size of the one before
/// (to that of the image at last) by its nearest pixels, that one beside it, and two convolutions with batch normalisation
/// (`decoder.blocks`); at the end a 3×3 convolution to the classes (`segmentation_head.0`).
///
/// The output has the image's size, which is at least 32×32 and need not be a multiple of anything: each map is enlarged to
/// the very size of the one beside it. Names of layers are those of `segmentation_models_pytorch`'s `Unet`, whose weights load
/// as they are.
pub struct UNetResNet {
    encoder: ResNetFeatures,
    decoder: Vec<Checkpointed<DoubleConv>>,
    head: Conv2d,
    tap: Tap,
}

impl UNetResNet {
    /// Makes the parameters under `scope`.
    pub fn new(scope: &Scope, config: &UNetResNetConfig) -> Result<Self> {
        let encoder = ResNetFeatures::new(&(scope / "encoder"), &config.encoder)?;
        let expansion = if config.encoder.bottleneck { 4 } else { 1 };
        // Beside each enlarged map: layer3, layer2, layer1, the stem; nothing at last.
        let beside = [256 * expansion, 128 * expansion, 64 * expansion, 64, 0];
        let mut decoder = Vec::with_capacity(WIDTHS.len());
        let mut inputs = 512 * expansion;
        for (at, (outputs, beside)) in WIDTHS.into_iter().zip(beside).enumerate() {
            let scope = scope / "decoder" / "blocks" / at;
            let names = [("conv1", 0), ("conv1", 1), ("conv2", 0), ("conv2", 1)];
            let scopes = names.map(|(conv, at)| &scope / conv / at);
            let ends = ["conv1", "conv2"].map(|conv| &scope / conv);
            let relus = ends.each_ref().map(|end| end / 2);
            let stage = DoubleConv::new(scopes, inputs + beside, outputs)?;
            let stage = stage.at([&[&relus[0], &ends[0]], &[&relus[1], &ends[1], &scope]]);
            decoder.push(Checkpointed::asked(stage));
            inputs = outputs;
        }
        let options = Conv2dOptions::default().padding(1).init(Init::XavierUniform(1.0));
        let options = options.bias_init(Init::Constant(0.0));
        let tap = Tap::new(scope);
        let scope = scope / "segmentation_head" / 0;
        let head = Conv2d::new(&scope, inputs, config.classes, [3, 3], options)?;
        Ok(Self { encoder, decoder, head, tap })
    }
}

impl Layer for UNetResNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let stem = self.encoder.stem(x, pass)?;
        let [first, second, third, last] = self.encoder.stages(&stem, pass)?;
        let beside = [Some(&third), Some(&second), Some(&first), Some(&stem), None];
        let mut map = last;
        for (stage, beside) in self.decoder.iter().zip(beside) {
            let like = beside.unwrap_or(x);
            let size = like.shape().get(2..4).and_then(|size| size.try_into().ok()).unwrap_or_default();
            let larger = move |map: &Var| Upsample::to(UpsampleMode::Nearest, map, size);
            map = match beside {
                Some(beside) => stage.run([&map, beside], pass, move |stage, [map, beside], pass| {
                    stage.forward(&Var::concat(&[&larger(map)?, beside], 1)?, pass)
                })?,
                None => {
                    stage.run([&map], pass, move |stage, [map], pass| stage.forward(&larger(map)?, pass))?
                }
            };
        }
        let map = self.tap.give_as("decoder", map, pass);
        Ok(self.tap.give_as("segmentation_head", self.head.forward(&map, pass)?, pass))
    }
}
