//! Resizing of feature maps.

use tilewright_autograd::Var;
use tilewright_ops::{Coordinates, Interpolation, Resize2d, Rounding, ShapeError};

use crate::{error::Result, module::Layer, pass::Pass};

/// How [`Upsample`] makes new pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpsampleMode {
    /// The nearest pixel, the one before of two: PyTorch's `nearest`.
    Nearest,
    /// Between the two by two around it; pixels are areas: PyTorch's `bilinear` with `align_corners=False`.
    Bilinear,
    /// The same with the outermost pixels' centres in one place: `align_corners=True`.
    BilinearAligned,
}

/// Resizes the maps of N C H W by whole factors ([`Layer::forward`]) or to a size ([`Self::to`]): PyTorch's `Upsample` and
/// `interpolate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// How new pixels are made.
    pub mode: UpsampleMode,
    /// What height and width are multiplied by.
    pub factor: usize,
}

impl Upsample {
    /// By `factor` and `mode`.
    pub const fn new(factor: usize, mode: UpsampleMode) -> Self {
        Self { mode, factor }
    }

    /// `x` (N C H W) with another height and width; the same variable where it has them already.
    ///
    /// # Errors
    /// A shape error unless `x` has four axes with pixels on them.
    pub fn to(mode: UpsampleMode, x: &Var, size: [usize; 2]) -> Result<Var> {
        if x.shape().get(2..) == Some(&size[..]) {
            return Ok(x.clone());
        }
        let (interpolation, coordinates) = match mode {
            UpsampleMode::Nearest => (Interpolation::Nearest(Rounding::Floor), Coordinates::Asymmetric),
            UpsampleMode::Bilinear => (Interpolation::Linear, Coordinates::HalfPixel),
            UpsampleMode::BilinearAligned => (Interpolation::Linear, Coordinates::AlignCorners),
        };
        Ok(x.resize2d(&Resize2d { size, scale: None, interpolation, coordinates })?)
    }
}

impl Layer for Upsample {
    fn forward(&self, x: &Var, _: &Pass) -> Result<Var> {
        let &[_, _, height, width] = x.shape() else {
            let (op, operand, shape) = ("upsample", "x", x.shape().to_vec());
            return Err(ShapeError::Rank { op, operand, shape, expected: "four: N C H W" }.into());
        };
        let too_many = || ShapeError::TooManyElements { op: "upsample", shape: x.shape().to_vec() };
        let scaled = |extent: usize| extent.checked_mul(self.factor).ok_or_else(too_many);
        Self::to(self.mode, x, [scaled(height)?, scaled(width)?])
    }
}
