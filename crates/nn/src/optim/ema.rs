//! Running means of a network's weights, which are better at evaluation than the weights themselves.

use std::{collections::BTreeMap, sync::Arc};

use tilewright_tensor::{Tensor, ops::optimizer::average_step};

use crate::{
    error::Error, error::Result, parameter::Entry, parameter::Parameter, state::host_tensor::HostTensor,
    state::report::LoadReport, state::report::Misshaped, state::state_dict::StateDict, store::ParameterStore,
};

const UPDATES: &str = "n_averaged";

/// How much of the average a step keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Averaging {
    /// An exponential mean: `decay · average + (1 − decay) · weight`, as timm's `ModelEma` and PyTorch's `get_ema_avg_fn`.
    Exponential {
        /// What is kept, such as 0.999.
        decay: f64,
        /// How the decay rises to that.
        warmup: Warmup,
    },
    /// The plain mean of all weights that were seen: stochastic weight averaging (Izmailov et al., arXiv 1803.05407), as
    /// `torch.optim.swa_utils.AveragedModel`.
    Equal,
}

/// How the decay of an exponential mean begins. The updates are counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Warmup {
    /// As it is.
    #[default]
    None,
    /// At most `(1 + n) / (10 + n)`: TensorFlow's `ExponentialMovingAverage` with `num_updates`.
    Ratio,
    /// At most `1 − (1 + n / gamma)^(−power)`: timm's `ModelEmaV3` with `gamma` 1 and `power` 2/3.
    Power {
        /// The scale of n.
        gamma: f64,
        /// The exponent.
        power: f64,
    },
}

/// What becomes of running statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Buffers {
    /// They are those of the network at the last update: PyTorch's `use_buffers=False`.
    #[default]
    Copied,
    /// They are averaged as weights are: `use_buffers=True`, and timm's way.
    Averaged,
}

/// The options of an [`Ema`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmaOptions {
    /// How much a step keeps.
    pub averaging: Averaging,
    /// What becomes of running statistics.
    pub buffers: Buffers,
}

impl EmaOptions {
    /// An exponential mean with this decay, without warm-up; running statistics are copied.
    pub fn decay(decay: f64) -> Self {
        let averaging = Averaging::Exponential { decay, warmup: Warmup::None };
        Self { averaging, buffers: Buffers::Copied }
    }

    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// [`Error::Option`] for a decay outside 0 ..= 1, or a warm-up that is not above 0.
    pub fn check(&self) -> Result<()> {
        let refuse = |option, value: f64, hint| {
            Err(Error::Option { layer: "EMA".to_owned(), option, value: value.to_string(), hint })
        };
        let Averaging::Exponential { decay, warmup } = self.averaging else { return Ok(()) };
        if !(0.0..=1.0).contains(&decay) {
            return refuse("decay", decay, "it must be between 0 and 1");
        }
        if let Warmup::Power { gamma, power } = warmup {
            for (option, value) in [("gamma", gamma), ("power", power)] {
                if !(value.is_finite() && value > 0.0) {
                    return refuse(option, value, "it must be finite and above 0");
                }
            }
        }
        Ok(())
    }

    /// What update `n`, counted from 0, keeps of the average.
    pub fn keep(&self, n: u64) -> f64 {
        let n = n as f64;
        match self.averaging {
            Averaging::Equal => n / (n + 1.0),
            Averaging::Exponential { decay, warmup } => match warmup {
                Warmup::None => decay,
                Warmup::Ratio => decay.min((1.0 + n) / (10.0 + n)),
                Warmup::Power { gamma, power } => decay.min(1.0 - (1.0 + n / gamma).powf(-power)),
            },
        }
    }
}

/// A running mean of each weight of a network. It begins with the weights as they are, is updated after each step of the
/// optimizer, and takes the place of the weights for evaluation.
///
/// ```
/// use tilewright_nn::{ParameterStore, layers::Linear, optim::{Ema, EmaOptions}};
/// # let context = tilewright_runtime::Context::new()?;
/// let store = ParameterStore::new(&context, 1);
/// let network = Linear::new(&(store.root() / "fc"), 3, 2)?;
/// let mut ema = Ema::new(&store, EmaOptions::decay(0.999))?;
/// // After each step of the optimizer:
/// ema.update()?;
/// // The network has the averages inside, and its own weights again behind:
/// let weights = ema.averaged(|| tilewright_nn::StateDict::of(&store))??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Ema {
    options: EmaOptions,
    averages: Vec<Average>,
    updates: u64,
}

struct Average {
    of: Arc<Parameter>,
    is_buffer: bool,
    value: Tensor,
}

