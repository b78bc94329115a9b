//! From a graph to a plan that runs.

use std::sync::{Arc, Mutex, PoisonError};

use tilewright_runtime::{Buffer, Context, Plan};
use tilewright_tensor::Tensor;

use crate::{
    error::Result,
    graph::Graph,
    lowering::{Recorded, record},
    passes::{self, PassReport},
    ports::{Port, Ports},
    precision::Precision,
    session::Session,
};

/// How a graph is compiled.
#[derive(Clone, Debug)]
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
            let changed;
            (graph, changed) = passes::convert_f16(&graph)?;
            passes.push(PassReport { pass: "convert_f16", changed });
        }
        let Recorded { context, inputs, outputs } = record(&graph)?;
        let plan = context.plan_sharing(&refs(&inputs), &refs(&outputs), graph.shared().packed())?;
        let ports = Arc::new(Ports::of(&graph));
        Ok(Self { plan: Arc::new(plan), ports, passes, graph, own: Mutex::default() })
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
    /// # Errors
    /// [`Error::InputCount`](crate::Error::InputCount), [`Error::Input`](crate::Error::Input).
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        // A panic leaves a session that the next request fills anew.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *own {
            Some(session) => session.run(inputs),
            none => none.insert(self.session()?).run(inputs),
        }
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

fn refs(buffers: &[Buffer]) -> Vec<&Buffer> {
    buffers.iter().collect()
}
