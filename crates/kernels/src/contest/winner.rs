//! What a context has measured so far, and whether it may measure more.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tilewright_runtime::{Context, Mode, Result, Tuning};

use super::{
    run::Verdict,
    table::{Entry, Table},
};

/// What a context knows of measured choices.
#[derive(Default)]
struct Tuner(Mutex<State>);

#[derive(Default)]
struct State {
    table: Option<Table>,
    /// Keys that are being measured right now: whoever asks meanwhile gets the table's choice.
    busy: HashSet<String>,
}

impl Tuner {
    /// A panic while the lock is held leaves plain data behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn table(&mut self, context: &Context) -> &mut Table {
        self.table.get_or_insert_with(|| Table::read(context.cache_file("tuning").as_deref()))
    }
}

/// The measured winner for `key`, if the context's [`Tuning`] allows to look, or to measure by `measure`.
///
/// What goes wrong while measuring is no fault of the operation that is about to run: it is reported by `tracing`, and
/// the table's choice runs.
pub(crate) fn winner(
    context: &Context,
    key: &str,
    measure: impl FnOnce() -> Result<Option<Verdict>>,
) -> Option<String> {
    let tuning = context.tuning();
    // Times in checked mode say nothing about the fast one.
    if tuning == Tuning::Off || context.mode() == Mode::Checked {
        return None;
    }
    // What is quickest among exact algorithms is remembered by itself.
    let key = &if context.is_exact() { format!("{key}, exact") } else { key.to_owned() };
    let tuner = context.attached::<Tuner>();
    {
        let mut state = tuner.lock();
        if let Some(entry) = state.table(context).get(key) {
            return entry.winner.clone();
        }
        if tuning == Tuning::Cached || !state.busy.insert(key.clone()) {
            return None;
        }
    }
    // Not under the lock: a candidate may itself choose among products of matrices.
    let outcome = measure();
    let mut state = tuner.lock();
    state.busy.remove(key);
    match outcome {
        Ok(Some(verdict)) => {
            for (name, reason) in &verdict.rejected {
                tracing::warn!(key, candidate = name, reason, "thrown out by the tuner");
            }
            let entry = verdict.entry();
            tracing::info!(key, winner = ?entry.winner, "measured");
            let winner = entry.winner.clone();
            if let Err(error) = state.table(context).insert(key, entry) {
                tracing::warn!(%error, "the measured choice holds for this run only");
            }
            winner
        }
        Ok(None) => None,
        Err(error) => {
            tracing::warn!(key, %error, "could not measure; the table chooses");
            None
        }
    }
}

/// Everything that is remembered for this context's adapter, driver and kernels, by key.
pub fn remembered(context: &Context) -> Vec<(String, Entry)> {
    let tuner = context.attached::<Tuner>();
    let mut state = tuner.lock();
    state.table(context).entries().map(|(key, entry)| (key.clone(), entry.clone())).collect()
}

/// Forgets what was measured for this adapter with this driver, on disk too.
///
/// # Errors
/// [`tilewright_runtime::Error::File`] if the file cannot be written.
pub fn forget(context: &Context) -> Result<()> {
    let tuner = context.attached::<Tuner>();
    let mut state = tuner.lock();
    state.table(context).clear()
}
