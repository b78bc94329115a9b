//! What the program does while a network is trained: the bar, the words, the metrics, the wish to stop.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tilewright_train::{Callback, EpochRecord, Flow, MetricsFile, Progress, Reading, Result, Scores};

use super::{report::accuracy, say::say};
use crate::interrupt::Interrupt;

/// Watches a run.
pub struct Watch {
    metrics: MetricsFile,
    interrupt: Interrupt,
    bar: ProgressBar,
}

impl Watch {
    /// Listens for Ctrl-C from now on.
    pub fn new(metrics: MetricsFile) -> Self {
        Self { metrics, interrupt: Interrupt::listen(), bar: ProgressBar::hidden() }
    }

    /// Whether the user wants to stop.
    pub fn interrupted(&self) -> bool {
        self.interrupt.requested()
    }

    /// Leaves the bar as it is.
    pub fn abandon(&self) {
        self.bar.abandon();
    }
}

impl Callback for Watch {
    fn epoch_begin(&mut self, progress: &Progress) -> Result<()> {
        let style = ProgressStyle::with_template("epoch {prefix} [{bar:30}] {pos}/{len} {msg}  {eta} left")
            .map(|style| style.progress_chars("=> "))
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(progress.batches), ProgressDrawTarget::stderr());
        self.bar = bar.with_style(style).with_prefix(format!("{}/{}", progress.epoch + 1, progress.epochs));
        self.bar.set_position(progress.batch);
        Ok(())
    }

    fn step_end(&mut self, _: &Progress) -> Result<Flow> {
        Ok(if self.interrupt.requested() { Flow::Stop } else { Flow::Continue })
    }

    fn reading(&mut self, progress: &Progress, reading: &Reading) -> Result<Flow> {
        let Reading { loss, samples_per_second: rate } = reading;
        self.bar.set_position(progress.batch);
        self.bar.set_message(format!("loss {loss:.4}  {rate:.0} images/s"));
        if progress.batch == progress.batches {
            self.bar.finish_and_clear();
        }
        Ok(Flow::Continue)
    }

    fn epoch_end(&mut self, records: &[EpochRecord]) -> Result<Flow> {
        if let Some(record) = records.last() {
            let accuracy = |scores: &Scores| 100.0 * accuracy(scores);
            let test = record.test.as_ref().map(|test| format!("  test accuracy {:.2} %", accuracy(test)));
            say!(
                "epoch {:>2}  loss {:.4}  training accuracy {:.2} %{}  {:.0} images/s",
                record.epoch,
                record.train.loss,
                accuracy(&record.train),
                test.unwrap_or_default(),
                record.samples_per_second
            );
        }
        self.metrics.write_epochs(records)?;
        Ok(Flow::Continue)
    }
}
