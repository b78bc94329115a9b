//! Pictures of another size, with PIL's bytes.

use super::{
    error::{PictureError, PictureFault},
    filter::{Filter, PLACES, Weights},
    pixels::{Picture, Samples},
};

/// The longest side of a picture that is made.
const LONGEST: usize = 1 << 17;

impl Picture {
    /// The picture with another width and height.
    ///
    /// Of 8 bits every byte is that of PIL's `Image.resize`, with all filters: sums of whole weights in units of 2⁻²², along
    /// rows first and then along columns, each rounded to 8 bits; an axis that keeps its length is left alone. With an alpha
    /// channel colours are weighted by it, but for [`Filter::Nearest`], as PIL does. Pictures of 16 bits, which PIL does not
    /// resize, go the same way with wider sums.
    ///
    /// # Errors
    /// [`PictureFault::Empty`] for a side of 0, [`PictureFault::TooLarge`] for one beyond 131,072 pixels.
    pub fn resize(&self, width: usize, height: usize, filter: Filter) -> Result<Self, PictureError> {
        check(width, height)?;
        if (width, height) == (self.width(), self.height()) {
            return Ok(self.clone());
        }
        let size = Size { width: self.width(), height: self.height(), channels: self.channels() };
        let to = Size { width, height, ..size };
        let samples = match self.samples() {
            Samples::U8(samples) if filter == Filter::Nearest => Samples::U8(nearest(samples, size, to)),
            Samples::U16(samples) if filter == Filter::Nearest => Samples::U16(nearest(samples, size, to)),
            Samples::U8(samples) if size.channels.is_multiple_of(2) => {
                let scaled = filtered(&premultiplied(samples, size.channels), size, to, filter);
                Samples::U8(divided(scaled, size.channels))
            }
            Samples::U8(samples) => Samples::U8(filtered(samples, size, to, filter)),
            Samples::U16(samples) => Samples::U16(filtered(samples, size, to, filter)),
        };
        Self::new(width, height, size.channels, samples)
    }

    /// The size that torchvision's `Resize(side)` gives: the shorter side has `side` pixels, the longer one keeps the
    /// proportion, rounded down. (width, height).
    pub fn size_by_shorter(&self, side: usize) -> (usize, usize) {
        let (width, height) = (self.width(), self.height());
        let longer = |long: usize, short: usize| {
            usize::try_from(side as u128 * long as u128 / short as u128).unwrap_or(usize::MAX)
        };
        if width <= height { (side, longer(height, width)) } else { (longer(width, height), side) }
    }

    /// The middle of the picture, as torchvision's `CenterCrop`: a picture that is smaller gets zeros around it, of an odd
    /// number the one more behind; where an odd number is cut off, the middle is rounded to even.
    ///
    /// # Errors
    /// As [`Self::resize`].
    pub fn center_crop(&self, width: usize, height: usize) -> Result<Self, PictureError> {
        check(width, height)?;
        let samples = match self.samples() {
            Samples::U8(samples) => Samples::U8(self.middle(samples, width, height)),
            Samples::U16(samples) => Samples::U16(self.middle(samples, width, height)),
        };
        Self::new(width, height, self.channels(), samples)
    }

    fn middle<T: Copy + Default>(&self, samples: &[T], width: usize, height: usize) -> Vec<T> {
        let channels = self.channels();
        let (left, top) = (start(self.width(), width), start(self.height(), height));
        let mut cut = vec![T::default(); width * height * channels];
        // Columns of the window that the picture has.
        let first = usize::try_from(-left).unwrap_or(0);
        let last = usize::try_from(self.width() as i64 - left).unwrap_or(0).min(width);
        for row in 0..height {
            let from = usize::try_from(top + row as i64).ok().filter(|&from| from < self.height());
            if let (Some(from), true) = (from, first < last) {
                let begin = (from * self.width() + (first as i64 + left) as usize) * channels;
                let count = (last - first) * channels;
                let to = (row * width + first) * channels;
                cut[to..to + count].copy_from_slice(&samples[begin..begin + count]);
            }
        }
        cut
    }
}

/// Where a window of `wanted` begins in `length`.
fn start(length: usize, wanted: usize) -> i64 {
    if wanted > length {
        return -(((wanted - length) / 2) as i64);
    }
    let over = length - wanted;
    let half = over / 2;
    (half + usize::from(over % 2 == 1 && half % 2 == 1)) as i64
}

fn check(width: usize, height: usize) -> Result<(), PictureError> {
    let fault = if width == 0 || height == 0 {
        PictureFault::Empty { width, height }
    } else if width.max(height) > LONGEST {
        let what = format!("it would become {width}×{height} pixels");
        PictureFault::TooLarge { what, limit: format!("{LONGEST} pixels a side") }
    } else {
        return Ok(());
    };
    Err(PictureError::unnamed(fault))
}

#[derive(Clone, Copy)]
struct Size {
    width: usize,
    height: usize,
    channels: usize,
}

