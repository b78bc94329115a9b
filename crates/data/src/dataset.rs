//! Labelled images, wherever they live.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::DataError;

/// A set of labelled images of one shape, read by index, from several threads at once.
///
/// Pixels are `u8`, channels first: C×H×W, row-major.
pub trait ImageDataset: Send + Sync {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape (C, H, W) of every image.
    fn image_shape(&self) -> [usize; 3];

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
}

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

/// Some samples of another dataset, in a chosen order.
#[derive(Clone)]
pub struct Subset {
    inner: Arc<dyn ImageDataset>,
    indices: Vec<usize>,
}

impl Subset {
    /// The samples of `inner` at `indices`; an index may come more than once.
    ///
    /// # Errors
    /// [`DataError::IndexOutOfRange`] for the first index that `inner` does not have.
    pub fn new(inner: Arc<dyn ImageDataset>, indices: Vec<usize>) -> Result<Self, DataError> {
        let len = inner.len();
        match indices.iter().find(|&&index| index >= len) {
            Some(&index) => Err(DataError::IndexOutOfRange { index, len }),
            None => Ok(Self { inner, indices }),
        }
    }

    /// The first `count` samples of `inner`, or all when it has fewer.
    #[must_use]
    pub fn first(inner: Arc<dyn ImageDataset>, count: usize) -> Self {
        let indices = (0..count.min(inner.len())).collect();
        Self { inner, indices }
    }

    fn resolve(&self, index: usize) -> Result<usize, DataError> {
        self.indices.get(index).copied().ok_or(DataError::IndexOutOfRange { index, len: self.indices.len() })
    }
}

impl ImageDataset for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn image_shape(&self) -> [usize; 3] {
        self.inner.image_shape()
    }

    fn class_names(&self) -> &[String] {
        self.inner.class_names()
    }

    fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        self.inner.image(self.resolve(index)?)
    }

    fn label(&self, index: usize) -> Result<u32, DataError> {
        self.inner.label(self.resolve(index)?)
    }
}
