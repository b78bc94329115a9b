//! Variables and the tape that they leave behind.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tilewright_tensor::{DType, Tensor};

use crate::error::Result;

/// A tensor, and its place on the tape if a gradient is wanted. Cloning shares both.
#[derive(Clone)]
pub struct Var {
    tensor: Tensor,
    node: Option<Place>,
}

/// A place on the tape: a node, and which of its outputs.
#[derive(Clone)]
pub(crate) struct Place {
    pub node: Arc<Node>,
    pub output: usize,
}

/// Names a leaf over several forward passes, so that a parameter's gradient can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafId(pub(crate) u64);

/// For each input of an operation, whether its gradient is wanted.
pub type Needs<'a> = &'a [bool];

/// Computes the gradients of the inputs from those of the outputs, of which one at least is there.
pub(crate) type Rule = Box<dyn FnOnce(&[Option<Tensor>], Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send>;

/// The rule of an operation whose first output alone has a gradient.
pub(crate) fn of_one(
    rule: impl FnOnce(&Tensor, Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send + 'static,
) -> Rule {
    Box::new(move |gradients, needs| match gradients.first() {
        Some(Some(gradient)) => rule(gradient, needs),
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
    tape: Mutex<Option<Tape>>,
}

pub(crate) struct Tape {
    pub inputs: Vec<Option<Place>>,
    pub rule: Rule,
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl LeafId {
    /// A name that no other leaf has.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(next_id())
    }
}

impl Var {
    /// A variable whose gradient is wanted.
    pub fn leaf(tensor: Tensor) -> Self {
        Self::leaf_of(tensor, LeafId::new())
    }

    /// As [`Self::leaf`], under a name that was made before: a parameter is the same leaf in every pass.
    pub fn leaf_of(tensor: Tensor, id: LeafId) -> Self {
        let shapes = vec![tensor.shape().to_vec()];
        let node = Node { id: id.0, op: "leaf", shapes, leaf: true, tape: Mutex::new(None) };
        Self { tensor, node: Some(Place { node: Arc::new(node), output: 0 }) }
    }

    /// A variable without a gradient.
    pub fn constant(tensor: Tensor) -> Self {
        Self { tensor, node: None }
    }

    /// The same value without its past.
    pub fn detach(&self) -> Self {
        Self::constant(self.tensor.clone())
    }

    /// The result of an operation of one's own. `rule` gets the gradient of `output` and says the gradient of each of
    /// `inputs` (`None` for one that has none or is not wanted), in the inputs' shapes. It holds what it needs; it is
    /// dropped at once if no input wants a gradient.
    pub fn custom(
        op: &'static str,
        inputs: &[&Self],
        output: Tensor,
        rule: impl FnOnce(&Tensor, Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send + 'static,
    ) -> Self {
        let mut results = Self::node_of(op, inputs, vec![output], of_one(rule));
        results.swap_remove(0)
    }

    /// As [`Self::custom`], for an operation with several results: `rule` gets a gradient for each, of which those that are
    /// `None` do not matter to the loss. A result that is not f32 or f16 is a constant.
    pub fn custom_many(
        op: &'static str,
        inputs: &[&Self],
        outputs: Vec<Tensor>,
        rule: impl FnOnce(&[Option<Tensor>], Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send + 'static,
    ) -> Vec<Self> {
        Self::node_of(op, inputs, outputs, Box::new(rule))
    }

    /// The outputs as variables of one node.
    pub(crate) fn node_of(op: &'static str, inputs: &[&Self], outputs: Vec<Tensor>, rule: Rule) -> Vec<Self> {
        if inputs.iter().all(|input| input.node.is_none()) {
            return outputs.into_iter().map(Self::constant).collect();
        }
        let inputs = inputs.iter().map(|input| input.node.clone()).collect();
        let shapes = outputs.iter().map(|output| output.shape().to_vec()).collect();
        let tape = Mutex::new(Some(Tape { inputs, rule }));
        let node = Arc::new(Node { id: next_id(), op, shapes, leaf: false, tape });
        let place = |(output, tensor): (usize, Tensor)| {
            let real = matches!(tensor.dtype(), DType::F32 | DType::F16);
            let node = real.then(|| Place { node: node.clone(), output });
            Self { tensor, node }
        };
        outputs.into_iter().enumerate().map(place).collect()
    }

    /// The value.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The value's shape.
    pub fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    /// Whether a gradient is wanted.
    pub fn needs_gradient(&self) -> bool {
        self.node.is_some()
    }

    pub(crate) fn node(&self) -> Option<&Place> {
        self.node.as_ref()
    }
}

impl std::fmt::Debug for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let op = self.node.as_ref().map_or("constant", |place| place.node.op);
        write!(f, "Var({op}, {:?})", self.tensor)
    }
}

impl Node {
    /// Takes what the way back needs; the second call finds nothing.
    pub fn take(&self) -> Option<Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Node {
    /// A deep tape is taken apart in a loop, not by recursion.
    fn drop(&mut self) {
        let mut waiting: Vec<_> = self.take().into_iter().flat_map(|tape| tape.inputs).flatten().collect();
        while let Some(place) = waiting.pop() {
            if let Some(last) = Arc::into_inner(place.node) {
                waiting.extend(last.take().into_iter().flat_map(|tape| tape.inputs).flatten());
            }
        }
    }
}
