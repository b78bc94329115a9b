//! The filters of a resize, and their weights.

/// How the pixels of another size are made: PIL's filters, by its names. Where a picture becomes smaller the filter is as
/// much wider, so that every pixel counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The pixel in whose place a new one's centre lies, of two the lower one: for masks and labels.
    Nearest,
    /// Equal weights within half a pixel.
    Box,
    /// A triangle within one pixel.
    #[default]
    Bilinear,
    /// A sinc within one pixel under Hamming's window.
    Hamming,
    /// Keys's cubic with a = −1/2, within two pixels (Keys 1981). PyTorch's and OpenCV's have −3/4.
    Bicubic,
    /// A sinc within three pixels under the middle of another (Lanczos).
    Lanczos,
}

impl Filter {
    /// Every filter.
    pub const ALL: [Self; 6] =
        [Self::Nearest, Self::Box, Self::Bilinear, Self::Hamming, Self::Bicubic, Self::Lanczos];

    /// Its name on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Box => "box",
            Self::Bilinear => "bilinear",
            Self::Hamming => "hamming",
            Self::Bicubic => "bicubic",
            Self::Lanczos => "lanczos",
        }
    }

    /// Pixels to either side that have a weight, where the size stays.
    const fn support(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// The weight of what lies `x` pixels from the centre.
    fn weight(self, x: f64) -> f64 {
        let near = x.abs();
        match self {
            Self::Nearest | Self::Box => f64::from(x > -0.5 && x <= 0.5),
            Self::Bilinear => (1.0 - near).max(0.0),
            Self::Hamming if near >= 1.0 => 0.0,
            Self::Hamming => sinc(near) * (0.54 + 0.46 * (near * std::f64::consts::PI).cos()),
            Self::Bicubic if near < 1.0 => ((A + 2.0) * near - (A + 3.0)) * near * near + 1.0,
            Self::Bicubic if near < 2.0 => (((near - 5.0) * near + 8.0) * near - 4.0) * A,
            Self::Bicubic => 0.0,
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

/// Of the cubic.
const A: f64 = -0.5;

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// Binary places of a weight: as many as leave room in 32 bits for 8 of a sample and 2 for the sums' overshoot.
pub(super) const PLACES: u32 = 32 - 8 - 2;

/// The weights by which the places of a line make those of another.
pub(super) struct Weights {
    /// For each new place the first old one, and where its weights lie in `all`.
    pub spans: Vec<(usize, std::ops::Range<usize>)>,
    /// In units of 2⁻²².
    pub all: Vec<i32>,
}

impl Weights {
    /// Those of `filter` from `from` places to `to`; both are at least 1.
    pub fn new(filter: Filter, from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let (mut spans, mut all) = (Vec::with_capacity(to), Vec::new());
        let mut exact = Vec::new();
        for at in 0..to {
            let centre = (at as f64 + 0.5) * scale;
            // Casts of negative numbers give 0.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            exact.clear();
            exact.extend(
                (first..end).map(|place| filter.weight((place as f64 - centre + 0.5) * (1.0 / stretch))),
            );
            let sum: f64 = exact.iter().sum();
            let begun = all.len();
            let unit = f64::from(1u32 << PLACES);
            all.extend(exact.iter().map(|&weight| {
                let weight = if sum == 0.0 { weight } else { weight / sum } * unit;
                // Half away from zero.
                (weight + if weight < 0.0 { -0.5 } else { 0.5 }) as i32
            }));
            spans.push((first, begun..all.len()));
        }
        Self { spans, all }
    }
}
