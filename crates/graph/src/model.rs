//! A network whose inputs may have any shape: one plan for each that has been seen.

use std::sync::{Arc, Mutex};

use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{Compiled, Constants, Graph, Options, Result};

/// Makes the graph for inputs of the given shapes.
type Build = dyn Fn(&[Vec<usize>]) -> Result<Graph> + Send + Sync;

/// The shapes of all inputs.
type Shapes = Vec<Vec<usize>>;

/// Plans by the shapes of the inputs, made when they are first needed; all read the same parameters.
pub struct Model {
    context: Context,
    build: Box<Build>,
    options: Options,
    most: usize,
    plans: Mutex<Vec<(Shapes, Arc<Compiled>)>>,
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
        let (plans, constants) = (Mutex::default(), Arc::default());
        Self {
            context: context.clone(),
            build: Box::new(build),
            options,
            most: most.max(1),
            plans,
            constants,
        }
    }

    /// The plan for inputs of these shapes.
    ///
    /// # Errors
    /// Those of making the graph and its plan.
    pub fn plan(&self, shapes: &[Vec<usize>]) -> Result<Arc<Compiled>> {
        let mut plans = self.plans.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(at) = plans.iter().position(|(known, _)| known == shapes) {
            let found = plans.remove(at);
            plans.push(found);
        } else {
            let mut graph = (self.build)(shapes)?;
            graph.share(self.constants.clone());
            let compiled = Compiled::new(&graph, &self.options)?;
            if plans.len() >= self.most {
                plans.remove(0);
            }
            plans.push((shapes.to_vec(), Arc::new(compiled)));
        }
        Ok(plans[plans.len() - 1].1.clone())
    }

    /// Runs on tensors of any shape that the network takes.
    ///
    /// # Errors
    /// Those of [`Self::plan`] and [`Compiled::run`].
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let shapes: Vec<_> = inputs.iter().map(|input| input.shape().to_vec()).collect();
        self.plan(&shapes)?.run(inputs)
    }

    /// Plans that are kept now.
    pub fn plans(&self) -> usize {
        self.plans.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len()
    }

    /// What the plans share: folded and packed weights.
    pub fn constants(&self) -> &Constants {
        &self.constants
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        &self.context
    }
}
