//! How a run is trained, and how it ended.

use std::path::PathBuf;

use tilewright_nn::{
    Freezing,
    optim::{Clip, EmaOptions},
};

use crate::{error::Error, error::Result, scaler::LossScaling};

/// How a run is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What is trained and how, in the program's own words: a checkpoint is resumed by a run with the same words only.
    pub run: String,
    /// The seed of dropout; the source and the parameters have seeds of their own.
    pub seed: u64,
    /// Passes over the training samples.
    pub epochs: u64,
    /// Steps whose losses wait on the device before they are read: reading waits for the device.
    pub read_every: usize,
    /// Where the checkpoint goes, at the end of each epoch and when the run is stopped; nowhere if there is none.
    pub checkpoint: Option<PathBuf>,
    /// Also a checkpoint whenever the run has done a multiple of so many steps, for long epochs.
    pub checkpoint_every: Option<u64>,
    /// Epochs from one evaluation to the next; the last epoch is always evaluated.
    pub evaluate_every: u64,
    /// Batches whose gradients are added up for one step, each by its share of the samples: the step of one batch of them
    /// all, but for batch normalisation, which sees each batch alone. The last step of an epoch may have fewer.
    pub accumulate: u64,
    /// What training does not change, and from which epoch on it does.
    pub freezing: Freezing,
    /// How gradients are clipped, after they were added up and divided by the scale of the loss.
    pub clip: Option<Clip>,
    /// A running mean of the weights, which is updated after every step and evaluated in their place.
    pub ema: Option<EmaOptions>,
    /// Mixed precision: layers store what they read as f16 ([`tilewright_nn::Pass::with_half_storage`]), parameters and the
    /// optimizer's state stay f32, and the loss is scaled. None is f32 throughout.
    pub half: Option<LossScaling>,
    /// Save the inputs of the network's blocks alone, and compute the blocks anew on the way back
    /// ([`tilewright_nn::Pass::with_checkpointing`]): less memory, about a third more time, the same bits.
    pub checkpoint_activations: bool,
    /// Look at every result and every gradient of each step: the first NaN or infinity ends the run, and the error names the
    /// operation that made it ([`tilewright_autograd::detect_anomaly`]). Slow: for looking for a fault.
    pub detect_anomaly: bool,
}

impl Default for Options {
    /// One epoch in f32, losses read every 20 steps, no checkpoint, a step for each batch, nothing frozen.
    fn default() -> Self {
        Self {
            run: String::new(),
            seed: 0,
            epochs: 1,
            read_every: 20,
            checkpoint: None,
            checkpoint_every: None,
            evaluate_every: 1,
            accumulate: 1,
            freezing: Freezing::new(),
            clip: None,
            ema: None,
            half: None,
            checkpoint_activations: false,
            detect_anomaly: false,
        }
    }
}

impl Options {
    /// What cannot be 0, and the loss scaling.
    pub(crate) fn check(&self) -> Result<()> {
        for (option, zero) in [
            ("epochs", self.epochs == 0),
            ("read_every", self.read_every == 0),
            ("checkpoint_every", self.checkpoint_every == Some(0)),
            ("evaluate_every", self.evaluate_every == 0),
            ("accumulate", self.accumulate == 0),
        ] {
            if zero {
                return Err(Error::Option { option, reason: "it must be at least 1".to_owned() });
            }
        }
        self.clip.map_or(Ok(()), |clip| clip.check())?;
        self.half.map_or(Ok(()), |half| half.check())
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// A callback stopped it; the checkpoint goes on from there.
    Stopped,
}
