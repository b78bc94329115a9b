//! Which parameters training changes, epoch by epoch.

use std::fmt;

use crate::{error::Result, parameter::Entry, store::ParameterStore, transfer::pattern::PathPattern};

/// Which parameters stay as they are, and from which epoch on no longer.
///
/// What is frozen gets no gradient, and optimizers pass it over, weight decay included. Its batch normalisations keep their
/// running statistics and normalise by them, as in evaluation, unless [`Self::track_statistics`] asks for PyTorch's way, where
/// freezing parameters says nothing of statistics. All of it follows from the epoch alone, so that a resumed run
/// has what it would have had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freezing {
    frozen: Vec<PathPattern>,
    statistics: Vec<PathPattern>,
    unfrozen: Vec<(PathPattern, u64)>,
    track: bool,
}

/// What [`Freezing::apply`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    /// Numbers that training changes.
    pub trainable: usize,
    /// Numbers that stay as they are.
    pub frozen: usize,
    /// Running statistics that stay as they are, counted as tensors.
    pub statistics: usize,
}

impl Freezing {
    /// Nothing is frozen.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is frozen at any time.
    pub fn is_empty(&self) -> bool {
        self.frozen.is_empty() && self.statistics.is_empty()
    }

    /// Freezes what `pattern` takes.
    #[must_use]
    pub fn freeze(mut self, pattern: PathPattern) -> Self {
        self.frozen.push(pattern);
        self
    }

    /// Freezes the running statistics that `pattern` takes, and not the parameters.
    #[must_use]
    pub fn freeze_statistics(mut self, pattern: PathPattern) -> Self {
        self.statistics.push(pattern);
        self
    }

    /// Frees what `pattern` takes from `epoch` (from 0) on, parameters and statistics.
    #[must_use]
    pub fn unfreeze(mut self, pattern: PathPattern, epoch: u64) -> Self {
        self.unfrozen.push((pattern, epoch));
        self
    }

    /// Lets the statistics of what [`Self::freeze`] takes follow the batches.
    #[must_use]
    pub fn track_statistics(mut self, track: bool) -> Self {
        self.track = track;
        self
    }

    /// The epochs at whose beginning something is freed, sorted.
    pub fn epochs(&self) -> Vec<u64> {
        let mut epochs: Vec<u64> = self.unfrozen.iter().map(|&(_, epoch)| epoch).collect();
        epochs.sort_unstable();
        epochs.dedup();
        epochs
    }

    /// Whether every pattern takes something of the network.
    ///
    /// # Errors
    /// [`crate::Error::Pattern`] for the first that does not.
    pub fn check(&self, store: &ParameterStore) -> Result<()> {
        let entries = store.entries();
        let patterns = self.frozen.iter().chain(&self.statistics);
        for pattern in patterns.chain(self.unfrozen.iter().map(|(pattern, _)| pattern)) {
            pattern.require(entries.iter().map(Entry::path))?;
        }
        Ok(())
    }

    /// Says of every parameter of `store` whether training changes it in `epoch`, from 0. Does nothing where nothing is
    /// frozen at any time: what a program froze itself stays frozen.
    pub fn apply(&self, store: &ParameterStore, epoch: u64) -> Frozen {
        let mut found = Frozen::default();
        for entry in store.entries() {
            match &entry {
                Entry::Parameter(parameter) => {
                    if !self.is_empty() {
                        parameter.set_trainable(!self.takes(&self.frozen, parameter.path(), epoch));
                    }
                    let count =
                        if parameter.is_trainable() { &mut found.trainable } else { &mut found.frozen };
                    *count += parameter.count();
                }
                Entry::Buffer(buffer) => {
                    if !self.is_empty() {
                        let by_layer = !self.track && self.takes(&self.frozen, buffer.path(), epoch);
                        buffer.set_tracked(!(by_layer || self.takes(&self.statistics, buffer.path(), epoch)));
                    }
                    found.statistics += usize::from(!buffer.is_tracked());
                }
                Entry::Counter(..) => {}
            }
        }
        found
    }

    fn takes(&self, patterns: &[PathPattern], path: &str, epoch: u64) -> bool {
        let freed = |(pattern, from): &(PathPattern, u64)| *from <= epoch && pattern.matches(path);
        patterns.iter().any(|pattern| pattern.matches(path)) && !self.unfrozen.iter().any(freed)
    }
}

/// As a run's description has it.
impl fmt::Display for Freezing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |patterns: &[PathPattern]| patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        write!(f, "frozen [{}]", list(&self.frozen))?;
        if !self.statistics.is_empty() {
            write!(f, ", statistics [{}]", list(&self.statistics))?;
        }
        if self.track {
            f.write_str(", statistics tracked")?;
        }
        for (pattern, epoch) in &self.unfrozen {
            write!(f, ", {pattern} freed at {epoch}")?;
        }
        Ok(())
    }
}
