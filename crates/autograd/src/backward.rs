//! The way back over the tape, and the container of gradients.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tilewright_tensor::{self as tensor, DType, Tensor};

use crate::{error::Error, error::Result, var::LeafId, var::Node, var::Place, var::Tape, var::Var};

/// The gradients of the leaves that a loss depends on.
#[derive(Debug, Default)]
pub struct Gradients {
    by_leaf: HashMap<u64, Tensor>,
}

impl Gradients {
    /// The gradient of `leaf`, if the loss depends on it.
    pub fn get(&self, leaf: &Var) -> Option<&Tensor> {
        self.by_leaf.get(&leaf.node()?.node.id)
    }

    /// The gradient of the leaf of that name.
    pub fn get_id(&self, id: LeafId) -> Option<&Tensor> {
        self.by_leaf.get(&id.0)
    }

    /// Takes a gradient out, so that its memory can go back as soon as it was used.
    pub fn remove_id(&mut self, id: LeafId) -> Option<Tensor> {
        self.by_leaf.remove(&id.0)
    }

    /// Puts a gradient in the place of the one there was, as clipping does.
    pub fn insert_id(&mut self, id: LeafId, gradient: Tensor) {
        self.by_leaf.insert(id.0, gradient);
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
        let mut leaves = HashMap::new();
        // Every user of a value has a higher number than the value: when a node is the highest, its gradients are whole.
        let mut waiting: BTreeMap<u64, Waiting> = BTreeMap::new();
        Waiting::add(&mut waiting, root.clone(), gradient.clone())?;
        while let Some((id, Waiting { node, mut gradients })) = waiting.pop_last() {
            if node.leaf {
                leaves.extend(gradients.swap_remove(0).map(|gradient| (id, gradient)));
                continue;
            }
            let Tape { inputs, rule } = node.take().ok_or(Error::Freed { op: node.op })?;
            let needs: Vec<_> = inputs.iter().map(Option::is_some).collect();
            let found = rule(&gradients, &needs)?;
            drop(gradients);
            if found.len() != inputs.len() {
                let (found, expected) = (found.len(), inputs.len());
                return Err(Error::GradientCount { op: node.op, found, expected });
            }
            for (input, gradient) in inputs.into_iter().zip(found) {
                let (Some(input), Some(gradient)) = (input, gradient) else { continue };
                let expected = &input.node.shapes[input.output];
                if gradient.shape() != expected {
                    let (found, expected) = (gradient.shape().to_vec(), expected.clone());
                    return Err(Error::GradientShape { op: node.op, found, expected });
                }
                Waiting::add(&mut waiting, input, gradient)?;
            }
        }
        Ok(Gradients { by_leaf: leaves })
    }
}

/// A node whose turn comes, with the gradients of its outputs as far as they have been added up.
struct Waiting {
    node: Arc<Node>,
    gradients: Vec<Option<Tensor>>,
}

impl Waiting {
    fn add(waiting: &mut BTreeMap<u64, Self>, place: Place, gradient: Tensor) -> Result<()> {
        let Place { node, output } = place;
        let entry = waiting.entry(node.id).or_insert_with(|| {
            let gradients = vec![None; node.shapes.len()];
            Self { node, gradients }
        });
        let slot = &mut entry.gradients[output];
        *slot = Some(match slot.take() {
            Some(earlier) => earlier.add(&gradient)?,
            None => gradient,
        });
        Ok(())
    }
}
