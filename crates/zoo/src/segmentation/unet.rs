//! U-Net as its paper has it (Ronneberger et al., arXiv 1505.04597): convolutions without padding.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, Layer, Pass, Result, Scope, Tap,
    init::{Fan, Init},
    layers::{Conv2d, Conv2dOptions, ConvTranspose2d, ConvTranspose2dOptions, Dropout, MaxPool2d},
};
use tilewright_ops::{Pool2d, ShapeError, SliceRange, TapTable};

/// Stages that shrink, and stages that grow.
const DEPTH: usize = 4;

/// Rows and columns that an output of the unpadded network has less than its input.
const LOST: usize = 184;

/// What a [`UNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UNetConfig {
    /// Channels of the first stage; each of the four that follow has twice as many as the one before.
    pub width: usize,
    /// Whether what lies around the image is made up by mirroring it, so that the output has the image's size (the paper's
    /// overlap-tile strategy). Else the output is 184 rows and columns smaller than an input whose height and width are 188
    /// plus a multiple of 16, and smaller still than another one.
    pub mirrored: bool,
    /// The probability of dropout at the end of the contracting path (§3.1), of the elements of its last two stages.
    pub dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl Default for UNetConfig {
    /// The paper's width, grey images and two classes; mirrored.
    fn default() -> Self {
        Self { width: 64, mirrored: true, dropout: 0.5, channels: 1, classes: 2 }
    }
}

/// Five stages of two 3×3 convolutions (`down.0` to `down.4`) with a 2×2 maximum pooling between them; then four times an
/// up-convolution to half the channels (`up.0.up`, …), the middle of the map that was pooled beside it, and two convolutions;
/// at the end a 1×1 convolution to the classes (`head`). There is no normalisation.
pub struct UNet {
    down: Vec<Checkpointed<Stage>>,
    up: Vec<Checkpointed<Up>>,
    head: Conv2d,
    dropout: Dropout,
    mirrored: bool,
}

impl UNet {
    /// The least height and width of an input that is not mirrored.
    pub const LEAST: usize = 188;

    /// Makes the parameters under `scope`, their weights normal by the fan in, as the paper has them.
    pub fn new(scope: &Scope, config: &UNetConfig) -> Result<Self> {
        let &UNetConfig { width, mirrored, dropout, channels, classes } = config;
        let widths: Vec<usize> = (0..=DEPTH).map(|stage| width << stage).collect();
        let mut down = Vec::with_capacity(widths.len());
        let mut inputs = channels;
        for (stage, &outputs) in widths.iter().enumerate() {
            down.push(Checkpointed::asked(Stage::new(&(scope / "down" / stage), inputs, outputs)?));
            inputs = outputs;
        }
        let mut up = Vec::with_capacity(DEPTH);
        for (stage, &outputs) in widths.iter().rev().skip(1).enumerate() {
            let scope = scope / "up" / stage;
            let options = ConvTranspose2dOptions::default().stride(2).init(START);
            let enlarge = ConvTranspose2d::new(&(&scope / "up"), inputs, outputs, [2, 2], options)?;
            let stage = Stage::new(&scope, 2 * outputs, outputs)?;
            up.push(Checkpointed::asked(Up { enlarge, stage }));
            inputs = outputs;
        }
        let options = Conv2dOptions::default().init(START);
        let head = Conv2d::new(&(scope / "head"), width, classes, [1, 1], options)?;
        Ok(Self { down, up, head, dropout: Dropout::new(dropout)?, mirrored })
    }

    /// The network without padding.
    fn valid(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let pool = MaxPool2d(Pool2d::new([2, 2]));
        let mut maps: Vec<Var> = Vec::with_capacity(self.down.len());
        for (at, stage) in self.down.iter().enumerate() {
            let pooled = maps.last().map(|map| pool.forward(map, pass)).transpose()?;
            let map = stage.forward(pooled.as_ref().unwrap_or(x), pass)?;
            let last_two = at + 2 >= self.down.len();
            maps.push(if last_two { self.dropout.forward(&map, pass)? } else { map });
        }
        let mut x = maps.pop().unwrap_or_else(|| x.clone());
        for (up, map) in self.up.iter().zip(maps.iter().rev()) {
            // Cut out here, so that no more of the map is saved than that.
            let larger: Vec<usize> = x.shape().iter().map(|extent| 2 * extent).collect();
            x = up.run([&x, &middle(map, &larger)?], pass, |up, [x, beside], pass| {
                up.stage.forward(&Var::concat(&[beside, &up.enlarge.forward(x, pass)?], 1)?, pass)
            })?;
        }
        self.head.forward(&x, pass)
    }
}

