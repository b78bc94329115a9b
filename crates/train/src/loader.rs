//! The image loader as a source.

use tilewright_data::DataLoader;
use tilewright_nn::{HostTensor, INPUT};

use crate::{error::Result, source::Batch, source::Batches, source::Source};

/// The name of the only target of images: the number of each one's class.
pub const TARGET: &str = "target";

/// The batches of a [`DataLoader`]: images as the input `input`, N C H W, class numbers as the target `target`, N.
pub struct LoaderSource(pub DataLoader);

impl Source for LoaderSource {
    fn batches(&self) -> u64 {
        self.0.batches_per_epoch() as u64
    }

    fn samples(&self) -> u64 {
        self.0.samples_per_epoch() as u64
    }

    fn epoch(&self, epoch: u64, first: u64) -> Result<Batches<'_>> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let batches = self.0.epoch_from(epoch, first)?.map(|batch| {
            let batch = batch?;
            let count = batch.labels.len();
            let labels = batch.labels.into_iter().map(i64::from).collect();
            Ok(Batch::new(count)
                .input(INPUT, HostTensor::F32(batch.images, batch.shape.to_vec()))
                .target(TARGET, HostTensor::I64(labels, vec![count])))
        });
        Ok(Box::new(batches))
    }
}
