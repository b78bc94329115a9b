//! Symbolic tensors: operations on them are written down instead of run.
//!
//! A network's forward function runs as it is; where it meets a symbolic tensor, the operation's shape rule gives the next
//! one. What cannot be written down (random numbers, gradients, reading values) fails with an error, because a symbolic
//! tensor's buffer has no memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tilewright_ops::{DType, Op};
use tilewright_runtime::Context;

use crate::{Error, Layout, Result, Tensor};

/// Where operations on symbolic tensors are written down. Cloning shares it.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    values: usize,
    steps: Vec<TraceStep>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// What it does.
    pub op: Op,
    /// To what.
    pub inputs: Vec<TraceOperand>,
    /// The number of its result.
    pub output: usize,
    /// The result's shape.
    pub shape: Vec<usize>,
    /// The result's type.
    pub dtype: DType,
}

/// An operand of a [`TraceStep`].
#[derive(Clone, Debug)]
pub enum TraceOperand {
    /// An input of the trace, or an earlier result.
    Value(usize),
    /// A tensor that was there: a parameter.
    Constant(Tensor),
}

/// What a symbolic tensor stands for.
#[derive(Clone)]
pub(crate) struct Symbol {
    trace: Trace,
    value: usize,
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

    /// What has been written down so far, in order.
    pub fn steps(&self) -> Vec<TraceStep> {
        self.lock().steps.clone()
    }

    /// The number of `tensor` if it is symbolic and of this trace.
    pub fn value_of(&self, tensor: &Tensor) -> Option<usize> {
        let symbol = tensor.symbol.as_ref()?;
        Arc::ptr_eq(&self.0, &symbol.trace.0).then_some(symbol.value)
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
        tensor.symbol = Some(Symbol { trace: self.clone(), value });
        Ok(tensor)
    }
}

impl Tensor {
    /// Whether operations on it are written down instead of run.
    pub fn is_symbolic(&self) -> bool {
        self.symbol.is_some()
    }
}

/// Writes the operation down and gives its symbolic result, if an operand is symbolic; `None` if all are tensors.
pub(crate) fn step(op: impl FnOnce() -> Op, inputs: &[&Tensor]) -> Option<Result<Tensor>> {
    let symbol = inputs.iter().find_map(|input| input.symbol.as_ref())?;
    Some(write_down(&symbol.trace, op(), inputs))
}

fn write_down(trace: &Trace, op: Op, inputs: &[&Tensor]) -> Result<Tensor> {
    let name = op.name();
    let mut operands = Vec::with_capacity(inputs.len());
    for input in inputs {
        inputs[0].require_same_context(name, input)?;
        operands.push(match (trace.value_of(input), input.is_symbolic()) {
            (Some(value), _) => TraceOperand::Value(value),
            (None, false) => TraceOperand::Constant((*input).clone()),
            (None, true) => return Err(Error::Contexts { op: name }),
        });
        if !op.moves_only() {
            input.require_f32(name, "x")?;
        } else if input.dtype() != inputs[0].dtype() {
            let (found, expected) = (input.dtype(), inputs[0].dtype().name());
            return Err(Error::DType { op: name, operand: "tensors", found, expected });
        }
    }
    let shapes: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
    let shape = op.output_shape(&shapes)?;
    let dtype = op.output_dtype(inputs[0].dtype());
    let value = trace.next();
    let y = trace.symbolic(inputs[0].context(), &shape, dtype, value)?;
    trace.lock().steps.push(TraceStep { op, inputs: operands, output: value, shape, dtype });
    Ok(y)
}
