//! Parameters under torchvision's paths, in the order in which the network makes them.

use std::{
    collections::HashSet,
    fmt::Display,
    ops::Div,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    thread,
};

use tilewright_autograd::LeafId;
use tilewright_runtime::Context;

use crate::{
    error::Error, error::Result, init::Init, parameter::Entry, parameter::First, parameter::Parameter,
    state::report::LoadReport, state::source::StateSource, state::source::Unwrapped,
};

/// The most threads that fill parameters: beyond a few, memory is what they wait for.
const THREADS: usize = 4;

/// Numbers that are written to the device before it is told.
const SUBMITTED: usize = 1 << 21;

/// Everything that a network's layers made, in their order.
#[derive(Clone)]
pub struct ParameterStore {
    context: Context,
    seed: u64,
    made: Arc<Mutex<Made>>,
}

#[derive(Default)]
struct Made {
    entries: Vec<Entry>,
    paths: HashSet<String>,
    /// Where first values come from.
    source: Option<Arc<dyn StateSource>>,
    /// Nobody gives the parameters numbers.
    shapes_only: bool,
}

impl ParameterStore {
    /// An empty store; parameters are drawn from `seed` and their path, so that the order of making does not matter.
    pub fn new(context: &Context, seed: u64) -> Self {
        Self { context: context.clone(), seed, made: Arc::default() }
    }

