//! Batch normalisation kernels over a matrix `[pixels, C]` with the channels fastest.

mod backward;
mod normalise;
mod statistics;

pub use backward::{Fused, Grads, batch_norm_backward};
pub use normalise::batch_norm_normalise;
pub use statistics::{Running, Statistics, batch_norm_statistics};

use tilewright_runtime::{Buffer, Result};

use crate::{share::MOST_ROWS, to_u32};

pub(crate) fn params() -> Vec<crate::ParamsLayout> {
    [statistics::LAYOUTS, normalise::LAYOUTS, backward::LAYOUTS].concat()
}

/// What normalises a channel, both `[C]`.
#[derive(Clone, Copy, Debug)]
pub enum Spread<'a> {
    /// 1 / √(variance + eps), as training keeps it.
    InvStd(&'a Buffer),
    /// The variance, to which eps is added.
    Variance(&'a Buffer, f32),
}

impl<'a> Spread<'a> {
    /// The buffer, eps, and whether the kernel takes the root.
    fn parts(self) -> (&'a Buffer, f32, bool) {
        match self {
            Self::InvStd(buffer) => (buffer, 0.0, false),
            Self::Variance(buffer, eps) => (buffer, eps, true),
        }
    }
}

/// A matrix `[pixels, C]` cut into rows of lcm(C, 4) elements, which are whole vec4s whatever C is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rows {
    /// Elements.
    count: u32,
    /// vec4s, the last of which may be cut short.
    vectors: u32,
    channels: u32,
    /// vec4s in a row.
    step: u32,
    /// Rows, the last of which may be cut short.
    rows: u32,
    /// Rows that are not.
    whole_rows: u32,
}

impl Rows {
    fn new(op: &str, pixels: usize, channels: usize) -> Result<Self> {
        let count = pixels.saturating_mul(channels);
        // An empty matrix has rows of no length: any number does for the step.
        let width = lcm4(channels).max(4);
        // Kernels number elements behind the end of the last row too.
        to_u32(op, count.saturating_add(width.saturating_mul(MOST_ROWS as usize)))?;
        Ok(Self {
            count: to_u32(op, count)?,
            vectors: to_u32(op, count.div_ceil(4))?,
            channels: to_u32(op, channels)?,
            step: to_u32(op, width / 4)?,
            rows: to_u32(op, count.div_ceil(width))?,
            whole_rows: to_u32(op, count / width)?,
        })
    }

    /// Rows of a chunk, and chunks: about `threads` threads where there are rows enough to share, and no chunk so short that finishing its sums costs more than making them.
    fn chunks(&self, threads: u32) -> (u32, u32) {
        const SHORTEST: u32 = 32;
        const LONGEST: u32 = 4096;
        let wanted = threads.div_ceil(self.step).min(self.rows.div_ceil(SHORTEST)).max(1);
        let chunk = self.rows.div_ceil(wanted).clamp(1, LONGEST);
        (chunk, self.rows.div_ceil(chunk))
    }

    /// How many rows `[C]` lie in one row of lcm(C, 4) elements.
    fn per_row(&self) -> usize {
        (4 * self.step / self.channels.max(1)) as usize
    }
}

/// The least common multiple with 4.
fn lcm4(channels: usize) -> usize {
    match channels % 4 {
        0 => channels,
        2 => channels.saturating_mul(2),
        _ => channels.saturating_mul(4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole_vectors() {
        for (pixels, channels, step, rows, whole) in [
            (10, 8, 2, 10, 10),
            (10, 6, 3, 5, 5),
            (9, 6, 3, 5, 4),
            (9, 3, 3, 3, 2),
            (9, 1, 1, 3, 2),
            (0, 4, 1, 0, 0),
            (5, 0, 1, 0, 0),
        ] {
            let found = Rows::new("op", pixels, channels).expect("fits");
            assert_eq!(
                (found.step, found.rows, found.whole_rows),
                (step, rows, whole),
                "{pixels} × {channels}"
            );
        }
        assert!(Rows::new("op", 1 << 31, 2).is_err());
    }

    #[test]
    fn chunks_cover_the_rows_and_are_many() {
        for (pixels, channels) in [(1, 4), (49, 512), (802_816, 16), (802_816, 64), (32, 4096), (1 << 24, 1)]
        {
            let rows = Rows::new("op", pixels, channels).expect("fits");
            let (chunk, chunks) = rows.chunks(8192);
            assert!(chunk * chunks >= rows.rows && chunk * (chunks - 1) < rows.rows);
            assert!(chunk <= 4096);
            assert!(chunks == 1 || chunk >= 16, "{pixels} × {channels}: {chunk}");
        }
        let (_, chunks) = Rows::new("op", 802_816, 16).expect("fits").chunks(8192);
        assert!(chunks * 4 > 8000, "few channels must not mean few threads: {chunks}");
    }
}
