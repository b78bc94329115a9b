//! Labelled images, wherever they live.

use std::borrow::Cow;

use crate::{error::DataError, transform::Image};

/// A set of labelled images, read by index, from several threads at once.
///
/// Pixels are `u8`, channels first: C×H×W, row-major.
pub trait ImageDataset: Send + Sync {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape (C, H, W) of every image; of the first one where they differ.
    fn image_shape(&self) -> [usize; 3];

    /// Whether all images have [`Self::image_shape`]. Where they do not, transforms bring them to one size, and
    /// [`Self::sample`] says what each one has.
    fn one_size(&self) -> bool {
        true
    }

    /// The classes' names, in the order of their labels.
    fn class_names(&self) -> &[String];

    /// The pixels of one image, C·H·W of them.
    ///
    /// # Errors
    /// [`DataError::IndexOutOfRange`]; a dataset that reads from disk may fail in other ways.
    fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError>;

    /// The label of one image, below the number of classes.
    ///
    /// # Errors
    /// [`DataError::IndexOutOfRange`].
    fn label(&self, index: usize) -> Result<u32, DataError>;

    /// One image with its shape, scaled to 0…1, and its mask if there are masks.
    ///
    /// # Errors
    /// As [`Self::image`].
    fn sample(&self, index: usize) -> Result<Image, DataError> {
        Image::from_bytes(self.image_shape(), &self.image(index)?)
    }

    /// Where a sample may be of several classes: 1 for each that it is of, else 0, a number for each class.
    ///
    /// # Errors
    /// [`DataError::IndexOutOfRange`].
    fn marks(&self, index: usize) -> Result<Option<Cow<'_, [f32]>>, DataError> {
        let _ = index;
        Ok(None)
    }

    /// Whether samples have masks: the class of each pixel.
    fn has_masks(&self) -> bool {
        false
    }
}
