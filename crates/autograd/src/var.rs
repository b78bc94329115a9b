//! Variables and the tape that they leave behind.

use std::sync::Arc;

use tilewright_tensor::{DType, Tensor};

pub(crate) use crate::node::{Needs, Rule, of_one};
use crate::{
    error::{Error, Result},
    keep::{Kept, Recipe},
    leaf::LeafId,
    node::{Node, Place, Saved, Way},
    scope,
};

/// A tensor, and its place on the tape if a gradient is wanted. Cloning shares both.
#[derive(Clone)]
pub struct Var {
    tensor: Tensor,
    node: Option<Place>,
    /// How a rule that reads the value may make it again instead of holding it.
    recipe: Option<Recipe>,
}

impl Var {
    /// A variable whose gradient is wanted.
    pub fn leaf(tensor: Tensor) -> Self {
        Self::leaf_of(tensor, LeafId::new())
    }

    /// As [`Self::leaf`], under a name that was made before: a parameter is the same leaf in every pass.
    pub fn leaf_of(tensor: Tensor, id: LeafId) -> Self {
        let node = Arc::new(Node::leaf(id, tensor.shape()));
        Self { tensor, node: Some(Place { node, output: 0 }), recipe: None }
    }

    /// A variable without a gradient.
    pub fn constant(tensor: Tensor) -> Self {
        Self { tensor, node: None, recipe: None }
    }

    /// The same value without its past.
    pub fn detach(&self) -> Self {
        Self::constant(self.tensor.clone())
    }

    /// The result of an operation of one's own. `rule` gets the gradient of `output` and says the gradient of each of
    /// `inputs` (`None` for one that has none or is not wanted), in the inputs' shapes. It holds what it needs, which the
    /// tape's table does not see: [`Self::custom_saving`] is counted. It is dropped at once if no input wants a gradient.
    pub fn custom(
        op: &'static str,
        inputs: &[&Self],
        output: Tensor,
        rule: impl FnOnce(&Tensor, Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send + 'static,
    ) -> Self {
        let mut results = Self::node_of(op, inputs, vec![output], Vec::new(), of_one(rule));
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
        let rule: Rule = Box::new(move |gradients, needs| rule(&gradients, needs));
        Self::node_of(op, inputs, outputs, Vec::new(), rule)
    }

    /// As [`Self::custom_many`], where the tape holds `saved` for the rule, which gets it back: its bytes are in the tape's
    /// table ([`Self::tape`]).
    pub fn custom_saving(
        op: &'static str,
        inputs: &[&Self],
        outputs: Vec<Tensor>,
        saved: Vec<Tensor>,
        rule: impl FnOnce(&[Tensor], &[Option<Tensor>], Needs<'_>) -> Result<Vec<Option<Tensor>>> + Send + 'static,
    ) -> Vec<Self> {
        let held = saved.iter().map(|tensor| Saved::of(tensor, inputs)).collect();
        let rule: Rule = Box::new(move |gradients, needs| rule(&saved, &gradients, needs));
        Self::node_of(op, inputs, outputs, held, rule)
    }

    /// The outputs as variables of one node, whose rule holds `saved`.
    pub(crate) fn node_of(
        op: &'static str,
        inputs: &[&Self],
        outputs: Vec<Tensor>,
        saved: Vec<Saved>,
        rule: Rule,
    ) -> Vec<Self> {
        let inputs = inputs.iter().map(|input| input.node.clone()).collect();
        Self::node_at(op, inputs, outputs, saved, rule)
    }

    /// As [`Self::node_of`], of inputs at these places.
    pub(crate) fn node_at(
        op: &'static str,
        inputs: Vec<Option<Place>>,
        outputs: Vec<Tensor>,
        saved: Vec<Saved>,
        rule: Rule,
    ) -> Vec<Self> {
        if inputs.iter().all(Option::is_none) {
            return outputs.into_iter().map(Self::constant).collect();
        }
        let shapes = outputs.iter().map(|output| output.shape().to_vec()).collect();
        // What will be computed anew saves nothing now.
        let node = if scope::passes_by(&inputs) {
            Node::new(op, shapes, Vec::new(), None)
        } else {
            Node::new(op, shapes, saved, Some(Way { inputs, rule }))
        };
        let node = Arc::new(node);
        let place = |(output, tensor): (usize, Tensor)| {
            let real = matches!(tensor.dtype(), DType::F32 | DType::F16);
            let node = real.then(|| Place { node: node.clone(), output });
            Self { tensor, node, recipe: None }
        };
        outputs.into_iter().enumerate().map(place).collect()
    }

    /// The same, which rules may make again by `recipe`: it holds no memory that the tape does not hold. Where no tape is kept
    /// (a part that is checkpointed) it would, and the value stays without.
    pub(crate) fn made_by(mut self, recipe: Recipe) -> Self {
        let recorded = self.node.as_ref().is_some_and(|place| place.node.inputs().is_some());
        self.recipe = (recorded && !self.tensor.is_symbolic()).then_some(recipe);
        self
    }

    /// How the value may be made again.
    pub(crate) fn recipe(&self) -> Option<&Recipe> {
        self.recipe.as_ref()
    }

    /// The value for a rule that reads it.
    pub(crate) fn keep(&self) -> Kept {
        match &self.recipe {
            Some(recipe) => Kept::Again(recipe.clone()),
            None => Kept::Held(self.tensor.clone()),
        }
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

    /// Its place, where something is asked of its gradient.
    ///
    /// # Errors
    /// [`Error::Constant`] if it has none.
    pub(crate) fn place(&self, op: &'static str) -> Result<&Place> {
        self.node().ok_or(Error::Constant { op })
    }
}

impl std::fmt::Debug for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let op = self.node.as_ref().map_or("constant", |place| place.node.op);
        write!(f, "Var({op}, {:?})", self.tensor)
    }
}

impl Saved {
    /// `tensor`, which the rule of an operation of `inputs` holds.
    pub(crate) fn of(tensor: &Tensor, inputs: &[&Var]) -> Self {
        let leaf = |input: &&&Var| input.node.as_ref().is_some_and(|place| place.node.leaf);
        let mut leaves = inputs.iter().filter(leaf);
        let buffer = tensor.buffer();
        let of_leaf = leaves.any(|leaf| leaf.tensor.buffer().same(buffer));
        Self { key: buffer.key(), bytes: buffer.size(), of_leaf }
    }
}