/// A sample that is summed by whole weights.
trait Sample: Copy + Default {
    /// Holds the largest sum.
    type Sum: Copy + Default;
    const HALF: Self::Sum;
    fn add(sum: &mut Self::Sum, sample: Self, weight: i32);
    fn round(sum: Self::Sum) -> Self;
}

impl Sample for u8 {
    type Sum = i32;
    const HALF: i32 = 1 << (PLACES - 1);

    #[inline(always)]
    fn add(sum: &mut i32, sample: u8, weight: i32) {
        *sum = sum.wrapping_add(i32::from(sample).wrapping_mul(weight));
    }

    #[inline(always)]
    fn round(sum: i32) -> u8 {
        (sum >> PLACES).clamp(0, 255) as u8
    }
}

impl Sample for u16 {
    type Sum = i64;
    const HALF: i64 = 1 << (PLACES - 1);

    #[inline(always)]
    fn add(sum: &mut i64, sample: u16, weight: i32) {
        *sum += i64::from(sample) * i64::from(weight);
    }

    #[inline(always)]
    fn round(sum: i64) -> u16 {
        (sum >> PLACES).clamp(0, 65_535) as u16
    }
}

fn filtered<T: Sample>(samples: &[T], from: Size, to: Size, filter: Filter) -> Vec<T> {
    let rows = if from.width == to.width {
        samples.to_vec()
    } else {
        let weights = Weights::new(filter, from.width, to.width);
        match from.channels {
            1 => along_rows::<T, 1>(samples, from.width, &weights),
            2 => along_rows::<T, 2>(samples, from.width, &weights),
            3 => along_rows::<T, 3>(samples, from.width, &weights),
            _ => along_rows::<T, 4>(samples, from.width, &weights),
        }
    };
    if from.height == to.height {
        return rows;
    }
    along_columns(&rows, to.width * to.channels, &Weights::new(filter, from.height, to.height))
}

fn along_rows<T: Sample, const C: usize>(samples: &[T], width: usize, weights: &Weights) -> Vec<T> {
    let mut made = Vec::with_capacity(samples.len() / width.max(1) * weights.spans.len());
    for row in samples.chunks_exact(width * C) {
        for (first, range) in &weights.spans {
            let mut sums = [T::HALF; C];
            let pixels = row[first * C..].chunks_exact(C);
            for (pixel, &weight) in pixels.zip(&weights.all[range.clone()]) {
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    T::add(sum, sample, weight);
                }
            }
            made.extend(sums.map(T::round));
        }
    }
    made
}

/// `stride` samples make a row.
fn along_columns<T: Sample>(samples: &[T], stride: usize, weights: &Weights) -> Vec<T> {
    let mut made = Vec::with_capacity(stride * weights.spans.len());
    let mut sums = vec![T::HALF; stride];
    for (first, range) in &weights.spans {
        sums.fill(T::HALF);
        let rows = samples[first * stride..].chunks_exact(stride);
        for (row, &weight) in rows.zip(&weights.all[range.clone()]) {
            for (sum, &sample) in sums.iter_mut().zip(row) {
                T::add(sum, sample, weight);
            }
        }
        made.extend(sums.iter().map(|&sum| T::round(sum)));
    }
    made
}

/// For each new place the old one in which its centre lies. PIL goes on by adding, so that a centre on an edge falls as it
/// does there.
fn places(from: usize, to: usize) -> Vec<usize> {
    let step = from as f64 / to as f64;
    let mut centre = step * 0.5;
    let mut places = Vec::with_capacity(to);
    for _ in 0..to {
        places.push((centre as usize).min(from - 1));
        centre += step;
    }
    places
}

fn nearest<T: Copy>(samples: &[T], from: Size, to: Size) -> Vec<T> {
    let columns = places(from.width, to.width);
    let mut made = Vec::with_capacity(to.width * to.height * to.channels);
    for row in places(from.height, to.height) {
        let row = &samples[row * from.width * from.channels..][..from.width * from.channels];
        for &column in &columns {
            made.extend_from_slice(&row[column * from.channels..][..from.channels]);
        }
    }
    made
}

/// Colours times alpha / 255, rounded.
fn premultiplied(samples: &[u8], channels: usize) -> Vec<u8> {
    let mut made = samples.to_vec();
    for pixel in made.chunks_exact_mut(channels) {
        if let Some((alpha, colours)) = pixel.split_last_mut() {
            for colour in colours {
                let product = u32::from(*colour) * u32::from(*alpha) + 128;
                *colour = (((product >> 8) + product) >> 8) as u8;
            }
        }
    }
    made
}

/// Colours through alpha / 255, rounded down; where alpha is 0 or 255 they stay.
fn divided(mut samples: Vec<u8>, channels: usize) -> Vec<u8> {
    for pixel in samples.chunks_exact_mut(channels) {
        if let Some((&mut alpha, colours)) = pixel.split_last_mut()
            && !matches!(alpha, 0 | 255)
        {
            for colour in colours {
                *colour = (u32::from(*colour) * 255 / u32::from(alpha)).min(255) as u8;
            }
        }
    }
    samples
}
