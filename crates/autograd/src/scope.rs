//! Parts of a forward pass that leave no tape, because they will be computed anew ([`crate::checkpoint`]).

use std::{cell::RefCell, collections::HashSet, marker::PhantomData};

use crate::{leaf::next_id, node::Key, node::Place};

/// A part of a forward pass.
struct Part {
    /// Whether it is written down as usual.
    recorded: bool,
    /// Nodes from this number on were made in it.
    first: u64,
    /// What was made before it, and is used in it.
    captured: Vec<Place>,
    seen: HashSet<Key>,
}

thread_local! {
    /// The parts that this thread is in, the innermost last.
    static PARTS: RefCell<Vec<Part>> = const { RefCell::new(Vec::new()) };
}

/// Notes what an operation in an unrecorded part takes from before it; whether it is in one.
pub(crate) fn passes_by(inputs: &[Option<Place>]) -> bool {
    PARTS.with_borrow_mut(|parts| {
        let Some(part) = parts.last_mut().filter(|part| !part.recorded) else { return false };
        for place in inputs.iter().flatten() {
            if place.node.id < part.first && part.seen.insert(place.key()) {
                part.captured.push(place.clone());
            }
        }
        true
    })
}

/// A part that is begun; it ends when this is dropped.
pub(crate) struct Open {
    depth: usize,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl Open {
    /// Begins a part that leaves no tape.
    pub fn unrecorded() -> Self {
        Self::begin(false)
    }

    /// Begins a part that leaves a tape, whatever it is in.
    pub fn recorded() -> Self {
        Self::begin(true)
    }

    fn begin(recorded: bool) -> Self {
        let first = next_id();
        let depth = PARTS.with_borrow_mut(|parts| {
            parts.push(Part { recorded, first, captured: Vec::new(), seen: HashSet::new() });
            parts.len()
        });
        Self { depth, _thread: PhantomData }
    }

    /// Ends it, and gives what it has taken from before.
    pub fn end(self) -> Vec<Place> {
        PARTS.with_borrow_mut(|parts| {
            parts.get_mut(self.depth - 1).map(|part| std::mem::take(&mut part.captured)).unwrap_or_default()
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        PARTS.with_borrow_mut(|parts| parts.truncate(self.depth - 1));
    }
}
