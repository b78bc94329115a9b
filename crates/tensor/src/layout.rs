//! The two ways in which a tensor lies in memory.

/// How the logical axes lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    /// The last axis is the fastest (C order).
    #[default]
    RowMajor,
    /// A 4-D tensor N C H W lies as N H W C: a pixel's channels are neighbours.
    ChannelsLast,
}

impl Layout {
    /// The strides of the logical axes, in elements.
    pub fn strides(self, shape: &[usize]) -> Vec<isize> {
        match (self, shape) {
            (Self::ChannelsLast, &[_, c, h, w]) => [h * w * c, 1, w * c, c].map(|s| s as isize).to_vec(),
            _ => {
                let mut strides = vec![1; shape.len()];
                for axis in (1..shape.len()).rev() {
                    strides[axis - 1] = strides[axis] * shape[axis] as isize;
                }
                strides
            }
        }
    }

    /// The logical axes from the slowest in memory to the fastest.
    pub fn memory_order(self, rank: usize) -> Vec<usize> {
        match (self, rank) {
            (Self::ChannelsLast, 4) => vec![0, 2, 3, 1],
            _ => (0..rank).collect(),
        }
    }

    /// Whether both layouts are the same bytes for this shape.
    pub(crate) fn coincide(shape: &[usize]) -> bool {
        match *shape {
            [_, c, h, w] => c == 1 || h * w == 1 || shape.contains(&0),
            _ => true,
        }
    }
}
