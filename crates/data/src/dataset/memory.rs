//! Images in memory.

use std::borrow::Cow;

use super::images::ImageDataset;
use crate::error::DataError;

/// A dataset whose pixels are all in memory, N×C×H×W.
#[derive(Debug, Clone)]
pub struct InMemoryDataset {
    shape: [usize; 3],
    image_bytes: usize,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    class_names: Vec<String>,
}

impl InMemoryDataset {
    /// Takes the pixels of N images of `shape` (C, H, W), and their N labels.
    ///
    /// # Errors
    /// [`DataError::Empty`] when there is no image or a dimension is zero, [`DataError::PixelCount`] when the pixels
    /// are no whole number of images, [`DataError::CountMismatch`], and [`DataError::LabelOutOfRange`] for the first
    /// label that names no class.
    pub fn new(
        shape: [usize; 3],
        pixels: Vec<u8>,
        labels: Vec<u8>,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let image_bytes = shape.iter().try_fold(1usize, |product, &d| product.checked_mul(d)).unwrap_or(0);
        if image_bytes == 0 || pixels.is_empty() {
            let [c, h, w] = shape;
            let images = pixels.len().checked_div(image_bytes).unwrap_or(0);
            return Err(DataError::Empty { what: "the dataset".into(), dims: vec![images, c, h, w] });
        }
        if !pixels.len().is_multiple_of(image_bytes) {
            return Err(DataError::PixelCount { bytes: pixels.len(), shape });
        }
        let images = pixels.len() / image_bytes;
        if images != labels.len() {
            return Err(DataError::CountMismatch { images, labels: labels.len() });
        }
        let classes = class_names.len();
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(DataError::LabelOutOfRange { index, value: u64::from(labels[index]), classes });
        }
        Ok(Self { shape, image_bytes, pixels, labels, class_names })
    }

    /// The same with other names for the classes, as many as they are.
    ///
    /// # Errors
    /// [`DataError::LabelOutOfRange`] for the first label that names no class.
    pub fn with_class_names(self, class_names: Vec<String>) -> Result<Self, DataError> {
        Self::new(self.shape, self.pixels, self.labels, class_names)
    }

    /// The labels, one per image.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

impl ImageDataset for InMemoryDataset {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn image_shape(&self) -> [usize; 3] {
        self.shape
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let start = index.checked_mul(self.image_bytes);
        start
            .and_then(|start| self.pixels.get(start..start.checked_add(self.image_bytes)?))
            .map(Cow::Borrowed)
            .ok_or(DataError::IndexOutOfRange { index, len: self.len() })
    }

    fn label(&self, index: usize) -> Result<u32, DataError> {
        let label = self.labels.get(index).ok_or(DataError::IndexOutOfRange { index, len: self.len() })?;
        Ok(u32::from(*label))
    }
}
