//! The container of gradients.

use std::collections::HashMap;

use tilewright_ops::{BinaryOp, Op};
use tilewright_tensor::{DType, Hints, Tensor};

use crate::{error::Result, leaf::LeafId, node::Key, var::Var};

/// The gradients of the leaves that a loss depends on, and of other values that were asked for ([`Var::retain_gradient`],
/// [`Var::backward_for`]).
#[derive(Debug, Default)]
pub struct Gradients {
    by_key: HashMap<Key, Tensor>,
}

impl Gradients {
    /// The gradient of `value`, if the loss depends on it: a leaf, or a value whose gradient was asked for.
    pub fn get(&self, value: &Var) -> Option<&Tensor> {
        self.by_key.get(&value.node()?.key())
    }

    /// The gradient of the leaf of that name.
    pub fn get_id(&self, id: LeafId) -> Option<&Tensor> {
        self.by_key.get(&(id.0, 0))
    }

    /// Takes a gradient out, so that its memory can go back as soon as it was used.
    pub fn remove(&mut self, value: &Var) -> Option<Tensor> {
        self.take(&value.node()?.key())
    }

    /// As [`Self::remove`], for the leaf of that name.
    pub fn remove_id(&mut self, id: LeafId) -> Option<Tensor> {
        self.take(&(id.0, 0))
    }

    /// Puts a gradient in the place of the one there was, as clipping does.
    pub fn insert_id(&mut self, id: LeafId, gradient: Tensor) {
        self.put((id.0, 0), gradient);
    }

    /// The gradient of one leaf.
    pub fn of(id: LeafId, gradient: Tensor) -> Self {
        Self { by_key: HashMap::from([((id.0, 0), gradient)]) }
    }

    pub(crate) fn take(&mut self, key: &Key) -> Option<Tensor> {
        self.by_key.remove(key)
    }

    pub(crate) fn put(&mut self, key: Key, gradient: Tensor) {
        self.by_key.insert(key, gradient);
    }

    /// Adds another container's gradients: accumulation over several batches.
    pub fn accumulate(&mut self, other: Self) -> Result<()> {
        for (key, gradient) in other.by_key {
            let sum = match self.by_key.remove(&key) {
                Some(earlier) => sum(earlier, gradient)?,
                None => gradient,
            };
            self.by_key.insert(key, sum);
        }
        Ok(())
    }

    /// Multiplies every gradient, as for the mean over accumulated batches.
    pub fn scale(&mut self, factor: f32) -> Result<()> {
        for gradient in self.by_key.values_mut() {
            *gradient = gradient.cast(DType::F32)?.scale(factor)?.cast(gradient.dtype())?;
        }
        Ok(())
    }

    /// How many values have a gradient here.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no value has one.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The bytes of all gradients.
    pub fn bytes(&self) -> u64 {
        self.by_key.values().map(|gradient| gradient.buffer().size()).sum()
    }
}

/// The sum of two gradients of one value, in the place of one of them where nobody else holds it. Of f16 it is computed in f32 and
/// rounded, as PyTorch's is.
pub(crate) fn sum(earlier: Tensor, gradient: Tensor) -> Result<Tensor> {
    if earlier.dtype() != DType::F32 {
        let dtype = earlier.dtype();
        return Ok(earlier.cast(DType::F32)?.add(&gradient.cast(DType::F32)?)?.cast(dtype)?);
    }
    let over = [&earlier, &gradient].iter().position(|tensor| tensor.buffer().is_spare());
    let hints = Hints { over, ..Hints::default() };
    let add = Op::Binary { op: BinaryOp::Add, activation: None };
    Ok(Tensor::run_one_with(&add, &[&earlier, &gradient], &hints)?)
}
