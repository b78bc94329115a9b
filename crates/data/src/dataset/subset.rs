//! A part of a dataset.

use std::{borrow::Cow, sync::Arc};

use super::images::ImageDataset;
use crate::{error::DataError, transform::Image};

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

    fn one_size(&self) -> bool {
        self.inner.one_size()
    }

    fn sample(&self, index: usize) -> Result<Image, DataError> {
        self.inner.sample(self.resolve(index)?)
    }

    fn marks(&self, index: usize) -> Result<Option<Cow<'_, [f32]>>, DataError> {
        self.inner.marks(self.resolve(index)?)
    }

    fn has_masks(&self) -> bool {
        self.inner.has_masks()
    }
}
