//! Ctrl-C: the first asks the work to stop at the next batch, the second ends the program.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Whether the user wants to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Listens for Ctrl-C and for the signal that ends a process politely.
    pub fn listen() -> Self {
        let interrupt = Self::default();
        let count = interrupt.0.clone();
        let outcome = ctrlc::set_handler(move || {
            if count.fetch_add(1, Ordering::SeqCst) > 0 {
                std::process::exit(130);
            }
        });
        if let Err(error) = outcome {
            eprintln!("warning: Ctrl-C will end the program at once: {error}");
        }
        interrupt
    }

    /// Whether it was asked for.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}
