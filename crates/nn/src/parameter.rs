//! A tensor that belongs to a network.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use tilewright_autograd::{LeafId, Var};
use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_tensor::{self as tensor, Layout, Tensor};

use crate::{error::Error, error::Result, init::Init, pass::Pass, state::source::StateSource};

/// A tensor that belongs to a network: learnt, or kept (running statistics).
///
/// Its first numbers are drawn, or read from the store's source, when they are first asked for: a network whose values come
/// from a file draws none.
pub struct Parameter {
    path: String,
    id: LeafId,
    context: Context,
    shape: Vec<usize>,
    value: Mutex<Value>,
    trainable: AtomicBool,
    tracked: AtomicBool,
}

struct Value {
    tensor: Tensor,
    /// How to fill the tensor, which nobody else has seen.
    first: Option<First>,
}

/// Where the first numbers come from.
pub(crate) enum First {
    /// Drawn, with this seed.
    Drawn(Init, u64),
    /// What the source has under the parameter's path, of its shape.
    Loaded(Arc<dyn StateSource>),
}

impl Parameter {
    /// One whose numbers are not there yet, or never will be without a `first`. Its memory is taken now, so that a size that the device cannot hold is known
    /// here.
    pub(crate) fn new(
        context: &Context,
        path: String,
        shape: &[usize],
        first: Option<First>,
    ) -> Result<Self> {
        let tensor = Tensor::empty(context, shape, DType::F32, Layout::RowMajor)?;
        Ok(Self {
            path,
            id: LeafId::new(),
            context: context.clone(),
            shape: shape.to_vec(),
            value: Mutex::new(Value { tensor, first }),
            trainable: AtomicBool::new(true),
            tracked: AtomicBool::new(true),
        })
    }

    /// Its path, such as `layer1.0.conv1.weight`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Under which its gradient is found.
    pub fn id(&self) -> LeafId {
        self.id
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Numbers that it holds.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The context on which it lives.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Its value; drawn or loaded now, if nobody has read or set it before.
    ///
    /// # Errors
    /// What the device or the store's source reports.
    pub fn tensor(&self) -> Result<Tensor> {
        Ok(self.filled(&mut self.lock())?.clone())
    }

    /// Its value as a variable: a leaf if the pass wants gradients and it is trainable.
    ///
    /// # Errors
    /// As [`Self::tensor`].
    pub fn var(&self, pass: &Pass) -> Result<Var> {
        let value = self.tensor()?;
        Ok(if pass.wants_gradients() && self.is_trainable() {
            Var::leaf_of(value, self.id)
        } else {
            Var::constant(value)
        })
    }

    /// Gives it another value of the same shape. It is kept row-major, as the kernels read weights.
    ///
    /// # Errors
    /// [`Error::ParameterShape`], and a tensor's error unless it is f32 and lives on the parameter's context.
    pub fn set(&self, value: Tensor) -> Result<()> {
        if value.shape() != self.shape {
            let (expected, found) = (self.shape.clone(), value.shape().to_vec());
            return Err(Error::ParameterShape { path: self.path.clone(), expected, found });
        }
        let op = "Parameter::set";
        // A parameter outlives the capture in which a symbolic value means something.
        if value.is_symbolic() {
            return Err(tensor::Error::from(tilewright_runtime::Error::Unbacked { op: op.to_owned() }).into());
        }
        if value.dtype() != DType::F32 {
            let (found, expected) = (value.dtype(), DType::F32.name());
            return Err(tensor::Error::DType { op, operand: "value", found, expected }.into());
        }
        if !value.context().same(&self.context) {
            return Err(tensor::Error::Contexts { op }.into());
        }
        *self.lock() = Value { tensor: value.to_layout(Layout::RowMajor)?, first: None };
        Ok(())
    }

    /// Lets `step` change the value in place, as optimizers do. Who took the tensor before keeps what they took: memory
    /// that somebody else holds (a clone, a reshaped tensor, a tape) is copied first.
    ///
    /// # Errors
    /// Those of `step`; what the device reports.
    pub fn update<T>(&self, step: impl FnOnce(&Tensor) -> Result<T>) -> Result<T> {
        let mut value = self.lock();
        let tensor = self.filled(&mut value)?;
        if !tensor.buffer().is_unique() {
            *tensor = tensor.copy()?;
        }
        step(tensor)
    }

    /// The value, made if it is not there yet.
    fn filled<'a>(&self, value: &'a mut Value) -> Result<&'a mut Tensor> {
        let write =
            |numbers: &[f32]| self.context.write(value.tensor.buffer(), bytemuck::cast_slice(numbers));
        match &value.first {
            None => return Ok(&mut value.tensor),
            Some(First::Drawn(init, seed)) => write(&init.values(&self.shape, *seed, &self.path))?,
            Some(First::Loaded(source)) => match source.tensor(&self.path)? {
                Some(found) => write(&found.to_f32())?,
                None => {
                    let (name, there) = (self.path.clone(), source.label());
                    return Err(Error::MissingValue { name, there });
                }
            },
        }
        value.first = None;
        Ok(&mut value.tensor)
    }

    /// Whether its first numbers are not there yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().first.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Value> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether training changes it.
    pub fn is_trainable(&self) -> bool {
        self.trainable.load(Ordering::Relaxed)
    }

    /// Freezes it, or lets training change it again.
    pub fn set_trainable(&self, trainable: bool) {
        self.trainable.store(trainable, Ordering::Relaxed);
    }

    /// Of a running statistic: whether training passes renew it. Where they do not, its layer normalises by it in training
    /// too.
    pub fn is_tracked(&self) -> bool {
        self.tracked.load(Ordering::Relaxed)
    }

    /// Keeps a running statistic as it is, or lets training passes renew it again.
    pub fn set_tracked(&self, tracked: bool) {
        self.tracked.store(tracked, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameter({}, {:?})", self.path, self.shape)
    }
}

/// One line of a state dict.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Learnt.
    Parameter(Arc<Parameter>),
    /// Kept: a running statistic.
    Buffer(Arc<Parameter>),
    /// A whole number (PyTorch's `num_batches_tracked`).
    Counter(String, Arc<AtomicI64>),
}

impl Entry {
    /// Its path.
    pub fn path(&self) -> &str {
        match self {
            Self::Parameter(parameter) | Self::Buffer(parameter) => parameter.path(),
            Self::Counter(path, _) => path,
        }
    }
}
