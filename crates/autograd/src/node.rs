//! The tape's nodes: what each holds for the way back, and what the caller asked of its gradients.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tilewright_tensor::Tensor;

use crate::{error::Result, leaf::LeafId, leaf::next_id};

/// A place on the tape: a node, and which of its outputs.
#[derive(Clone)]
pub(crate) struct Place {
    pub node: Arc<Node>,
    pub output: usize,
}

/// Names a value whose gradient is wanted: the number of its node, and which output.
pub(crate) type Key = (u64, usize);

/// For each input of an operation, whether its gradient is wanted.
pub type Needs<'a> = &'a [bool];

/// Computes the gradients of the inputs from those of the outputs, of which one at least is there. They are given away, so that a
/// rule may free one, or write over it, where nobody else holds it.
pub(crate) type Rule = Box<dyn FnOnce(Vec<Option<Tensor>>, Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send>;

/// Sees a gradient when it is whole, and may give another in its place.
pub(crate) type Hook = Box<dyn FnMut(&Tensor) -> Result<Option<Tensor>> + Send>;

/// The rule of an operation whose first output alone has a gradient.
pub(crate) fn of_one(
    rule: impl FnOnce(&Tensor, Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send + 'static,
) -> Rule {
    Box::new(move |gradients, needs| match gradients.into_iter().next() {
        Some(Some(gradient)) => rule(&gradient, needs),
        _ => Ok(vec![None; needs.len()]),
    })
}

/// A place on the tape. It does not hold the value: only the rule holds what it saved.
pub(crate) struct Node {
    /// Grows with every operation, so that descending order is a way back.
    pub id: u64,
    pub op: &'static str,
    /// The shape of each output.
    pub shapes: Vec<Vec<usize>>,
    pub leaf: bool,
    /// The memory that the rule holds.
    pub saved: Vec<Saved>,
    tape: Mutex<Option<Way>>,
    asked: Mutex<Vec<Asked>>,
}

/// The way back from a node.
pub(crate) struct Way {
    pub inputs: Vec<Option<Place>>,
    pub rule: Rule,
}

/// Device memory that a rule holds, without holding it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    /// The same for all that hold this memory.
    pub key: usize,
    pub bytes: u64,
    /// Whether it is a leaf's value, which is there with or without a tape.
    pub of_leaf: bool,
}

/// What the caller wants of an output's gradient.
pub(crate) enum Asked {
    /// That it is among the gradients that `backward` gives.
    Retain(usize),
    /// To see it, and perhaps to replace it.
    Hook(usize, Hook),
}

impl Place {
    pub fn key(&self) -> Key {
        (self.node.id, self.output)
    }
}

impl Node {
    /// A leaf of that name and shape.
    pub fn leaf(id: LeafId, shape: &[usize]) -> Self {
        let (shapes, saved) = (vec![shape.to_vec()], Vec::new());
        Self {
            id: id.0,
            op: "leaf",
            shapes,
            leaf: true,
            saved,
            tape: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// The node of an operation.
    pub fn new(op: &'static str, shapes: Vec<Vec<usize>>, saved: Vec<Saved>, way: Option<Way>) -> Self {
        let (tape, asked) = (Mutex::new(way), Mutex::default());
        Self { id: next_id(), op, shapes, leaf: false, saved, tape, asked }
    }

    /// Takes what the way back needs; the second call finds nothing.
    pub fn take(&self) -> Option<Way> {
        lock(&self.tape).take()
    }

    /// The places of the inputs; nothing once the way back was taken.
    pub fn inputs(&self) -> Option<Vec<Option<Place>>> {
        Some(lock(&self.tape).as_ref()?.inputs.clone())
    }

    /// Asks something of an output's gradient.
    pub fn ask(&self, asked: Asked) {
        lock(&self.asked).push(asked);
    }

    /// What was asked, in order.
    pub fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        lock(&self.asked)
    }
}

impl Drop for Node {
    /// A deep tape is taken apart in a loop, not by recursion.
    fn drop(&mut self) {
        let mut waiting: Vec<_> = self.take().into_iter().flat_map(|way| way.inputs).flatten().collect();
        while let Some(place) = waiting.pop() {
            if let Some(last) = Arc::into_inner(place.node) {
                waiting.extend(last.take().into_iter().flat_map(|way| way.inputs).flatten());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
