//! What was found out about an adapter that it does not say itself, such as how quick its cooperative matrices are: the outcomes of
//! trials, as they are kept.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tilewright_runtime::{Context, Error, Result, write_whole};

use super::sources::source_hash;

/// The outcome of trying cooperative matrices, or products of four bytes, beside plain kernels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Trial {
    /// Right, with the milliseconds of the plain kernel and of the one that was tried.
    Right {
        /// Of the plain kernel.
        plain_ms: f64,
        /// Of the one that was tried.
        tried_ms: f64,
    },
    /// Not to be used, and why.
    Wrong(String),
}

impl Trial {
    /// Whether it is right and quicker, by more than times differ from run to run.
    pub fn pays(&self) -> bool {
        matches!(self, Self::Right { plain_ms, tried_ms } if *tried_ms < 0.9 * plain_ms)
    }
}

/// The uses of cooperative matrices, which are tried one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// f16 products.
    F16,
    /// f32 by matrices of f32, which are of 8 × 8.
    F32,
    /// f32 by matrices of f16, which are of 16 × 16.
    SplitF16,
}

impl Use {
    const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::SplitF16 => "split_f16",
        }
    }
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Cooperative matrices.
    Matrices(Use),
    /// Products of four bytes, beside the same in f32.
    Dot4,
}

impl From<Use> for Question {
    fn from(which: Use) -> Self {
        Self::Matrices(which)
    }
}

impl Question {
    const fn name(self) -> &'static str {
        match self {
            Self::Matrices(which) => which.name(),
            Self::Dot4 => "dot4",
        }
    }
}

/// The trials of a context; `None` before the file was looked at.
#[derive(Default)]
struct Trials(Mutex<Option<BTreeMap<String, Trial>>>);

/// What the cache folder keeps for an adapter and driver: `cooperative_ADAPTER_DRIVER.json`.
#[derive(Serialize, Deserialize)]
struct File {
    /// Another text of the kernels is another question.
    source: String,
    trials: BTreeMap<String, Trial>,
}

impl Trials {
    /// Runs `visit` on what is known, which is read from the file at the first call.
    fn with<T>(&self, context: &Context, visit: impl FnOnce(&mut BTreeMap<String, Trial>) -> T) -> T {
        // A panic while the lock is held leaves plain data behind.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visit(known.get_or_insert_with(|| {
            let bytes = context.cache_file(NAME).and_then(|file| fs::read(file).ok()).unwrap_or_default();
            let file = serde_json::from_slice::<File>(&bytes).ok();
            file.filter(|file| file.source == source_hash()).map(|file| file.trials).unwrap_or_default()
        }))
    }
}

const NAME: &str = "cooperative";

fn write(context: &Context, trials: BTreeMap<String, Trial>) -> Result<()> {
    let Some(path) = context.cache_file(NAME) else { return Ok(()) };
    let fault = |reason: String| Error::File { path: path.display().to_string(), reason };
    let file = File { source: source_hash().to_owned(), trials };
    let text = serde_json::to_vec_pretty(&file).map_err(|error| fault(error.to_string()))?;
    write_whole(&path, &text).map_err(|error| fault(error.to_string()))
}

/// What the trial of `which` said, if it has been run.
pub(crate) fn known(context: &Context, which: impl Into<Question>) -> Option<Trial> {
    let which = which.into();
    context.attached::<Trials>().with(context, |known| known.get(which.name()).cloned())
}

/// What the trials said: of f16 products, of f32 ones by matrices of f32, and of f32 ones by split halves. `None` where
/// they have not been run, or will not be.
pub fn trials(context: &Context) -> [Option<Trial>; 3] {
    [Use::F16, Use::F32, Use::SplitF16].map(|which| known(context, which))
}

/// Keeps the outcome of a trial: for this context, and where it has a cache folder for others.
pub(crate) fn keep(context: &Context, which: impl Into<Question>, trial: Trial) {
    let which = which.into();
    let all = context.attached::<Trials>().with(context, |known| {
        known.insert(which.name().to_owned(), trial);
        known.clone()
    });
    if let Err(error) = write(context, all) {
        tracing::warn!(%error, "the outcome of a trial holds for this run only");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_read_as_it_was_written() {
        let right = Trial::Right { plain_ms: 2.0, tried_ms: 0.5 };
        let wrong = Trial::Wrong("12 of\n1048576 elements".to_owned());
        for trial in [&right, &wrong] {
            let text = serde_json::to_string(trial).expect("is written");
            assert_eq!(serde_json::from_str::<Trial>(&text).expect("is read"), *trial);
        }
        assert!(right.pays() && !wrong.pays());
        assert!(!Trial::Right { plain_ms: 2.0, tried_ms: 1.9 }.pays());
    }
}
