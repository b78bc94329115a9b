//! Batches, made ahead of need on threads, in an order that does not depend on the threads.

mod prefetch;

use std::sync::Arc;

use crate::{
    dataset::ImageDataset, error::DataError, random::SampleRng, sampler::Sampler, transform::Image,
    transform::Transform,
};
use prefetch::Prefetcher;

/// Samples to be worked on together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The pixels, N·C·H·W of them, row-major.
    pub images: Vec<f32>,
    /// The labels, N of them.
    pub labels: Vec<i32>,
    /// Shape (N, C, H, W).
    pub shape: [usize; 4],
    /// Which samples of the dataset these are, N of them.
    pub indices: Vec<usize>,
}

/// How a [`DataLoader`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Samples per batch.
    pub batch_size: usize,
    /// Leave out a last batch that would be smaller than the others.
    pub drop_last: bool,
    /// The order of each epoch.
    pub sampler: Sampler,
    /// The seed of the augmentation.
    pub seed: u64,
    /// Threads that make batches ahead of need; 0 makes each one on the calling thread, when it is asked for.
    pub workers: usize,
    /// The most batches that are ready or in the making at once; at least one per worker is sensible.
    pub prefetch: usize,
}

impl Default for LoaderOptions {
    /// 64 samples, in sequence, nothing left out, one thread, four batches ahead.
    fn default() -> Self {
        Self {
            batch_size: 64,
            drop_last: false,
            sampler: Sampler::Sequential,
            seed: 0,
            workers: 1,
            prefetch: 4,
        }
    }
}

/// Turns a dataset into batches, epoch by epoch.
pub struct DataLoader {
    source: Arc<Source>,
    options: LoaderOptions,
}

impl DataLoader {
    /// Batches of `dataset`, each image passed through `transform`.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] for a batch size or a queue of zero, or when no batch would come of it;
    /// [`DataError::Empty`]; [`DataError::Transform`] when the transform cannot work on the dataset's images.
    pub fn new(
        dataset: Arc<dyn ImageDataset>,
        transform: Arc<dyn Transform>,
        options: LoaderOptions,
    ) -> Result<Self, DataError> {
        let invalid = |setting, reason: String| Err(DataError::InvalidOption { setting, reason });
        if options.batch_size == 0 {
            return invalid("batch_size", "must be at least 1".into());
        }
        if options.prefetch == 0 && options.workers > 0 {
            return invalid("prefetch", "must be at least 1 where there are workers".into());
        }
        let (len, [c, h, w]) = (dataset.len(), dataset.image_shape());
        if len == 0 {
            return Err(DataError::Empty { what: "the dataset".into(), dims: vec![len, c, h, w] });
        }
        if options.drop_last && options.batch_size > len {
            let reason = format!(
                "drops the only batch: {len} samples do not fill a batch of {}; use a smaller batch or keep the last",
                options.batch_size
            );
            return invalid("drop_last", reason);
        }
        let output_shape = transform.output_shape([c, h, w])?;
        Ok(Self {
            source: Arc::new(Source { dataset, transform, output_shape, seed: options.seed }),
            options,
        })
    }

    /// Number of batches in an epoch.
    #[must_use]
    pub fn batches_per_epoch(&self) -> usize {
        let (len, size) = (self.source.dataset.len(), self.options.batch_size);
        if self.options.drop_last { len / size } else { len.div_ceil(size) }
    }

    /// Number of samples in an epoch: those of the dataset, less what `drop_last` leaves out.
    #[must_use]
    pub fn samples_per_epoch(&self) -> usize {
        self.source.dataset.len().min(self.batches_per_epoch() * self.options.batch_size)
    }

    /// The dataset.
    #[must_use]
    pub fn dataset(&self) -> &Arc<dyn ImageDataset> {
        &self.source.dataset
    }

    /// All batches of an epoch.
    ///
    /// # Errors
    /// [`DataError::Spawn`] when the operating system refuses a thread.
    pub fn epoch(&self, epoch: u64) -> Result<Batches, DataError> {
        self.epoch_from(epoch, 0)
    }

