//! U-Net with padded convolutions and batch normalisation, as most programs have it.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Tap,
    layers::{Conv2d, Conv2dOptions, ConvTranspose2d, ConvTranspose2dOptions, MaxPool2d},
};
use tilewright_ops::Pool2d;

use super::double_conv::DoubleConv;

/// Stages that shrink, and stages that grow.
const DEPTH: usize = 4;

/// What a [`UNetBn`] is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UNetBnConfig {
    /// Channels of the first stage; each of the four that follow has twice as many as the one before.
    pub width: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl Default for UNetBnConfig {
    /// The paper's width, colour images and two classes.
    fn default() -> Self {
        Self { width: 64, channels: 3, classes: 2 }
    }
}

/// [`UNet`](super::UNet) with convolutions that keep the size, without biases but with batch normalisation. The output has
/// the image's size, which is at least 16×16.
///
/// Where a map of odd height or width is pooled, its last row or column is left out; on the way up the enlarged map is
/// surrounded by zeros to the size of the map beside it, the odd row or column at its end.
///
/// Names of layers are those of the `Pytorch-UNet` that PyTorch Hub knows as `unet_carvana`.
pub struct UNetBn {
    down: Vec<Checkpointed<DoubleConv>>,
    up: Vec<Checkpointed<Up>>,
    head: Conv2d,
    tap: Tap,
}

/// A stage that grows.
struct Up {
    enlarge: ConvTranspose2d,
    stage: DoubleConv,
}

/// The stage under `scope`, the last part of the modules that `around` has.
fn stage(scope: &Scope, around: &[&Scope], inputs: usize, outputs: usize) -> Result<DoubleConv> {
    let inner = scope / "double_conv";
    // 2 and 5 are ReLUs.
    let stage = DoubleConv::new([0, 1, 3, 4].map(|at| &inner / at), inputs, outputs)?;
    let relus = [2, 5].map(|at| &inner / at);
    let ends = [&[&relus[1], &inner, scope], around].concat();
    Ok(stage.at([&[&relus[0]], &ends]))
}

impl UNetBn {
    /// Makes the parameters under `scope`.
    pub fn new(scope: &Scope, config: &UNetBnConfig) -> Result<Self> {
        let &UNetBnConfig { width, channels, classes } = config;
        let mut down = vec![Checkpointed::asked(stage(&(scope / "inc"), &[], channels, width)?)];
        let mut inputs = width;
        for at in 1..=DEPTH {
            let whole = scope / format!("down{at}");
            let chain = &whole / "maxpool_conv";
            let stage = stage(&(&chain / 1), &[&chain, &whole], inputs, 2 * inputs)?;
            down.push(Checkpointed::asked(stage));
            inputs *= 2;
        }
        let mut up = Vec::with_capacity(DEPTH);
        for at in 1..=DEPTH {
            let scope = scope / format!("up{at}");
            let options = ConvTranspose2dOptions::default().stride(2);
            let enlarge = ConvTranspose2d::new(&(&scope / "up"), inputs, inputs / 2, [2, 2], options)?;
            let stage = stage(&(&scope / "conv"), &[&scope], inputs, inputs / 2)?;
            up.push(Checkpointed::asked(Up { enlarge, stage }));
            inputs /= 2;
        }
        let head = Conv2d::new(&(scope / "outc" / "conv"), width, classes, [1, 1], Conv2dOptions::default())?;
        Ok(Self { down, up, head, tap: Tap::new(scope) })
    }
}

impl Layer for UNetBn {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let pool = MaxPool2d(Pool2d::new([2, 2]));
        let mut maps: Vec<Var> = Vec::with_capacity(self.down.len());
        for (at, stage) in self.down.iter().enumerate() {
            let pooled = maps.last().map(|map| pool.forward(map, pass)).transpose()?;
            let place = format_args!("down{at}.maxpool_conv.0");
            let pooled = pooled.map(|pooled| self.tap.give_as(place, pooled, pass));
            maps.push(stage.forward(pooled.as_ref().unwrap_or(x), pass)?);
        }
        let mut x = maps.pop().unwrap_or_else(|| x.clone());
        for up in &self.up {
            // Nothing else reads the map again.
            let Some(map) = maps.pop() else { break };
            // A pass with checkpointing saves these two: joined they take more memory.
            x = up.run([&x, &map], pass, |up, [x, map], pass| {
                let larger = surrounded(&up.enlarge.forward(x, pass)?, map.shape())?;
                let joined = Var::concat(&[map, &larger], 1)?;
                drop(larger);
                up.stage.forward(&joined, pass)
            })?;
        }
        Ok(self.tap.give_as("outc", self.head.forward(&x, pass)?, pass))
    }
}

/// `map` in the middle of zeros with the height and width of `shape`.
fn surrounded(map: &Var, shape: &[usize]) -> Result<Var> {
    let missing = |axis: usize| {
        let missing = shape[axis].saturating_sub(map.shape()[axis]);
        (missing / 2, missing - missing / 2)
    };
    let padding = [(0, 0), (0, 0), missing(2), missing(3)];
    if padding == [(0, 0); 4] {
        return Ok(map.clone());
    }
    Ok(map.pad(&padding, 0.0)?)
}
