//! What can go wrong between a file and a batch, each saying what to do next.

use std::path::PathBuf;

use crate::picture::PictureError;

/// An error of this crate. Every variant about a file names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A picture could not be read or written.
    #[error(transparent)]
    Picture(#[from] PictureError),

    /// A data file is not where it was looked for.
    #[error(
        "{what} not found: looked for {names} in {dir}. Get the data with `apt-get install dataset-fashion-mnist`, or say where it is with `--data DIR`",
        names = .names.join(", "), dir = .dir.display()
    )]
    NotFound {
        /// What the file holds, as a person would say it.
        what: String,
        /// The directory that was searched.
        dir: PathBuf,
        /// The file names that would have been accepted.
        names: Vec<String>,
    },

    /// A file is there but could not be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// The gzip stream is damaged (bad header, bad checksum, cut trailer).
    #[error("{path} is a damaged gzip file ({source}); fetch it again", path = .path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: std::io::Error,
    },

    /// The first four bytes are not those of an IDX file of unsigned bytes with the wanted rank.
    #[error(
        "{path} is not an IDX file of {wanted_rank}-dimensional unsigned bytes: it starts with {found:02x?}, wanted [00, 00, 08, {wanted_rank:02x}]",
        path = .path.display()
    )]
    BadMagic {
        /// The file.
        path: PathBuf,
        /// The bytes found.
        found: [u8; 4],
        /// The number of dimensions that was asked for.
        wanted_rank: u8,
    },

    /// The file ends before the data its header announces.
    #[error(
        "{path} is cut short: expected {expected} bytes{dims}, found {found}; fetch it again",
        path = .path.display(), dims = dims_clause(.dims)
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes the header and its data should take, uncompressed.
        expected: u64,
        /// Bytes found, uncompressed.
        found: u64,
        /// The dimensions from the header; empty when the header itself is cut.
        dims: Vec<u32>,
    },

    /// The file goes on after the data its header announces.
    #[error(
        "{path} goes on after the {expected} bytes that its header {dims:?} announces: the header or the file is wrong",
        path = .path.display()
    )]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// Bytes the header and its data take, uncompressed.
        expected: u64,
        /// The dimensions from the header.
        dims: Vec<u32>,
    },

    /// The header announces more than this reader is willing to hold in memory.
    #[error(
        "{path} announces {dims:?} bytes of data, over this reader's limit of {limit} bytes: the header is damaged or the file is no image set",
        path = .path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The dimensions from the header.
        dims: Vec<u32>,
        /// The limit, [`crate::idx::MAX_DATA_BYTES`].
        limit: u64,
    },

    /// A file or dataset holds no image at all.
    #[error("{what} holds no images (dimensions {dims:?}); there is nothing to train on")]
    Empty {
        /// The file or dataset.
        what: String,
        /// Its dimensions.
        dims: Vec<usize>,
    },

    /// The number of images is not the number of labels.
    #[error("{images} images but {labels} labels: the two files do not belong together")]
    CountMismatch {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },

    /// A folder of classes has no sub-folder.
    #[error(
        "{folder} has no sub-folder: the pictures of each class are to lie in a folder of its name", folder = .folder.display()
    )]
    NoClasses {
        /// The folder.
        folder: PathBuf,
    },

    /// A sub-folder or a row is of a class that there is not.
    #[error("{place} is of the class `{class}`, and the classes are: {}", .classes.join(", "))]
    UnknownClass {
        /// The sub-folder.
        place: String,
        /// Its class.
        class: String,
        /// The classes that there are.
        classes: Vec<String>,
    },

    /// A folder has no picture.
    #[error(
        "{folder} has no picture: PNG, JPEG, BMP, TIFF, WebP and GIF are read", folder = .folder.display()
    )]
    NoPictures {
        /// The folder.
        folder: PathBuf,
    },

    /// A picture has no mask.
    #[error(
        "{picture} has no mask: a picture of the same name is wanted in {folder}",
        picture = .picture.display(), folder = .folder.display()
    )]
    MaskMissing {
        /// The picture.
        picture: PathBuf,
        /// Where its mask was looked for.
        folder: PathBuf,
    },

    /// A mask has another size than its picture.
    #[error(
        "{mask} has {}×{} pixels, and its picture {picture} has {}×{}: a mask needs the size of its picture",
        .mask_size[0], .mask_size[1], .picture_size[0], .picture_size[1],
        mask = .mask.display(), picture = .picture.display()
    )]
    MaskSize {
        /// The picture.
        picture: PathBuf,
        /// Its height and width.
        picture_size: [usize; 2],
        /// The mask.
        mask: PathBuf,
        /// Its height and width.
        mask_size: [usize; 2],
    },

    /// A mask has colours where numbers are wanted.
    #[error(
        "{mask} is a picture in colours ({channels} channels); a mask is grey, each number the class or object of its pixel",
        mask = .mask.display()
    )]
    MaskColours {
        /// The mask.
        mask: PathBuf,
        /// Its channels.
        channels: usize,
    },

    /// A mask has a number that is no class.
    #[error(
        "{mask} has {value} in row {row}, column {column}: there are {classes} classes, 0 to {}, and 255 is none; of a mask that numbers objects, say so with --masks instances",
        .classes.saturating_sub(1), mask = .mask.display()
    )]
    MaskValue {
        /// The mask.
        mask: PathBuf,
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The number.
        value: u32,
        /// The number of classes.
        classes: usize,
    },

    /// A table of labels cannot be used.
    #[error("{path}, line {line}: {reason}", path = .path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },

    /// A label names a class that does not exist.
    #[error("label {value} of sample {index} is out of range: there are {classes} classes, so labels go from 0 to {last}", last = .classes.saturating_sub(1))]
    LabelOutOfRange {
        /// The first sample whose label is bad.
        index: usize,
        /// Its label.
        value: u64,
        /// The number of classes.
        classes: usize,
    },

    /// The pixels do not fill a whole number of images.
    #[error("{bytes} bytes of pixels do not divide into images of {shape:?} (C, H, W)")]
    PixelCount {
        /// Bytes given.
        bytes: usize,
        /// Shape of one image (C, H, W).
        shape: [usize; 3],
    },

    /// A sample was asked for that does not exist.
    #[error("sample {index} is out of range: the dataset has {len}")]
    IndexOutOfRange {
        /// The index asked for.
        index: usize,
        /// The number of samples.
        len: usize,
    },

    /// A transform cannot work on an image of this shape.
    #[error("{transform}: {reason} (image {shape:?}, C×H×W)")]
    Transform {
        /// The transform's name.
        transform: &'static str,
        /// The shape of the image (C, H, W).
        shape: [usize; 3],
        /// What does not fit, and what would.
        reason: String,
    },

    /// A setting is out of its range.
    #[error("{setting}: {reason}")]
    InvalidOption {
        /// The setting's name.
        setting: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },

    /// Samples of one batch do not have one shape.
    #[error(
        "sample {index} has shape {found:?} (C×H×W) after the transforms but the batch holds {expected:?}"
    )]
    ShapeMismatch {
        /// The sample.
        index: usize,
        /// Its shape.
        found: [usize; 3],
        /// The shape that the batch was laid out for.
        expected: [usize; 3],
    },

    /// A transform has lost a mask, or left it in another size.
    #[error(
        "sample {index} came out of its transforms without a mask of its size; transforms move masks with their pixels"
    )]
    MaskLost {
        /// The sample.
        index: usize,
    },

    /// A loader thread panicked inside a dataset or a transform.
    #[error("a loader thread panicked while it made batch {batch}: {message}")]
    WorkerPanicked {
        /// The batch it was working on.
        batch: usize,
        /// The panic's message.
        message: String,
    },

    /// The operating system refused another thread.
    #[error("cannot start a loader thread: {source}; try fewer with `LoaderOptions::workers`")]
    Spawn {
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// `" for a header of [2, 28, 28]"`, or nothing while the header is not known.
fn dims_clause(dims: &[u32]) -> String {
    if dims.is_empty() { String::new() } else { format!(" for a header of {dims:?}") }
}
