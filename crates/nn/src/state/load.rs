//! Loading what a source holds into a network that exists.

use std::{collections::HashSet, sync::atomic::Ordering};

use tilewright_tensor::Tensor;

use super::{report::LoadReport, report::Misshaped, source::StateSource, source::Unwrapped};
use crate::{error::Error, error::Result, parameter::Entry, store::ParameterStore};

impl dyn StateSource + '_ {
    /// How this fits the network. A missing counter is no fault: other writers leave them out.
    pub fn report(&self, store: &ParameterStore) -> LoadReport {
        report(self, store)
    }
}

impl LoadReport {
    /// Itself, if every name fits.
    ///
    /// # Errors
    /// [`Error::StateDict`], which names `file`.
    pub fn require_clean(self, file: &str) -> Result<Self> {
        if self.is_clean() {
            return Ok(self);
        }
        Err(Error::StateDict { file: file.to_owned(), report: Box::new(self) })
    }
}

/// How `source` fits the network. A missing counter is no fault: other writers leave them out.
pub(super) fn report(source: &(impl StateSource + ?Sized), store: &ParameterStore) -> LoadReport {
    let source = &Unwrapped::new(source);
    let mut report = LoadReport::default();
    let entries = store.entries();
    for entry in &entries {
        let expected = match entry {
            Entry::Parameter(parameter) | Entry::Buffer(parameter) => parameter.shape(),
            Entry::Counter(..) => &[],
        };
        let name = entry.path().to_owned();
        match source.shape(&name) {
            // PyTorch's is a scalar, and some exporters write one of an axis.
            Some([1]) if matches!(entry, Entry::Counter(..)) => report.loaded.push(name),
            None if matches!(entry, Entry::Counter(..)) => {}
            None => report.missing.push(name),
            Some(shape) if shape == expected => report.loaded.push(name),
            Some(shape) => {
                let (found, expected) = (shape.to_vec(), expected.to_vec());
                report.misshaped.push(Misshaped { name, found, expected });
            }
        }
    }
    let known: HashSet<_> = entries.iter().map(Entry::path).collect();
    let prefix = source.stripped();
    // A network may have a part that is called as a wrapper is.
    let own = !prefix.is_empty() && known.iter().any(|name| name.starts_with(prefix));
    let names =
        source.names().into_iter().map(|name| if own { format!("{prefix}{name}") } else { name.to_owned() });
    report.unexpected = names.filter(|name| !known.contains(&**name)).collect();
    if !own {
        report.stripped = prefix.to_owned();
    }
    report
}

/// Loads every name into the network, or, if one does not fit, nothing.
pub(super) fn all(source: &dyn StateSource, store: &ParameterStore, label: &str) -> Result<LoadReport> {
    let report = report(source, store).require_clean(label)?;
    matching(source, store)?;
    Ok(report)
}

/// Loads the names that fit, and reports the others.
pub(super) fn matching(source: &dyn StateSource, store: &ParameterStore) -> Result<LoadReport> {
    let report = report(source, store);
    let source = Unwrapped::new(source);
    let fitting: HashSet<_> = report.loaded.iter().map(String::as_str).collect();
    for entry in store.entries() {
        if !fitting.contains(entry.path()) {
            continue;
        }
        let Some(found) = source.tensor(entry.path())? else { continue };
        match &entry {
            Entry::Parameter(parameter) | Entry::Buffer(parameter) => {
                parameter.set(Tensor::from_slice(store.context(), &found.to_f32(), found.shape())?)?;
            }
            Entry::Counter(_, counter) => counter.store(found.first_i64(), Ordering::Relaxed),
        }
    }
    Ok(report)
}