    /// An empty store whose parameters take the values that `source` has under their paths: nothing is drawn for them. What
    /// `source` has not, or in another shape, is drawn as in [`Self::new`]. Prefixes of PyTorch's wrappers are taken off, as
    /// [`Unwrapped`] does.
    ///
    /// When the network is made, [`Self::finish_loading`] says whether everything fitted.
    ///
    /// ```no_run
    /// use std::{path::Path, sync::Arc};
    /// use tilewright_nn::{ParameterStore, StateFile, layers::Linear};
    /// # let context = tilewright_runtime::Context::new()?;
    /// let file = StateFile::open(Path::new("head.safetensors"))?;
    /// let store = ParameterStore::from_state(&context, 0, Arc::new(file));
    /// let head = Linear::new(&(store.root() / "fc"), 512, 10)?;
    /// store.finish_loading()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_state(context: &Context, seed: u64, source: Arc<dyn StateSource>) -> Self {
        let store = Self::new(context, seed);
        store.lock().source = Some(Arc::new(Unwrapped::new(source)));
        store
    }

    /// Ends the loading of [`Self::from_state`] and lets go of its source; parameters that are made later are drawn.
    ///
    /// # Errors
    /// [`Error::StateDict`] with the report if a name is missing, unexpected or misshaped: the network is not to be used, and
    /// nothing was read. What the source and the device report.
    pub fn finish_loading(&self) -> Result<LoadReport> {
        let Some(source) = self.take_source() else { return Ok(LoadReport::default()) };
        let report = source.report(self).require_clean(&source.label())?;
        self.fill()?;
        Ok(report)
    }

    /// As [`Self::finish_loading`], with what does not fit in the report alone: for transfer learning. A counter that the
    /// source lacks is 0.
    ///
    /// # Errors
    /// What the source and the device report.
    pub fn finish_loading_matching(&self) -> Result<LoadReport> {
        let Some(source) = self.take_source() else { return Ok(LoadReport::default()) };
        let report = source.report(self);
        self.fill()?;
        Ok(report)
    }

    /// An empty store whose parameters have memory but no numbers, for looking at a network: its names, shapes and what it
    /// computes ([`crate::capture`]). Nothing is drawn, and what it computes is without meaning.
    pub fn shapes_only(context: &Context) -> Self {
        let store = Self::new(context, 0);
        store.lock().shapes_only = true;
        store
    }

    fn take_source(&self) -> Option<Arc<dyn StateSource>> {
        self.lock().source.take()
    }

    /// Loads or draws, on several threads, what nobody has asked for yet. The numbers are those that it would have had
    /// anyway.
    ///
    /// # Errors
    /// What the store's source and the device report.
    pub fn fill(&self) -> Result<()> {
        let mut empty = Vec::new();
        for entry in self.entries() {
            if let Entry::Parameter(parameter) | Entry::Buffer(parameter) = entry
                && parameter.is_empty()
            {
                empty.push(parameter);
            }
        }
        // The large ones first: at the end no thread waits long for another.
        empty.sort_by_key(|parameter| std::cmp::Reverse(parameter.count()));
        let (next, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            while let Some(parameter) = empty.get(next.fetch_add(1, Ordering::Relaxed)) {
                parameter.tensor()?;
                // What was written lies twice in memory until the device has it: it is not to wait for the last one.
                let before = written.fetch_add(parameter.count(), Ordering::Relaxed);
                if before / SUBMITTED != (before + parameter.count()) / SUBMITTED {
                    self.context.queue().submit([]);
                }
            }
            Ok(())
        };
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        if threads < 2 || empty.iter().map(|parameter| parameter.count()).sum::<usize>() < SUBMITTED {
            return work();
        }
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mine = work();
            let join = |thread: thread::ScopedJoinHandle<'_, Result<()>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            others.into_iter().map(join).fold(mine, Result::and)
        })
    }

    /// The root of the paths.
    pub fn root(&self) -> Scope {
        Scope { store: self.clone(), path: String::new() }
    }

    /// The context on which the parameters live.
    pub fn context(&self) -> &Context {
        &self.context
    }

    fn lock(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every entry in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    /// The learnt tensors in order.
    pub fn parameters(&self) -> Vec<Arc<Parameter>> {
        let learnt = |entry: &Entry| match entry {
            Entry::Parameter(parameter) => Some(parameter.clone()),
            _ => None,
        };
        self.lock().entries.iter().filter_map(learnt).collect()
    }

    /// The learnt tensor of that path.
    pub fn parameter(&self, path: &str) -> Option<Arc<Parameter>> {
        self.parameters().into_iter().find(|parameter| parameter.path() == path)
    }

    /// The path of the learnt tensor of that name, for [`tilewright_autograd::Tape::named`].
    pub fn path_of(&self, id: LeafId) -> Option<String> {
        let all = self.parameters().into_iter();
        all.filter(|parameter| parameter.id() == id).map(|found| found.path().to_owned()).next()
    }

    /// `error` with the path of the parameter, if it is an anomaly that belongs to one ([`tilewright_autograd::detect_anomaly`]).
    pub fn explain(&self, error: Error) -> Error {
        match error {
            Error::Autograd(tilewright_autograd::Error::Anomaly(anomaly)) => {
                let anomaly = anomaly.named(|id| self.path_of(id));
                Error::Autograd(tilewright_autograd::Error::Anomaly(Box::new(anomaly)))
            }
            other => other,
        }
    }

    /// Numbers that are learnt.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|parameter| parameter.count()).sum()
    }

    fn source(&self) -> Option<Arc<dyn StateSource>> {
        self.lock().source.clone()
    }

    fn add(&self, entry: Entry) -> Result<()> {
        let mut made = self.lock();
        if !made.paths.insert(entry.path().to_owned()) {
            return Err(Error::DuplicatePath { path: entry.path().to_owned() });
        }
        made.entries.push(entry);
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

    fn make(&self, name: &str, shape: &[usize], init: Init) -> Result<Parameter> {
        let path = self.join(name);
        let source = self.store.source().filter(|source| source.shape(&path) == Some(shape));
        let first = source.map_or(First::Drawn(init, self.store.seed), First::Loaded);
        let first = (!self.store.lock().shapes_only).then_some(first);
        Parameter::new(self.context(), path, shape, first)
    }

    /// Makes a learnt tensor.
    ///
    /// # Errors
    /// [`Error::DuplicatePath`]; a runtime's error if the device has no room for `shape`; what the store's source says.
    pub fn parameter(&self, name: &str, shape: &[usize], init: Init) -> Result<Arc<Parameter>> {
        let parameter = Arc::new(self.make(name, shape, init)?);
        self.store.add(Entry::Parameter(parameter.clone()))?;
        Ok(parameter)
    }

    /// Makes a tensor that is kept but not learnt.
    ///
    /// # Errors
    /// As [`Self::parameter`].
    pub fn buffer(&self, name: &str, shape: &[usize], init: Init) -> Result<Arc<Parameter>> {
        let parameter = Arc::new(self.make(name, shape, init)?);
        parameter.set_trainable(false);
        self.store.add(Entry::Buffer(parameter.clone()))?;
        Ok(parameter)
    }

    /// Makes a whole number that is kept.
    ///
    /// # Errors
    /// [`Error::DuplicatePath`]; what the store's source says.
    pub fn counter(&self, name: &str) -> Result<Arc<AtomicI64>> {
        let (counter, path) = (Arc::<AtomicI64>::default(), self.join(name));
        let single = |source: &Arc<dyn StateSource>| matches!(source.shape(&path), Some([] | [1]));
        if let Some(source) = self.store.source().filter(single)
            && let Some(value) = source.tensor(&path)?
        {
            counter.store(value.first_i64(), Ordering::Relaxed);
        }
        self.store.add(Entry::Counter(path, counter.clone()))?;
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
