//! A network whose inputs may have any shape: one plan for each that has been seen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{
    compile::{Compiled, Options},
    constants::Constants,
    error::Result,
    graph::Graph,
    session::Session,
};

/// Makes the graph for inputs of the given shapes.
type Build = dyn Fn(&[Vec<usize>]) -> Result<Graph> + Send + Sync;

/// The shapes of all inputs.
type Shapes = Vec<Vec<usize>>;

/// Plans by the shapes of the inputs, made when they are first needed; all read the same parameters.
///
/// Threads share a model. One that asks for shapes that are known never waits for a plan in the making; those that ask
/// for new shapes make their plans one after the other, each once, so that the weights are folded and packed once.
pub struct Model {
    context: Context,
    build: Box<Build>,
    options: Options,
    most: usize,
    /// The one used last is at the end. Locked for a look only.
    plans: Mutex<Vec<(Shapes, Arc<Compiled>)>>,
    /// Held while a plan is made.
    planning: Mutex<()>,
    constants: Arc<Constants>,
}

impl Model {
    /// A network whose graph `build` makes for the shapes of its inputs; at most `most` plans are kept, of which the one
    /// that has not been used for longest makes room.
    pub fn new(
        context: &Context,
        options: Options,
        most: usize,
        build: impl Fn(&[Vec<usize>]) -> Result<Graph> + Send + Sync + 'static,
    ) -> Self {
        Self {
            context: context.clone(),
            build: Box::new(build),
            options,
            most: most.max(1),
            plans: Mutex::default(),
            planning: Mutex::default(),
            constants: Arc::default(),
        }
    }

    /// The plan for inputs of these shapes.
    ///
    /// # Errors
    /// Those of making the graph and its plan.
    pub fn plan(&self, shapes: &[Vec<usize>]) -> Result<Arc<Compiled>> {
        if let Some(known) = self.known(shapes) {
            return Ok(known);
        }
        let _planning = lock(&self.planning);
        // Another thread may have planned these shapes meanwhile.
        if let Some(known) = self.known(shapes) {
            return Ok(known);
        }
        let mut graph = (self.build)(shapes)?;
        graph.share(self.constants.clone());
        let compiled = Arc::new(Compiled::new(&graph, &self.options)?);
        let mut plans = lock(&self.plans);
        if plans.len() >= self.most {
            plans.remove(0);
        }
        plans.push((shapes.to_vec(), compiled.clone()));
        Ok(compiled)
    }

    /// A session for inputs of these shapes, which keeps its plan alive for as long as it lives.
    ///
    /// # Errors
    /// Those of [`Self::plan`] and [`Compiled::session`].
    pub fn session(&self, shapes: &[Vec<usize>]) -> Result<Session> {
        self.plan(shapes)?.session()
    }

    /// Runs on tensors of any shape that the network takes; from any thread.
    ///
    /// # Errors
    /// Those of [`Self::plan`] and [`Compiled::run`].
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let shapes: Vec<_> = inputs.iter().map(|input| input.shape().to_vec()).collect();
        self.plan(&shapes)?.run(inputs)
    }

    /// Plans that are kept now.
    pub fn plans(&self) -> usize {
        lock(&self.plans).len()
    }

    /// What the plans share: folded and packed weights.
    pub fn constants(&self) -> &Constants {
        &self.constants
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The plan for these shapes, if there is one; it is then the one used last.
    fn known(&self, shapes: &[Vec<usize>]) -> Option<Arc<Compiled>> {
        let mut plans = lock(&self.plans);
        let at = plans.iter().position(|(known, _)| known == shapes)?;
        plans[at..].rotate_left(1);
        plans.last().map(|(_, compiled)| compiled.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
