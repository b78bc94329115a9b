//! The way back over the tape, and the container of gradients.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tilewright_tensor::{self as tensor, DType, Tensor};

use crate::{
    Error, LeafId, Result, Var,
    var::{Node, Tape},
};

/// The gradients of the leaves that a loss depends on.
#[derive(Debug, Default)]
pub struct Gradients {
    by_leaf: HashMap<u64, Tensor>,
}

impl Gradients {
    /// The gradient of `leaf`, if the loss depends on it.
    pub fn get(&self, leaf: &Var) -> Option<&Tensor> {
        self.by_leaf.get(&leaf.node()?.id)
    }

    /// The gradient of the leaf of that name.
    pub fn get_id(&self, id: LeafId) -> Option<&Tensor> {
        self.by_leaf.get(&id.0)
    }

    /// Takes a gradient out, so that its memory can go back as soon as it was used.
    pub fn remove_id(&mut self, id: LeafId) -> Option<Tensor> {
        self.by_leaf.remove(&id.0)
    }

    /// Adds another container's gradients: accumulation over several batches.
    pub fn accumulate(&mut self, other: Self) -> Result<()> {
        for (id, gradient) in other.by_leaf {
            add_into(&mut self.by_leaf, id, gradient)?;
        }
        Ok(())
    }

    /// Multiplies every gradient, as for the mean over accumulated batches.
    pub fn scale(&mut self, factor: f32) -> Result<()> {
        for gradient in self.by_leaf.values_mut() {
            *gradient = gradient.scale(factor)?;
        }
        Ok(())
    }

    /// How many leaves have a gradient.
    pub fn len(&self) -> usize {
        self.by_leaf.len()
    }

    /// Whether no leaf has one.
    pub fn is_empty(&self) -> bool {
        self.by_leaf.is_empty()
    }
}

fn add_into(gradients: &mut HashMap<u64, Tensor>, id: u64, gradient: Tensor) -> Result<()> {
    let sum = match gradients.remove(&id) {
        Some(earlier) => earlier.add(&gradient)?,
        None => gradient,
    };
    gradients.insert(id, sum);
    Ok(())
}

impl Var {
    /// The gradients of this value, which has one element, by every leaf. Frees the tape.
    ///
    /// # Errors
    /// [`Error::NotScalar`], [`Error::NoTape`], and [`Error::Freed`] at the second call.
    pub fn backward(&self) -> Result<Gradients> {
        if self.tensor().count() != 1 {
            return Err(Error::NotScalar { shape: self.shape().to_vec() });
        }
        self.backward_with(&Tensor::ones(self.tensor().context(), self.shape())?)
    }

    /// The gradients of `Σ gradient · self` by every leaf: `gradient` has this value's shape. Frees the tape.
    pub fn backward_with(&self, gradient: &Tensor) -> Result<Gradients> {
        if gradient.shape() != self.shape() {
            let (found, expected) = (gradient.shape().to_vec(), self.shape().to_vec());
            return Err(Error::GradientShape { op: "backward", found, expected });
        }
        let op = "backward";
        if gradient.dtype() != DType::F32 {
            let (operand, found) = ("gradient", gradient.dtype());
            return Err(tensor::Error::DType { op, operand, found, expected: DType::F32.name() }.into());
        }
        if !gradient.context().same(self.tensor().context()) {
            return Err(tensor::Error::Contexts { op }.into());
        }
        let root = self.node().ok_or(Error::NoTape)?;
        let mut gradients = HashMap::from([(root.id, gradient.clone())]);
        let mut leaves = HashMap::new();
        // Every user of a value has a higher number than the value: when a node is the highest, its gradient is whole.
        let mut waiting: BTreeMap<u64, Arc<Node>> = BTreeMap::from([(root.id, root.clone())]);
        while let Some((id, node)) = waiting.pop_last() {
            let Some(gradient) = gradients.remove(&id) else { continue };
            if node.leaf {
                leaves.insert(id, gradient);
                continue;
            }
            let Tape { inputs, rule } = node.take().ok_or(Error::Freed { op: node.op })?;
            let needs: Vec<_> = inputs.iter().map(Option::is_some).collect();
            let found = rule(&gradient, &needs)?;
            if found.len() != inputs.len() {
                let (found, expected) = (found.len(), inputs.len());
                return Err(Error::GradientCount { op: node.op, found, expected });
            }
            for (input, gradient) in inputs.into_iter().zip(found) {
                let (Some(input), Some(gradient)) = (input, gradient) else { continue };
                if gradient.shape() != input.shape {
                    let (found, expected) = (gradient.shape().to_vec(), input.shape.clone());
                    return Err(Error::GradientShape { op: node.op, found, expected });
                }
                add_into(&mut gradients, input.id, gradient)?;
                waiting.insert(input.id, input);
            }
        }
        Ok(Gradients { by_leaf: leaves })
    }
}
