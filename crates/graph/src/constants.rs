//! What is computed from constants once for all plans of a network.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tilewright_ops::Op;
use tilewright_runtime::SharedConstants;
use tilewright_tensor::Tensor;

use crate::Result;

/// Folded and packed weights, shared by the plans of one [`crate::Model`]: a second batch size computes none of them anew.
#[derive(Default)]
pub struct Constants {
    folded: Mutex<HashMap<Key, Folded>>,
    packed: SharedConstants,
}

/// The operands, which are held so that their memory is nobody else's, and the results.
type Folded = (Vec<Tensor>, Vec<Tensor>);

/// An operation in words, and the memory and shapes of its operands.
type Key = (String, Vec<(usize, Vec<usize>)>);

impl Constants {
    /// The results of `op` of constants, computed at the first call.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn fold(&self, op: &Op, operands: Vec<Tensor>) -> Result<Vec<Tensor>, tilewright_tensor::Error> {
        let key = (
            format!("{op:?}"),
            operands.iter().map(|operand| (operand.buffer().key(), operand.shape().to_vec())).collect(),
        );
        let lock = || self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = lock().get(&key) {
            return Ok(known.clone());
        }
        let results = Tensor::run(op, &operands.iter().collect::<Vec<_>>())?;
        // The operands are held, so that their memory is nobody else's as long as the key stands.
        lock().insert(key, (operands, results.clone()));
        Ok(results)
    }

    /// What the plans have made.
    pub fn packed(&self) -> &SharedConstants {
        &self.packed
    }

    /// How many operations have been folded.
    pub fn folded(&self) -> usize {
        self.folded.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
