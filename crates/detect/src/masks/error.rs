//! What is wrong with a mask.

/// The most pixels of a mask: a file of a few bytes may announce any size.
pub const MAX_PIXELS: usize = 1 << 30;

/// Why runs, pixels or a polygon make no mask.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MaskError {
    /// The picture of the mask is too large.
    #[error(
        "a mask of {height}×{width} is over the limit of {MAX_PIXELS} pixels; cut the picture into tiles"
    )]
    TooLarge {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },

    /// The runs do not fill the mask.
    #[error(
        "the runs cover {covered} pixels and the mask has {height}×{width}; all are wanted, `counts` and `size` do not belong together"
    )]
    Covered {
        /// The sum of the runs.
        covered: u64,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },

    /// The string of compressed runs is none.
    #[error(
        "the compressed runs are wrong at byte {at}: {reason}; they are COCO's string, of the characters `0` to `o`"
    )]
    Compressed {
        /// The byte, from 0.
        at: usize,
        /// What is wrong.
        reason: &'static str,
    },

    /// Pixels that make no mask of that size.
    #[error("{found} pixels do not make a mask of {height}×{width}")]
    Pixels {
        /// The pixels that there are.
        found: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },

    /// A polygon with half a point.
    #[error("a polygon of {found} numbers; x and y take turns, so that they are even in number")]
    Odd {
        /// The numbers that there are.
        found: usize,
    },

    /// A point that is nowhere.
    #[error("the coordinate {value} of a polygon is not within ±{limit}; coordinates are pixels")]
    Coordinate {
        /// The coordinate.
        value: f64,
        /// How far it may lie out.
        limit: f64,
    },

    /// Two masks of different pictures.
    #[error("a mask of {}×{} and one of {}×{}: both must be of one picture", .one[0], .one[1], .other[0], .other[1])]
    Sizes {
        /// Rows and columns of the first.
        one: [usize; 2],
        /// Rows and columns of the second.
        other: [usize; 2],
    },
}
