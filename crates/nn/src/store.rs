//! Parameters under torchvision's paths, in the order in which the network makes them.

use std::{
    fmt::Display,
    ops::Div,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use tilewright_autograd::{LeafId, Var};
use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_tensor::{self as tensor, Layout, Tensor};

use crate::{Error, Pass, Result, init::Init};

/// A tensor that belongs to a network: learnt, or kept (running statistics).
pub struct Parameter {
    path: String,
    id: LeafId,
    value: Mutex<Tensor>,
    trainable: AtomicBool,
}

impl Parameter {
    /// Its path, such as `layer1.0.conv1.weight`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Under which its gradient is found.
    pub fn id(&self) -> LeafId {
        self.id
    }

    /// Its value.
    pub fn tensor(&self) -> Tensor {
        self.lock().clone()
    }

    /// Its value as a variable: a leaf if the pass wants gradients and it is trainable.
    pub fn var(&self, pass: &Pass) -> Var {
        if pass.wants_gradients() && self.is_trainable() {
            Var::leaf_of(self.tensor(), self.id)
        } else {
            Var::constant(self.tensor())
        }
    }

    /// Gives it another value of the same shape. It is kept row-major, as the kernels read weights.
    ///
    /// # Errors
    /// [`Error::ParameterShape`], and a tensor's error unless it is f32 and lives on the parameter's context.
    pub fn set(&self, value: Tensor) -> Result<()> {
        let mut slot = self.lock();
        if value.shape() != slot.shape() {
            let (expected, found) = (slot.shape().to_vec(), value.shape().to_vec());
            return Err(Error::ParameterShape { path: self.path.clone(), expected, found });
        }
        let op = "Parameter::set";
        // A parameter outlives the capture in which a symbolic value means something.
        if value.is_symbolic() {
            return Err(tensor::Error::from(tilewright_runtime::Error::Unbacked { op: op.to_owned() }).into());
        }
        if value.dtype() != slot.dtype() {
            let (found, expected) = (value.dtype(), slot.dtype().name());
            return Err(tensor::Error::DType { op, operand: "value", found, expected }.into());
        }
        if !value.context().same(slot.context()) {
            return Err(tensor::Error::Contexts { op }.into());
        }
        *slot = value.to_layout(Layout::RowMajor)?;
        Ok(())
    }

    /// Lets `step` change the value in place, as optimizers do. Who took the tensor before keeps what they took: memory
    /// that somebody else holds (a clone, a reshaped tensor, a tape) is copied first.
    pub fn update<T>(&self, step: impl FnOnce(&Tensor) -> Result<T>) -> Result<T> {
        let mut slot = self.lock();
        if !slot.buffer().is_unique() {
            *slot = slot.copy()?;
        }
        step(&slot)
    }

    fn lock(&self) -> MutexGuard<'_, Tensor> {
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
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameter({}, {:?})", self.path, self.tensor().shape())
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

/// Everything that a network's layers made, in their order.
#[derive(Clone)]
pub struct ParameterStore {
    context: Context,
    seed: u64,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl ParameterStore {
    /// An empty store; parameters are drawn from `seed` and their path, so that the order of making does not matter.
    pub fn new(context: &Context, seed: u64) -> Self {
        Self { context: context.clone(), seed, entries: Arc::default() }
    }

    /// The root of the paths.
    pub fn root(&self) -> Scope {
        Scope { store: self.clone(), path: String::new() }
    }

    /// The context on which the parameters live.
    pub fn context(&self) -> &Context {
        &self.context
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every entry in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The learnt tensors in order.
    pub fn parameters(&self) -> Vec<Arc<Parameter>> {
        let learnt = |entry: &Entry| match entry {
            Entry::Parameter(parameter) => Some(parameter.clone()),
            _ => None,
        };
        self.lock().iter().filter_map(learnt).collect()
    }

    /// The learnt tensor of that path.
    pub fn parameter(&self, path: &str) -> Option<Arc<Parameter>> {
        self.parameters().into_iter().find(|parameter| parameter.path() == path)
    }

    /// Numbers that are learnt.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|parameter| parameter.tensor().count()).sum()
    }

    fn add(&self, entry: Entry) -> Result<()> {
        let mut entries = self.lock();
        if entries.iter().any(|other| other.path() == entry.path()) {
            return Err(Error::DuplicatePath { path: entry.path().to_owned() });
        }
        entries.push(entry);
        Ok(())
    }
}

/// A place among the paths: `scope / "layer1" / 0 / "conv1"`.
#[derive(Clone)]
pub struct Scope {
    store: ParameterStore,
    path: String,
}

impl Scope {
    /// The path so far; empty at the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The context on which parameters are made.
    pub fn context(&self) -> &Context {
        self.store.context()
    }

    fn join(&self, name: impl Display) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    fn make(&self, name: &str, shape: &[usize], init: Init, trainable: bool) -> Result<Arc<Parameter>> {
        let path = self.join(name);
        // Whether the device can hold it is asked before the numbers are drawn: a wrong size may be an enormous one.
        drop(Tensor::empty(self.context(), shape, DType::F32, Layout::RowMajor)?);
        let values = init.values(shape, self.store.seed, &path);
        let value = Mutex::new(Tensor::from_slice(self.context(), &values, shape)?);
        Ok(Arc::new(Parameter { path, id: LeafId::new(), value, trainable: AtomicBool::new(trainable) }))
    }

    /// Makes a learnt tensor.
    pub fn parameter(&self, name: &str, shape: &[usize], init: Init) -> Result<Arc<Parameter>> {
        let parameter = self.make(name, shape, init, true)?;
        self.store.add(Entry::Parameter(parameter.clone()))?;
        Ok(parameter)
    }

    /// Makes a tensor that is kept but not learnt.
    pub fn buffer(&self, name: &str, shape: &[usize], init: Init) -> Result<Arc<Parameter>> {
        let parameter = self.make(name, shape, init, false)?;
        self.store.add(Entry::Buffer(parameter.clone()))?;
        Ok(parameter)
    }

    /// Makes a whole number that is kept.
    pub fn counter(&self, name: &str) -> Result<Arc<AtomicI64>> {
        let counter = Arc::<AtomicI64>::default();
        self.store.add(Entry::Counter(self.join(name), counter.clone()))?;
        Ok(counter)
    }
}

impl<T: Display> Div<T> for &Scope {
    type Output = Scope;

    fn div(self, name: T) -> Scope {
        Scope { store: self.store.clone(), path: self.join(name) }
    }
}

impl<T: Display> Div<T> for Scope {
    type Output = Scope;

    fn div(self, name: T) -> Scope {
        &self / name
    }
}
