//! A batch, and how one is made: on any thread.

use std::sync::Arc;

use crate::{DataError, ImageDataset, SampleRng, Transform};

/// Samples to be worked on together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The pixels, N·C·H·W of them, row-major.
    pub images: Vec<f32>,
    /// The labels, N of them.
    pub labels: Vec<i32>,
    /// Shape (N, C, H, W).
    pub shape: [usize; 4],
    /// Where a sample may be of several classes, N × classes: 1 for those that it is of, else 0. Empty elsewhere.
    pub marks: Vec<f32>,
    /// Where samples have masks, N×H×W: the class of each pixel. Empty elsewhere.
    pub masks: Vec<i32>,
    /// Which samples of the dataset these are, N of them.
    pub indices: Vec<usize>,
}

/// What batches are made of.
pub(super) struct Source {
    pub(super) dataset: Arc<dyn ImageDataset>,
    pub(super) transform: Arc<dyn Transform>,
    pub(super) output_shape: [usize; 3],
    pub(super) seed: u64,
}

/// One epoch, laid out: enough to make any of its batches on any thread.
pub(super) struct Plan {
    pub(super) source: Arc<Source>,
    pub(super) order: Vec<usize>,
    pub(super) epoch: u64,
    pub(super) batch_size: usize,
    pub(super) total: usize,
}

impl Plan {
    /// Makes batch number `index`.
    pub(super) fn batch(&self, index: usize) -> Result<Batch, DataError> {
        let Source { dataset, transform, output_shape, seed } = &*self.source;
        let start = index * self.batch_size;
        let indices = &self.order[start..self.order.len().min(start + self.batch_size)];
        let [c, h, w] = *output_shape;
        let mut images = Vec::with_capacity(indices.len() * c * h * w);
        let mut labels = Vec::with_capacity(indices.len());
        let (mut marks, mut masks) = (Vec::new(), Vec::new());
        for &index in indices {
            let mut image = dataset.sample(index)?;
            transform.apply(&mut image, &mut SampleRng::new(*seed, self.epoch, index as u64))?;
            if image.shape != *output_shape || image.pixels.len() != c * h * w {
                return Err(DataError::ShapeMismatch { index, found: image.shape, expected: *output_shape });
            }
            images.extend_from_slice(&image.pixels);
            marks.extend_from_slice(&dataset.marks(index)?.unwrap_or_default());
            match image.mask {
                Some(mask) if mask.len() == h * w => masks.extend(mask),
                None if !dataset.has_masks() => {}
                _ => return Err(DataError::MaskLost { index }),
            }
            let label = dataset.label(index)?;
            let classes = dataset.class_names().len();
            let in_range = i32::try_from(label).ok().filter(|_| (label as usize) < classes);
            labels.push(in_range.ok_or(DataError::LabelOutOfRange {
                index,
                value: u64::from(label),
                classes,
            })?);
        }
        let shape = [indices.len(), c, h, w];
        Ok(Batch { images, labels, marks, masks, shape, indices: indices.to_vec() })
    }
}
