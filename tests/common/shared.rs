//! The contexts that all tests of a process share.

use std::sync::{Mutex, Once, PoisonError};

use tilewright::Context;

static SHARED: Mutex<Vec<Context>> = Mutex::new(Vec::new());

pub fn contexts() -> Vec<Context> {
    static CLOSED: Once = Once::new();
    // Another test's panic leaves the list whole.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.is_empty() {
        *shared = super::modes().into_iter().map(super::open).collect();
        // Safety: `close` does not unwind, and takes no argument.
        CLOSED.call_once(|| {
            assert_eq!(unsafe { atexit(close) }, 0, "the process has room for one more handler")
        });
    }
    shared.clone()
}

unsafe extern "C" {
    /// Of C's library, on every system that has one: runs `handler` when the process ends.
    fn atexit(handler: extern "C" fn()) -> i32;
}

/// A static is never dropped, and a driver that still compiles while its process ends crashes. The driver's own handlers
/// were registered earlier, when its library was loaded, and so run after this one.
extern "C" fn close() {
    let contexts = std::mem::take(&mut *SHARED.lock().unwrap_or_else(PoisonError::into_inner));
    drop(contexts);
}
