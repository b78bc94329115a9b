//! Ctrl-C: the first asks the work to stop at the next batch, a later one ends the program.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Signals closer together than this are one wish: `timeout`, for one, sends its signal to the program and then to the
/// program's group.
const SAME_WISH: Duration = Duration::from_millis(500);

/// Whether the user wants to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for Ctrl-C and for the signal that ends a process politely.
    pub fn listen() -> Self {
        let interrupt = Self::default();
        let requested = interrupt.0.clone();
        let mut first: Option<Instant> = None;
        let outcome = ctrlc::set_handler(move || {
            requested.store(true, Ordering::SeqCst);
            if first.get_or_insert_with(Instant::now).elapsed() > SAME_WISH {
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
        self.0.load(Ordering::SeqCst)
    }
}
