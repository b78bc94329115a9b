//! The threads behind a loader: a bounded window of batches that slides along the epoch.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::plan::{Batch, Plan};
use crate::DataError;

/// Worker threads that make the batches `delivered..delivered + window`, each whichever is free next.
pub(super) struct Prefetcher {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// A batch became ready, or a place in the window free, or it is time to stop.
    changed: Condvar,
    window: usize,
    total: usize,
}

struct State {
    /// The next batch that no worker has begun.
    unclaimed: usize,
    /// The next batch to be handed out.
    delivered: usize,
    ready: BTreeMap<usize, Result<Batch, DataError>>,
    stop: bool,
}

impl Shared {
    /// A worker's panic is caught before it can poison the lock, and the state is a few plain numbers anyway.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as `condition` holds.
    fn wait<'a>(
        &self,
        guard: MutexGuard<'a, State>,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_while(guard, condition).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch for a worker to make, once there is room for it; `None` when there is no more to do.
    fn claim(&self) -> Option<usize> {
        let mut state = self.wait(self.lock(), |s| {
            !s.stop && s.unclaimed < self.total && s.unclaimed >= s.delivered.saturating_add(self.window)
        });
        if state.stop || state.unclaimed >= self.total {
            return None;
        }
        state.unclaimed += 1;
        Some(state.unclaimed - 1)
    }

    fn work(&self, plan: &Plan) {
        while let Some(index) = self.claim() {
            // A dataset or a transform may be anybody's code: its panic must reach the caller, not leave it waiting.
            let batch = catch_unwind(AssertUnwindSafe(|| plan.batch(index))).unwrap_or_else(|panic| {
                Err(DataError::WorkerPanicked { batch: index, message: panic_message(&*panic) })
            });
            self.lock().ready.insert(index, batch);
            self.changed.notify_all();
        }
    }
}

impl Prefetcher {
    pub(super) fn start(
        plan: &Arc<Plan>,
        first: usize,
        workers: usize,
        window: usize,
    ) -> Result<Self, DataError> {
        let state = State { unclaimed: first, delivered: first, ready: BTreeMap::new(), stop: false };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), window, total: plan.total });
        let mut prefetcher = Self { shared, threads: Vec::with_capacity(workers) };
        for worker in 0..workers {
            let (shared, plan) = (Arc::clone(&prefetcher.shared), Arc::clone(plan));
            let thread = std::thread::Builder::new()
                .name(format!("tilewright-loader-{worker}"))
                .spawn(move || shared.work(&plan))
                // Leaving here drops `prefetcher`, which stops the threads that did start.
                .map_err(|source| DataError::Spawn { source })?;
            prefetcher.threads.push(thread);
        }
        Ok(prefetcher)
    }

    /// Waits for batch `index`, which must be the one after the last one taken.
    pub(super) fn take(&mut self, index: usize) -> Result<Batch, DataError> {
        let mut state = self.shared.wait(self.shared.lock(), |s| !s.ready.contains_key(&index));
        state.delivered = index + 1;
        let batch = state.ready.remove(&index);
        drop(state);
        self.shared.changed.notify_all();
        batch.unwrap_or(Err(DataError::WorkerPanicked { batch: index, message: "the batch was lost".into() }))
    }
}

impl Drop for Prefetcher {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // Its panics are caught and reported as errors; there is nothing left for the handle to say.
            let _ = thread.join();
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}
