//! The one road from an operation to its result.

use tilewright_ops::{DType, Op, ShapeError};

use crate::{error::Error, error::Result, hints::Hints, large, launch, quantized, tensor::Tensor, trace};

impl Tensor {
    /// `op` of `inputs`, in the order that [`Op`] lists, and its results in theirs. All methods of a tensor that compute
    /// come here: the operands are checked by the operation's own facts, and then it is written down if one of them is
    /// symbolic ([`crate::Trace`]), and run if none is. So whatever runs can be captured.
    ///
    /// # Errors
    /// [`ShapeError`] for a number of operands, a shape or a parameter that does not fit; [`crate::Error::DType`];
    /// [`crate::Error::Contexts`]; what the device says.
    pub fn run(op: &Op, inputs: &[&Self]) -> Result<Vec<Self>> {
        Self::run_with(op, inputs, &Hints::default())
    }

    /// As [`Self::run`], with a say in how.
    ///
    /// # Errors
    /// As [`Self::run`]; [`tilewright_runtime::Error::Unsupported`] for an algorithm that cannot run this shape here.
    pub fn run_with(op: &Op, inputs: &[&Self], hints: &Hints) -> Result<Vec<Self>> {
        let facts = op.facts();
        facts.check_count(inputs.len())?;
        let Some((&first, rest)) = inputs.split_first() else {
            return Err(ShapeError::NoOperands { op: facts.name }.into());
        };
        let types: Vec<DType> = inputs.iter().map(|input| input.dtype()).collect();
        let dtypes = facts.output_dtypes(&types)?;
        rest.iter().try_for_each(|other| first.require_same_context(facts.name, other))?;
        let extents: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
        let shapes = facts.output_shapes(&extents)?;
        let quantization = quantized::of_results(op, inputs)?;
        first.context().name_operation(facts.name);
        let mut results = match inputs.iter().find_map(|input| input.trace()) {
            Some(trace) => trace::write_down(&trace, op, inputs, shapes, dtypes)?,
            None if hints.exact && !first.context().is_exact() => exactly(op, inputs, &shapes, hints)?,
            None => on_device(op, inputs, &shapes, hints)?,
        };
        if quantization.is_some() {
            results.iter_mut().for_each(|result| result.quantization.clone_from(&quantization));
        }
        Ok(results)
    }

    /// The first result of [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_one(op: &Op, inputs: &[&Self]) -> Result<Self> {
        Self::run_one_with(op, inputs, &Hints::default())
    }

    /// The first result of [`Self::run_with`].
    ///
    /// # Errors
    /// As [`Self::run_with`].
    pub fn run_one_with(op: &Op, inputs: &[&Self], hints: &Hints) -> Result<Self> {
        let mut results = Self::run_with(op, inputs, hints)?;
        if results.is_empty() {
            return Err(ShapeError::NoOperands { op: op.name() }.into());
        }
        Ok(results.swap_remove(0))
    }
}

/// The launch on an exact handle of the operands' context. The results are on the operands' own: what is said of one
/// operation says nothing of the next.
fn exactly(op: &Op, inputs: &[&Tensor], shapes: &[Vec<usize>], hints: &Hints) -> Result<Vec<Tensor>> {
    let own = inputs[0].context();
    let exact = own.exact();
    let operands: Vec<_> = inputs.iter().map(|input| input.on(&exact)).collect();
    let results = on_device(op, &operands.iter().collect::<Vec<_>>(), shapes, hints)?;
    Ok(results.into_iter().map(|result| result.on(own)).collect())
}

/// Launches `op`, in slices if an operand or a result, or what a kernel needs beside them, is beyond a binding.
fn on_device(op: &Op, inputs: &[&Tensor], shapes: &[Vec<usize>], hints: &Hints) -> Result<Vec<Tensor>> {
    if large::is_needed(op, inputs, shapes) {
        return large::run(op, inputs, shapes, hints);
    }
    match launch::launch(op, inputs, shapes, hints) {
        Err(Error::Runtime(error)) if error.is_binding_limit() => {
            large::run(op, inputs, shapes, hints).map_err(|_| error.into())
        }
        other => other,
    }
}
