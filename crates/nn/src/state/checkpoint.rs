//! Everything that a run needs to go on as if it had never stopped.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{load, source::Prefixed};
use crate::{
    error::Error, error::Result, optim::Ema, optim::Optimizer, state::state_dict::StateDict,
    store::ParameterStore,
};

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// What is trained and how, in the caller's own words; a resumed run must have the same.
    pub run: String,
    /// The seed of initialisation, shuffling, augmentation and dropout.
    pub seed: u64,
    /// Whole epochs done.
    pub epoch: u64,
    /// Batches done in the epoch that has begun.
    pub batch: u64,
    /// Steps done in all: the schedule and the random streams go by it.
    pub step: u64,
    /// Numbers of the epoch that has begun (sums of losses, counts), in the caller's order.
    pub running: Vec<f64>,
    /// Seconds of training so far.
    pub seconds: f64,
    /// The scale of the loss, in mixed precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<LossScale>,
}

/// Where the scaling of the loss stands in mixed precision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    /// What the loss is multiplied by.
    pub scale: f32,
    /// Good steps since the scale changed.
    pub good: u64,
    /// Steps that were left out so far.
    pub skipped: u64,
}

/// Weights, the optimizer's state and the run's state in one safetensors file.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Tensors: `model.<path>`, `optimizer.<path>.<name>`, and `ema.<path>` where weights are averaged.
    pub tensors: StateDict,
    /// Where the run stands.
    pub state: TrainingState,
}

const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";
const EMA: &str = "ema.";

impl Checkpoint {
    /// Reads everything back from the device.
    ///
    /// # Errors
    /// What the device reports.
    pub fn capture(store: &ParameterStore, optimizer: &dyn Optimizer, state: TrainingState) -> Result<Self> {
        let mut tensors = StateDict::default();
        for (name, value) in StateDict::of(store)?.tensors {
            tensors.tensors.insert(format!("{MODEL}{name}"), value);
        }
        for (name, value) in optimizer.state()?.tensors {
            tensors.tensors.insert(format!("{OPTIMIZER}{name}"), value);
        }
        Ok(Self { tensors, state })
    }

    /// With the averages of `ema` as well.
    ///
    /// # Errors
    /// What the device reports.
    pub fn with_ema(mut self, ema: &Ema) -> Result<Self> {
        let averages = ema.state()?.tensors.into_iter();
        self.tensors.tensors.extend(averages.map(|(name, value)| (format!("{EMA}{name}"), value)));
        Ok(self)
    }

    /// Puts the averages back.
    ///
    /// # Errors
    /// [`Error::StateDict`] if they are another network's or not there; then `ema` has not changed.
    pub fn restore_ema(&self, ema: &mut Ema, path: &Path) -> Result<()> {
        ema.load_state(&self.part(EMA), &path.display().to_string())
    }

    /// The tensors whose names begin with `prefix`, without it.
    fn part(&self, prefix: &str) -> StateDict {
        let named = self.tensors.tensors.iter();
        let part = named.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)));
        let tensors = part.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        StateDict { tensors, metadata: None }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let metadata = serde_json::to_string(&self.state).map_err(|error| Error::file(path, error.into()))?;
        self.tensors.write_with(path, Some(&metadata))
    }

    /// Reads a file that [`Self::write`] made.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Format`]; [`Error::Resume`] for a file of weights alone.
    pub fn read(path: &Path) -> Result<Self> {
        let resume = |reason| Error::Resume { path: path.display().to_string(), reason };
        let mut tensors = StateDict::read(path)?;
        let metadata = tensors
            .metadata
            .take()
            .ok_or_else(|| resume("it holds weights only, no training state".to_owned()))?;
        let state = serde_json::from_str(&metadata).map_err(|error| resume(error.to_string()))?;
        Ok(Self { tensors, state })
    }

    /// Puts weights and optimizer state back; `run` must be the run's description.
    ///
    /// # Errors
    /// [`Error::Resume`] if it is another run's, [`Error::StateDict`] if the tensors do not fit.
    pub fn restore(
        &self,
        store: &ParameterStore,
        optimizer: &mut dyn Optimizer,
        run: &str,
        path: &Path,
    ) -> Result<()> {
        if self.state.run != run {
            let reason = format!("it was made by `{}` and this run is `{run}`", self.state.run);
            return Err(Error::Resume { path: path.display().to_string(), reason });
        }
        let file = path.display().to_string();
        let model = Prefixed::new(&self.tensors, MODEL);
        load::report(&model, store).require_clean(&file)?;
        // The weights last, as they are known to fit: it is all or nothing.
        optimizer.load_state(&self.part(OPTIMIZER), &file)?;
        load::matching(&model, store).map(|_| ())
    }
}
