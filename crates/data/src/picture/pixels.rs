//! A picture in memory.

use super::error::{PictureError, PictureFault};

/// The samples of a picture, row by row, the channels of a pixel beside one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits, 0 to 255.
    U8(Vec<u8>),
    /// 16 bits, 0 to 65,535.
    U16(Vec<u16>),
}

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(samples) => samples.len(),
            Self::U16(samples) => samples.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As 8 bits: of 16 the upper half, as PIL reads a colour PNG of 16 bits.
    fn into_u8(self) -> Vec<u8> {
        match self {
            Self::U8(samples) => samples,
            Self::U16(samples) => samples.into_iter().map(|sample| (sample >> 8) as u8).collect(),
        }
    }
}

/// A picture: H×W×C samples, C being 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    samples: Samples,
}

impl Picture {
    /// A picture of `width`×`height` pixels with `channels` samples each.
    ///
    /// # Errors
    /// [`PictureFault::Empty`]; [`PictureFault::Count`] if there are not width · height · channels samples, or the channels
    /// are not 1 to 4.
    pub fn new(width: usize, height: usize, channels: usize, samples: Samples) -> Result<Self, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::unnamed(PictureFault::Empty { width, height }));
        }
        let count = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(channels));
        if !(1..=4).contains(&channels) || count != Some(samples.len()) {
            let found = samples.len();
            return Err(PictureError::unnamed(PictureFault::Count { found, width, height, channels }));
        }
        Ok(Self { width, height, channels, samples })
    }

    /// As [`Self::new`], with samples of 8 bits.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn from_u8(
        width: usize,
        height: usize,
        channels: usize,
        samples: Vec<u8>,
    ) -> Result<Self, PictureError> {
        Self::new(width, height, channels, Samples::U8(samples))
    }

    /// Pixels of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Samples of a pixel: 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The samples, H×W×C.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The samples, H×W×C, and nothing else.
    pub fn into_samples(self) -> Samples {
        self.samples
    }

    /// The samples where they have 8 bits.
    pub fn as_u8(&self) -> Option<&[u8]> {
        match &self.samples {
            Samples::U8(samples) => Some(samples),
            Samples::U16(_) => None,
        }
    }

    /// Three channels of 8 bits, as PIL's `convert("RGB")`: alpha is dropped, grey repeated, and of 16 bits the upper half is
    /// kept (of *grey* pictures of 16 bits PIL makes white wherever a sample is above 255, which is no use to anybody).
    #[must_use]
    pub fn to_rgb8(self) -> Self {
        let Self { width, height, channels, samples } = self;
        let samples = samples.into_u8();
        let samples = match channels {
            3 => samples,
            4 => samples.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
            grey => samples.chunks_exact(grey).flat_map(|pixel| [pixel[0]; 3]).collect(),
        };
        Self { width, height, channels: 3, samples: Samples::U8(samples) }
    }

    /// One channel of 8 bits, as PIL's `convert("L")`: alpha is dropped, colours are weighted as ITU-R BT.601 does, in PIL's
    /// fixed point.
    #[must_use]
    pub fn to_grey8(self) -> Self {
        const WEIGHTS: [u32; 3] = [19_595, 38_470, 7_471];
        let Self { width, height, channels, samples } = self;
        let samples = samples.into_u8();
        let samples = match channels {
            1 => samples,
            2 => samples.into_iter().step_by(2).collect(),
            more => {
                let grey = |pixel: &[u8]| {
                    let sum: u32 =
                        pixel.iter().zip(WEIGHTS).map(|(&one, weight)| u32::from(one) * weight).sum();
                    ((sum + 0x8000) >> 16) as u8
                };
                samples.chunks_exact(more).map(grey).collect()
            }
        };
        Self { width, height, channels: 1, samples: Samples::U8(samples) }
    }

    /// Without its alpha channel, if it has one.
    #[must_use]
    pub fn without_alpha(self) -> Self {
        let Self { width, height, channels, samples } = self;
        if channels % 2 == 1 {
            return Self { width, height, channels, samples };
        }
        let kept = channels - 1;
        let samples = match samples {
            Samples::U8(all) => Samples::U8(drop_last(&all, channels)),
            Samples::U16(all) => Samples::U16(drop_last(&all, channels)),
        };
        Self { width, height, channels: kept, samples }
    }
}

/// The samples of each pixel but for its last.
fn drop_last<T: Copy>(samples: &[T], channels: usize) -> Vec<T> {
    samples.chunks_exact(channels).flat_map(|pixel| pixel.iter().take(channels - 1)).copied().collect()
}
