//! The image loader as a source.

use tilewright_data::DataLoader;
use tilewright_nn::{HostTensor, INPUT};

use crate::{error::Result, source::Batch, source::Batches, source::Source};

/// The name of the only target of images: the number of each one's class, the classes that it is of, or its mask.
pub const TARGET: &str = "target";

/// The batches of a [`DataLoader`]: images as the input `input`, N C H W, and as the target `target` class numbers, N; where
/// a sample may be of several classes, 1 or 0 for each, N × classes in f32; where samples have masks, these, N H W.
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
            let whole = |values: Vec<i32>| values.into_iter().map(i64::from).collect::<Vec<_>>();
            let target = if !batch.masks.is_empty() {
                let [_, _, height, width] = batch.shape;
                HostTensor::I64(whole(batch.masks), vec![count, height, width])
            } else if !batch.marks.is_empty() {
                let classes = batch.marks.len() / count.max(1);
                HostTensor::F32(batch.marks, vec![count, classes])
            } else {
                HostTensor::I64(whole(batch.labels), vec![count])
            };
            let images = HostTensor::F32(batch.images, batch.shape.to_vec());
            Ok(Batch::new(count).input(INPUT, images).target(TARGET, target))
        });
        Ok(Box::new(batches))
    }
}
