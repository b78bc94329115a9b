//! Symbolic tensors: operations on them are written down instead of run.
//!
//! A network's forward function runs as it is; where it meets a symbolic tensor, the operation's shape rule gives the next
//! one. Every [`Op`] can be written down, gradients too. What is none (reading values, writing in place) fails with an error,
//! because a symbolic tensor's buffer has no memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tilewright_ops::{DType, Op, ShapeError};
use tilewright_runtime::Context;

use crate::{error::Error, error::Result, layout::Layout, symbol::Symbol, tensor::Tensor};

/// Where operations on symbolic tensors are written down. Cloning shares it.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    values: usize,
    scope: String,
    steps: Vec<TraceStep>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// The scope in which it was written down ([`Trace::set_scope`]); empty without one.
    pub scope: String,
    /// What it does.
    pub op: Op,
    /// To what.
    pub inputs: Vec<TraceOperand>,
    /// The numbers of its results.
    pub outputs: Vec<usize>,
}

/// An operand of a [`TraceStep`].
#[derive(Clone, Debug)]
pub enum TraceOperand {
    /// An input of the trace, or an earlier result.
    Value(usize),
    /// A tensor that was there: a parameter.
    Constant(Tensor),
}

impl Trace {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// A symbolic tensor: an input.
    ///
    /// # Errors
    /// [`tilewright_runtime::Error::Limit`] for a shape that the device could not hold.
    pub fn input(&self, context: &Context, shape: &[usize], dtype: DType) -> Result<Tensor> {
        let value = self.next();
        self.symbolic(context, shape, dtype, value)
    }

    /// A name for the steps that follow: the layer, or the node of a file, that they are part of.
    pub fn set_scope(&self, scope: &str) {
        scope.clone_into(&mut self.lock().scope);
    }

    /// Writes `op` down although none of its operands need be symbolic, and gives its symbolic results: what is computed from
    /// constants, and is to be seen as such.
    ///
    /// # Errors
    /// Those of [`Tensor::run`] for operands that do not fit.
    pub fn write(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let facts = op.facts();
        facts.check_count(inputs.len())?;
        if inputs.is_empty() {
            return Err(ShapeError::NoOperands { op: facts.name }.into());
        }
        let types: Vec<DType> = inputs.iter().map(|input| input.dtype()).collect();
        let dtypes = facts.output_dtypes(&types)?;
        let extents: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
        let shapes = facts.output_shapes(&extents)?;
        write_down(self, op, inputs, shapes, dtypes)
    }

    /// What has been written down so far, in order.
    pub fn steps(&self) -> Vec<TraceStep> {
        self.lock().steps.clone()
    }

    /// The number of `tensor` if it is symbolic and of this trace.
    pub fn value_of(&self, tensor: &Tensor) -> Option<usize> {
        let symbol = tensor.symbol.as_ref()?;
        symbol.is_of(&self.0).then_some(symbol.value)
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> usize {
        let mut entries = self.lock();
        entries.values += 1;
        entries.values - 1
    }

    fn symbolic(&self, context: &Context, shape: &[usize], dtype: DType, value: usize) -> Result<Tensor> {
        // Allocated in a recording, it has a size and no memory.
        let mut tensor =
            Tensor::empty(&context.recording(), shape, dtype, Layout::RowMajor)?.on(&context.eager());
        tensor.symbol = Some(Symbol::new(self.0.clone(), value));
        Ok(tensor)
    }
}

impl Tensor {
    /// Whether operations on it are written down instead of run.
    pub fn is_symbolic(&self) -> bool {
        self.symbol.is_some()
    }

    /// Where operations on it are written down, if it is symbolic.
    pub fn trace(&self) -> Option<Trace> {
        self.symbol.as_ref()?.trace().map(Trace)
    }
}

/// Writes an operation down, whose operands fit it, and gives its symbolic results.
pub(crate) fn write_down(
    trace: &Trace,
    op: &Op,
    inputs: &[&Tensor],
    shapes: Vec<Vec<usize>>,
    dtypes: Vec<DType>,
) -> Result<Vec<Tensor>> {
    let mut operands = Vec::with_capacity(inputs.len());
    for input in inputs {
        operands.push(match (trace.value_of(input), input.is_symbolic()) {
            (Some(value), _) => TraceOperand::Value(value),
            (None, false) => TraceOperand::Constant((*input).clone()),
            (None, true) => return Err(Error::Contexts { op: op.name() }),
        });
    }
    let context = inputs[0].context();
    let mut results = Vec::with_capacity(shapes.len());
    let mut outputs = Vec::with_capacity(shapes.len());
    for (shape, dtype) in shapes.iter().zip(dtypes) {
        let value = trace.next();
        outputs.push(value);
        results.push(trace.symbolic(context, shape, dtype, value)?);
    }
    let mut entries = trace.lock();
    let scope = entries.scope.clone();
    entries.steps.push(TraceStep { scope, op: op.clone(), inputs: operands, outputs });
    Ok(results)
}
