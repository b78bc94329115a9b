//! Everything that a run needs to go on as if it had never stopped.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, ParameterStore, Result, StateDict, optim::Optimizer};

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
}

/// Weights, the optimizer's state and the run's state in one safetensors file.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Tensors: `model.<path>` and `optimizer.<path>.<name>`.
    pub tensors: StateDict,
    /// Where the run stands.
    pub state: TrainingState,
}

const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";

impl Checkpoint {
    /// Reads everything back from the device.
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

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let metadata = serde_json::to_string(&self.state).map_err(|error| Error::file(path, error.into()))?;
        StateDict { metadata: Some(metadata), ..self.tensors.clone() }.write(path)
    }

    /// Reads a file that [`Self::write`] made.
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
        let part = |prefix: &str| {
            let named = self.tensors.tensors.iter();
            let tensors =
                named.filter_map(|(n, v)| Some((n.strip_prefix(prefix)?.to_owned(), v.clone()))).collect();
            StateDict { tensors, metadata: None }
        };
        let file = path.display().to_string();
        let model = part(MODEL);
        let report = model.report(store);
        if !report.is_clean() {
            return Err(Error::StateDict { file, report: Box::new(report) });
        }
        // The weights last, as they are known to fit: it is all or nothing.
        optimizer.load_state(&part(OPTIMIZER), &file)?;
        model.load_into(store, &file).map(|_| ())
    }
}