impl Ema {
    /// Of all weights and running statistics of `store`, beginning with their values.
    ///
    /// # Errors
    /// Those of [`EmaOptions::check`]; what the device reports.
    pub fn new(store: &ParameterStore, options: EmaOptions) -> Result<Self> {
        options.check()?;
        let mut averages = Vec::new();
        for entry in store.entries() {
            let (of, is_buffer) = match entry {
                Entry::Parameter(of) => (of, false),
                Entry::Buffer(of) => (of, true),
                Entry::Counter(..) => continue,
            };
            let value = of.tensor()?.copy()?;
            averages.push(Average { of, is_buffer, value });
        }
        Ok(Self { options, averages, updates: 0 })
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Brings in the weights as they are now. Nothing waits for the device.
    ///
    /// # Errors
    /// What the device reports.
    pub fn update(&mut self) -> Result<()> {
        let keep = self.options.keep(self.updates);
        for average in &mut self.averages {
            let copied = average.is_buffer && self.options.buffers == Buffers::Copied;
            // Who took the average before keeps what they took.
            if !average.value.buffer().is_unique() {
                average.value = average.value.copy()?;
            }
            average_step(&average.value, &average.of.tensor()?, if copied { 0.0 } else { keep })?;
        }
        self.updates += 1;
        Ok(())
    }

    /// Runs `evaluate` while the network has the averages for weights. It has its own again afterwards, also if `evaluate`
    /// fails or panics.
    ///
    /// # Errors
    /// What the device reports.
    pub fn averaged<T>(&mut self, evaluate: impl FnOnce() -> T) -> Result<T> {
        let swapped = Swapped::new(self)?;
        let found = evaluate();
        drop(swapped);
        Ok(found)
    }

    /// The averages by the network's names, on the host: what is saved for use.
    ///
    /// # Errors
    /// What the device reports.
    pub fn state_dict(&self, store: &ParameterStore) -> Result<StateDict> {
        // Counters are the network's.
        let mut found = StateDict::of(store)?;
        found.tensors.extend(self.numbers()?);
        Ok(found)
    }

    fn numbers(&self) -> Result<BTreeMap<String, HostTensor>> {
        let mut tensors = BTreeMap::new();
        for Average { of, value, .. } in &self.averages {
            tensors.insert(of.path().to_owned(), HostTensor::F32(value.to_vec()?, of.shape().to_vec()));
        }
        Ok(tensors)
    }

    /// What must be kept for an exact resume.
    ///
    /// # Errors
    /// What the device reports.
    pub fn state(&self) -> Result<StateDict> {
        let mut tensors = self.numbers()?;
        let updates = i64::try_from(self.updates).unwrap_or(i64::MAX);
        tensors.insert(UPDATES.to_owned(), HostTensor::I64(vec![updates], vec![]));
        Ok(StateDict { tensors, metadata: None })
    }

    /// Puts back what [`Self::state`] gave; `file` names the source in errors.
    ///
    /// # Errors
    /// [`Error::StateDict`] if it is another network's; then nothing has changed.
    pub fn load_state(&mut self, state: &StateDict, file: &str) -> Result<()> {
        let mut report = LoadReport::default();
        let misshaped = |name: &str, found: &HostTensor, expected: &[usize]| Misshaped {
            name: name.to_owned(),
            found: found.shape().to_vec(),
            expected: expected.to_vec(),
        };
        let mut updates = 0;
        match state.tensors.get(UPDATES) {
            Some(HostTensor::I64(values, _)) if matches!(values[..], [n] if n >= 0) => {
                updates = values[0].unsigned_abs();
            }
            Some(other) => report.misshaped.push(misshaped(UPDATES, other, &[])),
            None => report.missing.push(UPDATES.to_owned()),
        }
        let mut values = Vec::with_capacity(self.averages.len());
        for Average { of, .. } in &self.averages {
            match state.tensors.get(of.path()) {
                Some(HostTensor::F32(numbers, shape)) if shape == of.shape() => {
                    values.push(Tensor::from_slice(of.context(), numbers, shape)?);
                }
                Some(other) => report.misshaped.push(misshaped(of.path(), other, of.shape())),
                None => report.missing.push(of.path().to_owned()),
            }
        }
        let known = |name: &str| name == UPDATES || self.averages.iter().any(|a| a.of.path() == name);
        report.unexpected = state.tensors.keys().filter(|name| !known(name)).cloned().collect();
        if !report.is_clean() {
            return Err(Error::StateDict { file: file.to_owned(), report: Box::new(report) });
        }
        for (average, value) in self.averages.iter_mut().zip(values) {
            average.value = value;
        }
        self.updates = updates;
        Ok(())
    }
}

/// The network has the averages, and they have its weights, until this is dropped.
struct Swapped<'a> {
    averages: &'a mut [Average],
    done: usize,
}

impl<'a> Swapped<'a> {
    fn new(ema: &'a mut Ema) -> Result<Self> {
        let mut swapped = Self { averages: &mut ema.averages, done: 0 };
        for at in 0..swapped.averages.len() {
            swapped.averages[at].swap()?;
            swapped.done = at + 1;
        }
        Ok(swapped)
    }
}

impl Drop for Swapped<'_> {
    fn drop(&mut self) {
        for average in &mut self.averages[..self.done] {
            // Both have the shape, type and context that the parameter took before: setting cannot fail.
            let _ = average.swap();
        }
    }
}

impl Average {
    fn swap(&mut self) -> Result<()> {
        let weight = self.of.tensor()?;
        self.of.set(std::mem::replace(&mut self.value, weight))
    }
}
