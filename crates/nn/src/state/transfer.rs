//! A network from another one's file, but for its head.

use std::{borrow::Cow, fmt};

use super::{host_tensor::HostTensor, load, report::LoadReport, source::StateSource, source::Unwrapped};
use crate::{error::Result, store::ParameterStore};

/// Whether a path is of the head.
type Head<'a> = dyn Fn(&str) -> bool + Send + Sync + 'a;

/// What [`load_but_head`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferReport {
    /// Names that were loaded.
    pub loaded: Vec<String>,
    /// The head's names in the network, which keep their first values.
    pub fresh: Vec<String>,
    /// The head's names in the file, which were left out.
    pub left_out: Vec<String>,
}

impl fmt::Display for TransferReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        write!(
            f,
            "{} tensors loaded; new: {}; left out of the file: {}",
            self.loaded.len(),
            list(&self.fresh),
            list(&self.left_out)
        )
    }
}

/// Loads into `store` what `source` has, but for the names of the head: those keep their first values, whatever the file
/// has under them. `head` is asked of the network's names and of the file's.
///
/// # Errors
/// [`crate::Error::StateDict`] if something that is not of the head is missing, unexpected or misshaped: then nothing is
/// loaded. What the source and the device report.
pub fn load_but_head(
    source: &dyn StateSource,
    store: &ParameterStore,
    head: &Head<'_>,
) -> Result<TransferReport> {
    let source = Unwrapped::new(source);
    let left_out = source.names().into_iter().filter(|name| head(name)).map(str::to_owned).collect();
    let rest = Without { source: &source, head };
    let LoadReport { loaded, missing, unexpected, misshaped, .. } = load::report(&rest, store);
    let (fresh, missing) = missing.into_iter().partition(|name| head(name));
    let faults = LoadReport { loaded, missing, unexpected, misshaped, stripped: String::new() };
    faults.require_clean(&source.label())?;
    let loaded = load::matching(&rest, store)?.loaded;
    Ok(TransferReport { loaded, fresh, left_out })
}

/// A source without the names of the head.
struct Without<'a, S> {
    source: &'a S,
    head: &'a Head<'a>,
}

impl<S: StateSource> Without<'_, S> {
    fn has(&self, name: &str) -> bool {
        !(self.head)(name)
    }
}

impl<S: StateSource> StateSource for Without<'_, S> {
    fn label(&self) -> String {
        self.source.label()
    }

    fn names(&self) -> Vec<&str> {
        self.source.names().into_iter().filter(|name| self.has(name)).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.source.shape(name).filter(|_| self.has(name))
    }

    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>> {
        if self.has(name) { self.source.tensor(name) } else { Ok(None) }
    }
}
