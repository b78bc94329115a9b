//! Training: the loop, and what a program puts in and gets out.
//!
//! A [`Trainer`] takes batches from a [`Source`] (a program's own data, or the image loader by [`LoaderSource`]), the loss
//! from a [`Task`] ([`Classification`] and [`Segmentation`] are two), and tells [`Callback`]s what happens, which may stop it. It keeps
//! checkpoints, from which a run goes on to the same bits, and a record of every epoch, which [`MetricsFile`] writes.

mod auxiliary;
mod callback;
mod classification;
mod confusion;
mod error;
mod evaluate;
mod loader;
mod multi_label;
mod options;
mod record;
mod scaler;
mod segmentation;
mod source;
mod step;
mod task;
mod trainer;

pub use callback::{Callback, EarlyStopping, Flow, Progress, Reading};
pub use classification::{Answers, Classification};
pub use confusion::{ClassScore, Confusion};
pub use error::{Error, Result};
pub use evaluate::evaluate;
pub use loader::{LoaderSource, TARGET};
pub use multi_label::MultiLabel;
pub use options::{Options, Outcome};
pub use record::{EpochRecord, MetricsFile, Scores};
pub use scaler::LossScaling;
pub use segmentation::Segmentation;
pub use source::{Batch, Batches, Source};
pub use step::Step;
pub use task::{Sums, Task};
pub use tilewright_autograd::Var;
pub use trainer::Trainer;