    /// The batches of an epoch from batch `first` on, the same ones that [`DataLoader::epoch`] would give there: so a
    /// run that was stopped after `first` batches goes on exactly. `first` may be the number of batches: nothing is left.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] when the epoch has fewer batches; [`DataError::Spawn`].
    pub fn epoch_from(&self, epoch: u64, first: usize) -> Result<Batches, DataError> {
        let total = self.batches_per_epoch();
        if first > total {
            let reason = format!("batch {first} is beyond the epoch's {total} batches");
            return Err(DataError::InvalidOption { setting: "epoch_from", reason });
        }
        let plan = Arc::new(Plan {
            source: Arc::clone(&self.source),
            order: self.options.sampler.order(self.source.dataset.len(), epoch),
            epoch,
            batch_size: self.options.batch_size,
            total,
        });
        let workers = self.options.workers.min(total - first);
        let prefetcher = match workers {
            0 => None,
            _ => Some(Prefetcher::start(&plan, first, workers, self.options.prefetch)?),
        };
        Ok(Batches { plan, next: first, prefetcher })
    }
}

/// What batches are made of.
struct Source {
    dataset: Arc<dyn ImageDataset>,
    transform: Arc<dyn Transform>,
    output_shape: [usize; 3],
    seed: u64,
}

/// One epoch, laid out: enough to make any of its batches on any thread.
struct Plan {
    source: Arc<Source>,
    order: Vec<usize>,
    epoch: u64,
    batch_size: usize,
    total: usize,
}

impl Plan {
    /// Makes batch number `index`.
    fn batch(&self, index: usize) -> Result<Batch, DataError> {
        let Source { dataset, transform, output_shape, seed } = &*self.source;
        let start = index * self.batch_size;
        let indices = &self.order[start..self.order.len().min(start + self.batch_size)];
        let [c, h, w] = *output_shape;
        let mut images = Vec::with_capacity(indices.len() * c * h * w);
        let mut labels = Vec::with_capacity(indices.len());
        for &index in indices {
            let mut image = Image::from_bytes(dataset.image_shape(), &dataset.image(index)?)?;
            transform.apply(&mut image, &mut SampleRng::new(*seed, self.epoch, index as u64))?;
            if image.shape != *output_shape || image.pixels.len() != c * h * w {
                return Err(DataError::ShapeMismatch { index, found: image.shape, expected: *output_shape });
            }
            images.extend_from_slice(&image.pixels);
            let label = dataset.label(index)?;
            let classes = dataset.class_names().len();
            let in_range = i32::try_from(label).ok().filter(|_| (label as usize) < classes);
            labels.push(in_range.ok_or(DataError::LabelOutOfRange {
                index,
                value: u64::from(label),
                classes,
            })?);
        }
        Ok(Batch { images, labels, shape: [indices.len(), c, h, w], indices: indices.to_vec() })
    }
}

/// The batches of one epoch, in order. After an error it ends.
///
/// Dropping it early tells the threads to stop, and waits for the batches in the making.
pub struct Batches {
    plan: Arc<Plan>,
    next: usize,
    prefetcher: Option<Prefetcher>,
}

impl Batches {
    /// The number, within the epoch, of the batch that comes next.
    #[must_use]
    pub fn position(&self) -> usize {
        self.next
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.plan.total {
            return None;
        }
        let batch = match &mut self.prefetcher {
            Some(prefetcher) => prefetcher.take(self.next),
            None => self.plan.batch(self.next),
        };
        match &batch {
            Ok(_) => self.next += 1,
            Err(_) => {
                self.next = self.plan.total;
                self.prefetcher = None;
            }
        }
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error ends the epoch early, but it too is an item.
        (usize::from(self.next < self.plan.total), Some(self.plan.total - self.next))
    }
}

impl std::iter::FusedIterator for Batches {}
