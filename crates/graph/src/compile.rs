//! From a graph to a plan that runs.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tilewright_runtime::{Context, Plan};
use tilewright_tensor::Tensor;

use crate::{
    error::Result,
    graph::Graph,
    lowering,
    passes::{self, PassReport},
    ports::{Port, Ports},
    precision::Precision,
    range::{self, KeptInF32},
    session::Session,
};

/// How a graph is compiled.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the passes run.
    pub optimize: bool,
    /// In which type products and convolutions keep their numbers.
    pub precision: Precision,
    /// Whether products are exact, as on a context of [`Context::exact`]: neither minimal filtering nor split halves.
    pub exact: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { optimize: true, precision: Precision::F32, exact: false }
    }
}

/// A graph with its plan: weights, pipelines and the layout of memory, which never change. [`Self::session`] makes what a
/// request writes to; any number of threads run at once, each with a session of its own.
pub struct Compiled {
    graph: Graph,
    plan: Arc<Plan>,
    ports: Arc<Ports>,
    passes: Vec<PassReport>,
    options: Options,
    /// The graph before it was converted to f16, whose range no sample has been asked for yet.
    wide: Option<Graph>,
    /// What a sample said.
    kept: OnceLock<Vec<KeptInF32>>,
    /// The session of [`Self::run`], made at its first call.
    own: Mutex<Option<Session>>,
}

impl Compiled {
    /// Optimises `graph` and plans it.
    ///
    /// # Errors
    /// [`Error::Node`](crate::Error::Node) if the device cannot run a node; [`Error::Runtime`](crate::Error::Runtime) if
    /// it has no room.
    pub fn new(graph: &Graph, options: &Options) -> Result<Self> {
        let exact = if options.exact { graph.exact() } else { graph.clone() };
        let (mut graph, mut passes) =
            if options.optimize { passes::optimize(&exact)? } else { (exact, Vec::new()) };
        if options.precision == Precision::F16 {
            let wide = graph.clone();
            graph = half(&wide, &HashSet::new(), &mut passes)?;
            return Ok(Self { wide: Some(wide), ..Self::planned(graph, passes, options)? });
        }
        Self::planned(graph, passes, options)
    }

    fn planned(graph: Graph, passes: Vec<PassReport>, options: &Options) -> Result<Self> {
        let (plan, ports) = lowering::plan(&graph)?;
        let (wide, kept, own) = (None, OnceLock::new(), Mutex::default());
        Ok(Self { graph, plan, ports, passes, options: *options, wide, kept, own })
    }

    /// Of a network in f16: the same with those convolutions and products in f32 whose operands or results go beyond half
    /// the range of f16, 32752, on this sample, or nothing where none does. The network runs once in f32 for it; the sample
    /// should be like the requests. Nothing, too, for a network in f32.
    ///
    /// # Errors
    /// Those of [`Self::new`] and [`Self::run`].
    pub fn in_range(&self, sample: &[&Tensor]) -> Result<Option<Self>> {
        let Some(wide) = &self.wide else { return Ok(None) };
        let beyond = range::beyond(wide, sample)?;
        if beyond.is_empty() {
            return Ok(None);
        }
        let (nodes, kept): (HashSet<usize>, Vec<KeptInF32>) = beyond.into_iter().unzip();
        let mut passes = self.passes.clone();
        passes.retain(|report| report.pass != CONVERT);
        let graph = half(wide, &nodes, &mut passes)?;
        Ok(Some(Self { kept: OnceLock::from(kept), ..Self::planned(graph, passes, &self.options)? }))
    }

    /// The convolutions and products that stay in f32 although f16 was asked for, because a sample, or the first request of
    /// [`Self::run`], went beyond the range of f16 in them.
    pub fn kept_in_f32(&self) -> &[KeptInF32] {
        self.kept.get().map_or(&[], |kept| kept)
    }

    /// Memory for one request at a time. It costs that memory and a bind group for each launch: nothing is compiled, and
    /// no weight is copied.
    ///
    /// # Errors
    /// [`Error::Runtime`](crate::Error::Runtime) if the device has no room.
    pub fn session(&self) -> Result<Session> {
        Ok(Session::new(self.ports.clone(), self.plan.replay()?))
    }

    /// Runs on tensors of the same context and gives tensors of their own memory; from any thread. All calls go through
    /// one session, which is locked while a request is recorded, not while the device computes: one queue does one
    /// request after the other anyway.
    ///
    /// In f16 the first request is the sample of [`Self::in_range`], and what that gives runs from then on
    /// ([`Self::kept_in_f32`] says what was changed): an activation beyond the range of f16 would be infinite.
    ///
    /// # Errors
    /// [`Error::InputCount`](crate::Error::InputCount), [`Error::Input`](crate::Error::Input).
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        // A panic leaves a session that the next request fills anew.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *own {
            Some(session) => session.run(inputs),
            none => none.insert(self.first(inputs)?).run(inputs),
        }
    }

    /// The session that fits the range of a first request.
    fn first(&self, inputs: &[&Tensor]) -> Result<Session> {
        let Some(wider) = self.in_range(inputs)? else { return self.session() };
        let session = wider.session()?;
        // The first request alone comes here.
        let _ = self.kept.set(wider.kept_in_f32().to_vec());
        Ok(session)
    }

    /// The inputs in order.
    pub fn inputs(&self) -> &[Port] {
        &self.ports.inputs
    }

    /// The outputs in order.
    pub fn outputs(&self) -> &[Port] {
        &self.ports.outputs
    }

    /// The graph as it runs, after the passes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What the passes did.
    pub fn passes(&self) -> &[PassReport] {
        &self.passes
    }

    /// Launches and memory.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        self.plan.context()
    }
}

/// The pass that converts to f16, in reports.
const CONVERT: &str = "convert_f16";

/// The graph in f16, but for the nodes of these numbers, and a report of it.
fn half(graph: &Graph, kept: &HashSet<usize>, passes: &mut Vec<PassReport>) -> Result<Graph> {
    let (graph, changed) = passes::convert_f16_but(graph, kept)?;
    passes.push(PassReport { pass: CONVERT, changed });
    Ok(graph)
}
