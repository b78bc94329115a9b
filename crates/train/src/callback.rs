//! What a program does while a network is trained.

use std::path::Path;

use crate::{error::Result, record::EpochRecord};

/// Whether training goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// It goes on.
    #[default]
    Continue,
    /// It stops behind this step or epoch, with a checkpoint.
    Stop,
}

impl Flow {
    /// Stops if either stops.
    pub fn or(self, other: Self) -> Self {
        if self == Self::Stop { self } else { other }
    }
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch that has begun, from 0.
    pub epoch: u64,
    /// Epochs in all.
    pub epochs: u64,
    /// Batches done in this epoch.
    pub batch: u64,
    /// Batches in an epoch.
    pub batches: u64,
    /// Steps done in all.
    pub step: u64,
    /// The learning rate of the last step; of the next one where none was done.
    pub lr: f32,
}

/// What the loop read of the device, every so many steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The mean loss of the steps since the reading before.
    pub loss: f64,
    /// Samples a second in this epoch.
    pub samples_per_second: f64,
}

/// A program's part in training. Every method does nothing unless it is written; an error ends the run.
pub trait Callback {
    /// An epoch begins, or goes on where a resumed run stopped.
    ///
    /// # Errors
    /// What the program cannot do; [`Error::program`](crate::Error::program) takes any error.
    fn epoch_begin(&mut self, progress: &Progress) -> Result<()> {
        let _ = progress;
        Ok(())
    }

    /// A step was recorded; its numbers may still be in the making on the device.
    ///
    /// # Errors
    /// As [`Self::epoch_begin`].
    fn step_end(&mut self, progress: &Progress) -> Result<Flow> {
        let _ = progress;
        Ok(Flow::Continue)
    }

    /// The losses of some steps were read.
    ///
    /// # Errors
    /// As [`Self::epoch_begin`].
    fn reading(&mut self, progress: &Progress, reading: &Reading) -> Result<Flow> {
        let _ = (progress, reading);
        Ok(Flow::Continue)
    }

    /// An epoch has ended and was evaluated; its checkpoint comes next. All records so far, this one the last.
    ///
    /// # Errors
    /// As [`Self::epoch_begin`].
    fn epoch_end(&mut self, records: &[EpochRecord]) -> Result<Flow> {
        let _ = records;
        Ok(Flow::Continue)
    }

    /// A checkpoint was written, whole.
    ///
    /// # Errors
    /// As [`Self::epoch_begin`].
    fn checkpoint_written(&mut self, path: &Path) -> Result<()> {
        let _ = path;
        Ok(())
    }
}

/// Nothing.
impl Callback for () {}

/// Stops when the loss of the evaluation has not fallen for some epochs.
#[derive(Clone, Copy, Debug)]
pub struct EarlyStopping {
    patience: usize,
}

impl EarlyStopping {
    /// Stops after `patience` epochs in a row without a new lowest loss.
    pub fn new(patience: usize) -> Self {
        Self { patience: patience.max(1) }
    }
}

impl Callback for EarlyStopping {
    fn epoch_end(&mut self, records: &[EpochRecord]) -> Result<Flow> {
        // From the records, so that a resumed run knows what came before. Where some epochs were evaluated, those count: what
        // lies between says nothing of them.
        let evaluated = records.iter().any(|record| record.test.is_some());
        let losses = records.iter().map(|record| match &record.test {
            Some(test) => test.loss,
            None if evaluated => f64::INFINITY,
            None => record.train.loss,
        });
        if evaluated && records.last().is_some_and(|record| record.test.is_none()) {
            return Ok(Flow::Continue);
        }
        let best = losses.enumerate().fold(
            (0, f64::INFINITY),
            |best, (at, loss)| {
                if loss < best.1 { (at, loss) } else { best }
            },
        );
        let since = records.len().saturating_sub(1) - best.0;
        Ok(if since >= self.patience { Flow::Stop } else { Flow::Continue })
    }
}
