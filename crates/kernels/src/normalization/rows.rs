//! A matrix of pixels by channels, cut into rows for the kernels that walk down its columns.

use tilewright_runtime::Result;
use tilewright_shaders::Specialisation;

use crate::base::{
    coarsening::{Coarsening, MOST_ROWS},
    numbers::{WORKGROUP, to_u32},
};

/// A matrix `[pixels, C]` cut into rows of lcm(C, 4) elements, which are whole vec4s whatever C is, or of more pixels where
/// that makes whole turns of a subgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Elements.
    pub count: u32,
    /// vec4s, the last of which may be cut short.
    pub vectors: u32,
    pub channels: u32,
    /// vec4s in a row.
    pub step: u32,
    /// Rows, the last of which may be cut short.
    pub rows: u32,
    /// Rows that are not.
    pub whole_rows: u32,
    /// vec4 columns of a thread, and how far apart they lie.
    pub columns: u32,
    pub lanes: u32,
    /// What channels have is loaded in a loop, for a short program.
    pub compact: bool,
}

impl Rows {
    pub fn new(op: &str, pixels: usize, channels: usize, coarsening: Coarsening) -> Result<Self> {
        let count = pixels.saturating_mul(channels);
        // An empty matrix has rows of no length: any number does for the step.
        let width = coarsening.whole_turns(lcm4(channels).max(4));
        // Kernels number elements behind the end of the last row too.
        to_u32(op, count.saturating_add(width.saturating_mul(MOST_ROWS as usize)))?;
        let step = to_u32(op, width / 4)?;
        Ok(Self {
            count: to_u32(op, count)?,
            vectors: to_u32(op, count.div_ceil(4))?,
            channels: to_u32(op, channels)?,
            step,
            rows: to_u32(op, count.div_ceil(width))?,
            whole_rows: to_u32(op, count / width)?,
            columns: coarsening.kept_columns(step),
            lanes: coarsening.lanes,
            compact: coarsening.blocked(),
        })
    }

    /// Threads that `bands` of rows take.
    pub fn threads(&self, op: &str, bands: u32) -> Result<u32> {
        to_u32(op, bands as usize * (self.step / self.columns) as usize)
    }

    /// The constants of a kernel that walks down the columns.
    pub fn constants(&self, kernel: Specialisation) -> Specialisation {
        kernel
            .with_u32("WORKGROUP", WORKGROUP)
            .with_u32("LANES", self.lanes)
            .with_u32("COLUMNS", self.columns)
    }

    /// The same of one that also loads what each channel has.
    pub fn channel_constants(&self, kernel: Specialisation) -> Specialisation {
        self.constants(kernel).with_u32("COMPACT", self.compact.into())
    }

    /// Rows of a chunk, and chunks: about `threads` threads where there are rows enough to share, and no chunk so short that
    /// finishing its sums costs more than making them.
    pub fn chunks(&self, threads: u32) -> (u32, u32) {
        const SHORTEST: u32 = 32;
        const LONGEST: u32 = 4096;
        let wanted = threads.div_ceil(self.step / self.columns).min(self.rows.div_ceil(SHORTEST)).max(1);
        let chunk = self.rows.div_ceil(wanted).clamp(1, LONGEST);
        (chunk, self.rows.div_ceil(chunk))
    }

    /// How many rows `[C]` lie in one row of this matrix.
    pub fn per_row(&self) -> usize {
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

    const GPU: Coarsening = Coarsening::GPU;

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
            let found = Rows::new("op", pixels, channels, GPU).expect("fits");
            assert_eq!(
                (found.step, found.rows, found.whole_rows),
                (step, rows, whole),
                "{pixels} × {channels}"
            );
        }
        assert!(Rows::new("op", 1 << 31, 2, GPU).is_err());
    }

    #[test]
    fn on_a_cpu_rows_are_turns_of_a_subgroup() {
        for (channels, step, columns) in [
            (1, 8, 1),
            (3, 24, 3),
            (16, 16, 2),
            (20, 5, 1),
            (24, 24, 3),
            (32, 16, 2),
            (64, 16, 2),
            (512, 128, 2),
            (36, 9, 1),
        ] {
            let found = Rows::new("op", 1000, channels, Coarsening::software(8)).expect("fits");
            assert_eq!((found.step, found.columns), (step, columns), "{channels}");
            assert!((4 * found.step).is_multiple_of(found.channels));
        }
    }

    #[test]
    fn chunks_cover_the_rows_and_are_many() {
        for (pixels, channels) in [(1, 4), (49, 512), (802_816, 16), (802_816, 64), (32, 4096), (1 << 24, 1)]
        {
            for coarsening in [GPU, Coarsening::software(8)] {
                let rows = Rows::new("op", pixels, channels, coarsening).expect("fits");
                let (chunk, chunks) = rows.chunks(8192);
                assert!(chunk * chunks >= rows.rows && chunk * (chunks - 1) < rows.rows);
                assert!(chunk <= 4096);
                assert!(chunks == 1 || chunk >= 16, "{pixels} × {channels}: {chunk}");
            }
        }
        let (_, chunks) = Rows::new("op", 802_816, 16, GPU).expect("fits").chunks(8192);
        assert!(chunks * 4 > 8000, "few channels must not mean few threads: {chunks}");
    }
}
