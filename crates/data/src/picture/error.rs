//! Why a picture could not be read or written.

use std::io;

/// Why a picture could not be read or written: which one, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {fault}")]
pub struct PictureError {
    /// The file, or `the picture` where it came from memory.
    pub name: String,
    /// What is wrong.
    #[source]
    pub fault: PictureFault,
}

impl PictureError {
    /// `fault` of a picture that has no name.
    pub(super) fn unnamed(fault: PictureFault) -> Self {
        Self { name: "the picture".to_owned(), fault }
    }
}

/// What is wrong with a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureFault {
    /// The file could not be read or written.
    #[error("{0}")]
    Io(io::Error),

    /// A folder was given where a picture is wanted.
    #[error("it is a folder, and a picture is wanted; name the files in it")]
    Folder,

    /// The bytes are none of the formats that are read.
    #[error("it is no picture that can be read ({hint}); PNG, JPEG, BMP, TIFF, WebP and GIF can be")]
    Unknown {
        /// What the bytes look like.
        hint: String,
    },

    /// The file ends before the picture does.
    #[error("the {format} is cut short after {bytes} bytes; fetch it again")]
    Truncated {
        /// Its format.
        format: &'static str,
        /// The bytes that there are.
        bytes: usize,
    },

    /// The decoder gave up.
    #[error("the {format} is damaged, or of a kind that is not read ({reason}); save it anew as PNG")]
    Damaged {
        /// Its format.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },

    /// There is not a single pixel.
    #[error("it has no pixels ({width}×{height})")]
    Empty {
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
    },

    /// The picture is beyond a limit.
    #[error("{what}, over the limit of {limit}; shrink it, or raise `picture::Limits`")]
    TooLarge {
        /// What is too large, with its size.
        what: String,
        /// The limit with its unit.
        limit: String,
    },

    /// Samples that are no unsigned numbers of 8 or 16 bits.
    #[error("its samples are {found}; 8 and 16 bits are read. Save it anew as PNG")]
    Samples {
        /// What they are.
        found: String,
    },

    /// The samples do not make a picture of that size.
    #[error("{found} samples do not make {width}×{height} pixels of {channels} channels (1 to 4)")]
    Count {
        /// The samples that there are.
        found: usize,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Channels.
        channels: usize,
    },
}
