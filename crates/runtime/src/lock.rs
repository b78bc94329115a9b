//! Locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic while a lock is held leaves plain data behind; the next user may go on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
