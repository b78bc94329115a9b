//! Where a place of a resized axis lies on the original one, and between which elements.

/// Between which elements a resized place lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interpolation {
    /// The nearest element.
    Nearest(Rounding),
    /// The two around it, by distance.
    Linear,
    /// The four around it, by Keys' cubic convolution (IEEE ASSP 29, 1981).
    Cubic {
        /// Keys' free parameter: −0.75 in PyTorch and ONNX, −0.5 in TensorFlow.
        a: f32,
        /// Whether taps outside the axis are left out and the others weighted up; else the edge stands for them.
        exclude_outside: bool,
    },
    /// As [`Self::Linear`]; where the axis shrinks, the triangle is stretched over all elements that a place stands for.
    LinearAntialias {
        /// As [`Self::Cubic`] has it; PyTorch and PIL leave them out.
        exclude_outside: bool,
    },
    /// As [`Self::Cubic`]; where the axis shrinks, Keys' function is stretched over all elements that a place stands for.
    CubicAntialias {
        /// Keys' free parameter: −0.75 in ONNX, −0.5 in PyTorch's and PIL's antialiased form.
        a: f32,
        /// As [`Self::Cubic`] has it; PyTorch and PIL leave them out.
        exclude_outside: bool,
    },
}

/// Which element is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// The one before.
    Floor,
    /// The one behind.
    Ceil,
    /// The closer one, of two equally close the one before.
    PreferFloor,
    /// The closer one, of two equally close the one behind.
    PreferCeil,
}

/// Where place i of a resized axis lies on the original one, ONNX's names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coordinates {
    /// (i + ½) / scale − ½: pixels are areas. PyTorch's `align_corners=False`.
    HalfPixel,
    /// As [`Self::HalfPixel`], but 0 where the result has one element.
    PytorchHalfPixel,
    /// As [`Self::HalfPixel`], with the middles of both axes in one place where scale · extent was rounded to the size.
    HalfPixelSymmetric,
    /// i · (extent − 1) / (size − 1): the outermost centres coincide. PyTorch's `align_corners=True`. With a scale that was
    /// given, scale · extent stands for the size, as ONNX's test data have it.
    AlignCorners,
    /// i / scale.
    Asymmetric,
    /// (i + ½) / scale.
    TfHalfPixelForNn,
    /// As [`Self::AlignCorners`] over the part of the axis from `start` to `end`, both as fractions of extent − 1. A result
    /// of one element is the middle of that part. TensorFlow's `crop_and_resize`.
    CropAndResize {
        /// Where the part begins.
        start: f32,
        /// Where it ends.
        end: f32,
    },
}

/// An axis that is to be resized.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) extent: usize,
    pub(super) size: usize,
    /// What the size was rounded from.
    pub(super) exact: f64,
    pub(super) scale: f64,
}

impl Axis {
    pub(super) fn new(extent: usize, size: usize, scale: Option<f32>) -> Self {
        // In f64, and the weights rounded once; only where a place falls on one side or the other is f32's arithmetic kept.
        Self {
            extent,
            size,
            exact: scale.map_or(size as f64, |scale| f64::from(scale) * extent as f64),
            scale: scale.map_or(size as f64 / extent as f64, f64::from),
        }
    }
}

impl Coordinates {
    pub(super) fn original(self, place: usize, axis: Axis, interpolation: Interpolation) -> f64 {
        let Axis { extent, size, exact, scale } = axis;
        let i = place as f64;
        // Which of two elements is the nearest is decided in f32, step by step, as ONNX Runtime and PyTorch do: the scale 0.6
        // of an f32 is a little more, and 1.5 / 0.6 shall be 2.5.
        let step = |value: f64| match interpolation {
            Interpolation::Nearest(_) => f64::from(value as f32),
            _ => value,
        };
        let half = || step((i + 0.5) / scale) - 0.5;
        match self {
            Self::PytorchHalfPixel if size == 1 => 0.0,
            Self::HalfPixel | Self::PytorchHalfPixel => half(),
            Self::HalfPixelSymmetric => {
                let center = extent as f64 / 2.0;
                step(center * (1.0 - size as f64 / exact)) + half()
            }
            Self::AlignCorners if exact == 1.0 => 0.0,
            Self::AlignCorners => i * (extent - 1) as f64 / (exact - 1.0),
            Self::Asymmetric => i / scale,
            Self::TfHalfPixelForNn => (i + 0.5) / scale,
            Self::CropAndResize { start, end } => {
                let (start, end, last) = (f64::from(start), f64::from(end), (extent - 1) as f64);
                if exact == 1.0 {
                    0.5 * (start + end) * last
                } else {
                    start * last + i * (end - start) * last / (exact - 1.0)
                }
            }
        }
    }

    /// For each of `size` places whether it lies outside the axis, where [`Self::CropAndResize`] asks for a value of its own;
    /// the arguments are those of [`crate::TapTable::resize`].
    #[must_use]
    pub fn outside(self, extent: usize, size: usize, scale: Option<f32>) -> Vec<bool> {
        let axis = Axis::new(extent, size, scale);
        let outside = |place| {
            let at = self.original(place, axis, Interpolation::Linear);
            matches!(self, Self::CropAndResize { .. }) && !(0.0..=extent as f64 - 1.0).contains(&at)
        };
        (0..size).map(outside).collect()
    }
}

impl Rounding {
    pub(super) fn nearest(self, at: f32) -> f32 {
        match self {
            Self::Floor => at.floor(),
            Self::Ceil => at.ceil(),
            Self::PreferFloor => (at - 0.5).ceil(),
            Self::PreferCeil => (at + 0.5).floor(),
        }
    }
}