impl Layer for UNet {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let &[batch, _, height, width] = x.shape() else {
            let (op, operand, shape) = ("unet", "input", x.shape().to_vec());
            return Err(ShapeError::Rank { op, operand, shape, expected: "four: N C H W" }.into());
        };
        if self.mirrored {
            let y = self.valid(&x.resample_by([mirrored(height), mirrored(width)])?, pass)?;
            return window(&y, [(0, batch), (0, y.shape()[1]), (0, height), (0, width)]);
        }
        if height < Self::LEAST || width < Self::LEAST {
            let (op, parameter) = ("unet", "input");
            let (value, hint) = (
                format!("{height}×{width}"),
                "without padding it takes at least 188×188; choose `mirrored` for smaller images",
            );
            return Err(ShapeError::Parameter { op, parameter, value, hint }.into());
        }
        self.valid(x, pass)
    }
}

/// For an axis of `extent` pixels: that axis with what the network takes off at each side before it, and behind it as much
/// and what makes its length one that can be halved four times, all mirrored at the axis' ends.
fn mirrored(extent: usize) -> TapTable {
    // Outputs have 4 + 16 k pixels.
    let longer = 4 + extent.saturating_sub(4).div_ceil(16) * 16 + LOST;
    // Without its ends a mirrored axis has the period 2 (extent − 1).
    let last = extent.saturating_sub(1);
    let period = (2 * last).max(1);
    let before = (LOST / 2).next_multiple_of(period);
    let place = |at: usize| {
        let place = (at + before - LOST / 2) % period;
        if place > last { period - place } else { place }
    };
    TapTable::gather(&(0..longer).map(place).collect::<Vec<_>>())
}

/// The middle of `map` that has the height and width of `shape`.
fn middle(map: &Var, shape: &[usize]) -> Result<Var> {
    let part = |axis: usize| {
        let (whole, wanted) = (map.shape()[axis], shape[axis].min(map.shape()[axis]));
        ((whole - wanted) / 2, (whole - wanted) / 2 + wanted)
    };
    window(map, [(0, map.shape()[0]), (0, map.shape()[1]), part(2), part(3)])
}

/// From the first to before the second of each axis.
fn window(map: &Var, parts: [(usize, usize); 4]) -> Result<Var> {
    let ranges = parts.map(|(start, end)| SliceRange { start, end, step: 1 });
    Ok(map.slice(&ranges)?)
}

/// §3: normal, with the deviation √(2 / fan in).
const START: Init = Init::KaimingNormal(Fan::In, Init::RELU_GAIN);

/// A stage that grows.
struct Up {
    enlarge: ConvTranspose2d,
    stage: Stage,
}

/// `conv1`, `conv2`, each with a ReLU.
struct Stage {
    convs: [Conv2d; 2],
    tap: Tap,
}

impl Stage {
    fn new(scope: &Scope, inputs: usize, outputs: usize) -> Result<Self> {
        let options = Conv2dOptions::default().init(START);
        let convs = [
            Conv2d::new(&(scope / "conv1"), inputs, outputs, [3, 3], options)?,
            Conv2d::new(&(scope / "conv2"), outputs, outputs, [3, 3], options)?,
        ];
        Ok(Self { convs, tap: Tap::new(scope) })
    }
}

impl Layer for Stage {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut x = x.clone();
        for (number, conv) in (1..).zip(&self.convs) {
            x = self.tap.give_as(format_args!("relu{number}"), conv.forward(&x, pass)?.relu()?, pass);
        }
        Ok(self.tap.give(x, pass))
    }
}

#[cfg(test)]
mod tests {
    use super::mirrored;

    #[test]
    fn an_axis_is_mirrored_without_its_ends() {
        for extent in [1usize, 2, 3, 4, 5, 20, 21, 93, 200] {
            let table = mirrored(extent);
            assert!(table.len() >= 188 && table.len() % 16 == 188 % 16, "{extent}: {}", table.len());
            // As numpy.pad(…, mode="reflect") has it, step by step.
            let (mut at, mut up) = (0isize, true);
            let mut walk: Vec<usize> = Vec::new();
            for _ in 0..table.len() {
                walk.push(at as usize);
                if extent > 1 {
                    up = if at == 0 {
                        true
                    } else if at + 1 == extent as isize {
                        false
                    } else {
                        up
                    };
                    at += if up { 1 } else { -1 };
                }
            }
            let found: Vec<usize> = table.entries().iter().map(|entry| entry[0] as usize).collect();
            assert_eq!(found[92..], walk[..table.len() - 92], "{extent}");
            let before: Vec<usize> = found[..=92].iter().rev().copied().collect();
            assert_eq!(before, walk[..=92], "{extent}");
        }
    }
}
