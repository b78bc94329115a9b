//! A mask as runs.

use super::error::{MAX_PIXELS, MaskError};
use crate::boxes::BBox;

/// A mask as COCO's runs: column by column, lengths of runs that are outside and inside in turns. The first run is outside, and
/// has length 0 where the upper left pixel is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rle {
    height: usize,
    width: usize,
    counts: Vec<u32>,
}

pub(super) fn fits(height: usize, width: usize) -> Result<usize, MaskError> {
    let pixels = height.checked_mul(width).filter(|&pixels| pixels <= MAX_PIXELS);
    pixels.ok_or(MaskError::TooLarge { height, width })
}

impl Rle {
    /// Runs over a mask of `height` rows and `width` columns.
    ///
    /// # Errors
    /// [`MaskError::TooLarge`]; [`MaskError::Covered`] if the runs are not height · width pixels together.
    pub fn new(height: usize, width: usize, counts: Vec<u32>) -> Result<Self, MaskError> {
        let pixels = fits(height, width)?;
        let covered = counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        if covered != pixels as u64 {
            return Err(MaskError::Covered { covered, height, width });
        }
        Ok(Self { height, width, counts })
    }

    /// A mask without a pixel inside.
    ///
    /// # Errors
    /// [`MaskError::TooLarge`].
    pub fn empty(height: usize, width: usize) -> Result<Self, MaskError> {
        let pixels = fits(height, width)?;
        Ok(Self { height, width, counts: if pixels == 0 { Vec::new() } else { vec![pixels as u32] } })
    }

    /// The runs of pixels that lie row by row; whatever is not 0 is inside, so that a mask of 0 and 255 is as good as one of 0
    /// and 1.
    ///
    /// # Errors
    /// [`MaskError::TooLarge`]; [`MaskError::Pixels`] if there are not height · width.
    pub fn encode(height: usize, width: usize, pixels: &[u8]) -> Result<Self, MaskError> {
        if fits(height, width)? != pixels.len() {
            return Err(MaskError::Pixels { found: pixels.len(), height, width });
        }
        let columns = (0..width).flat_map(|x| (0..height).map(move |y| y * width + x));
        let (mut counts, mut inside, mut run) = (Vec::new(), false, 0);
        for at in columns {
            if (pixels[at] != 0) != inside {
                counts.push(run);
                (inside, run) = (!inside, 0);
            }
            run += 1;
        }
        if run > 0 {
            counts.push(run);
        }
        Ok(Self { height, width, counts })
    }

    /// The mask of runs that are inside, from their starts and ends in ascending order.
    pub(super) fn from_spans(height: usize, width: usize, spans: impl Iterator<Item = (u32, u32)>) -> Self {
        let (mut counts, mut at) = (Vec::new(), 0);
        for (start, end) in spans.filter(|(start, end)| start < end) {
            match counts.last_mut() {
                Some(last) if start == at => *last += end - start,
                _ => counts.extend([start - at, end - start]),
            }
            at = end;
        }
        let rest = (height * width) as u32 - at;
        if rest > 0 {
            counts.push(rest);
        }
        Self { height, width, counts }
    }

    /// The pixels row by row, 1 inside and 0 outside.
    #[must_use]
    pub fn decode(&self) -> Vec<u8> {
        let mut pixels = vec![0; self.height * self.width];
        for (start, end) in self.spans() {
            for at in start as usize..end as usize {
                pixels[at % self.height * self.width + at / self.height] = 1;
            }
        }
        pixels
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The lengths of the runs.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The runs that are inside, as start and end column by column; those of length 0 are left out.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let ends = self.counts.iter().scan(0, |end, &count| {
            let start = *end;
            *end += count;
            Some((start, *end))
        });
        ends.skip(1).step_by(2).filter(|(start, end)| start < end)
    }

    /// The pixels inside.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.counts.iter().skip(1).step_by(2).map(|&count| u64::from(count)).sum()
    }

    /// The smallest box around what is inside; of an empty mask `[0, 0, 0, 0]`.
    #[must_use]
    pub fn bbox(&self) -> BBox {
        let height = self.height as u32;
        let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
        for (start, end) in self.spans() {
            let (first, last) = (start / height, (end - 1) / height);
            let (up, down) =
                if first == last { (start % height, (end - 1) % height + 1) } else { (0, height) };
            (left, right) = (left.min(first), right.max(last + 1));
            (top, bottom) = (top.min(up), bottom.max(down));
        }
        if right == 0 {
            return BBox::default();
        }
        BBox::from_edges([left, top, right, bottom].map(f64::from))
    }
}
