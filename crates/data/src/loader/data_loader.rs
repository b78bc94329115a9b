//! From a dataset to the batches of an epoch.

use std::sync::Arc;

use super::{
    batches::Batches,
    plan::{Plan, Source},
    prefetch::Prefetcher,
};
use crate::{DataError, ImageDataset, Sampler, Transform};

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
        // Pictures of other proportions, and of other sizes.
        let others = [[c, 2 * h + 1, w], [c, h, 2 * w + 1], [c, 2 * h + 1, 2 * w + 1]];
        if !dataset.one_size()
            && others.iter().any(|&other| transform.output_shape(other).ok() != Some(output_shape))
        {
            let reason = "pictures differ in size, and batches need one: resize them, crop the middle or a random part";
            return invalid("transform", reason.into());
        }
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
