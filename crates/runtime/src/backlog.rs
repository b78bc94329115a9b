//! Kernels that have been asked for and that the driver has not compiled yet.

use std::sync::{Condvar, Mutex};

use crate::lock::lock;

/// Kernels that must wait before somebody else compiles them: fewer the queue has compiled before that has begun.
const BACKLOG: usize = 4;

/// A kernel whose pipeline was asked for.
pub(crate) struct Job {
    pub label: String,
    pub wgsl: String,
    pub shares_buffers: bool,
}

#[derive(Default)]
struct State {
    waiting: Vec<Job>,
    /// The backlog was reached since the queue was last known to be empty.
    awake: bool,
    /// There is nothing more to do.
    stop: bool,
    compiled: usize,
}

/// The kernels that wait.
#[derive(Default)]
pub(crate) struct Backlog {
    state: Mutex<State>,
    changed: Condvar,
}

impl Backlog {
    /// Notes that a kernel will be launched; whether so many wait that [`Self::next`] has something to give.
    pub fn push(&self, job: Job) -> bool {
        let mut state = lock(&self.state);
        if state.stop {
            return false;
        }
        state.waiting.push(job);
        state.awake |= state.waiting.len() >= BACKLOG;
        if state.awake {
            self.changed.notify_one();
        }
        state.awake
    }

    /// The newest of the kernels that wait: from the other end comes the queue. Waits for one; `None` after
    /// [`Self::stop`].
    pub fn next(&self) -> Option<Job> {
        let idle = |state: &mut State| !state.stop && (!state.awake || state.waiting.is_empty());
        let mut state =
            self.changed.wait_while(lock(&self.state), idle).unwrap_or_else(|poisoned| poisoned.into_inner());
        if state.stop { None } else { state.waiting.pop() }
    }

    /// Notes that the queue has launched all there was.
    pub fn settle(&self) {
        let mut state = lock(&self.state);
        state.waiting.clear();
        state.awake = false;
    }

    /// Takes no more kernels.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        state.stop = true;
        state.waiting.clear();
        self.changed.notify_one();
    }

    /// Notes that a kernel of [`Self::next`] is compiled, and says how many are.
    pub fn count_compiled(&self) -> usize {
        let mut state = lock(&self.state);
        state.compiled += 1;
        state.compiled
    }

    /// Kernels compiled so far.
    pub fn compiled(&self) -> usize {
        lock(&self.state).compiled
    }
}
