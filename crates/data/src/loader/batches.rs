//! The batches of an epoch.

use std::sync::Arc;

use super::{
    plan::{Batch, Plan},
    prefetch::Prefetcher,
};
use crate::DataError;

/// The batches of one epoch, in order. After an error it ends.
///
/// Dropping it early tells the threads to stop, and waits for the batches in the making.
pub struct Batches {
    pub(super) plan: Arc<Plan>,
    pub(super) next: usize,
    pub(super) prefetcher: Option<Prefetcher>,
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
