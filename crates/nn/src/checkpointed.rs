//! Gradient checkpointing of layers (Chen et al., arXiv 1604.06174).

use std::sync::Arc;

use tilewright_autograd::{Var, checkpoint_by};

use crate::{error::Error, error::Result, module::Layer, pass::Pass};

/// `part` of `inputs`, computed anew on the way back: of a training pass only the inputs and results are saved. The second run
/// draws the same random numbers, and leaves running statistics as they are; its gradients have the bits of the plain pass. A
/// pass without gradients is as without.
///
/// # Errors
/// Those of `part`.
pub fn checkpoint(
    inputs: &[&Var],
    pass: &Pass,
    part: impl Fn(&[Var], &Pass) -> Result<Vec<Var>> + Send + Sync + 'static,
) -> Result<Vec<Var>> {
    if !pass.wants_gradients() {
        let inputs: Vec<Var> = inputs.iter().map(|&input| input.clone()).collect();
        return part(&inputs, pass);
    }
    // As it stands before the first run draws from it.
    let (again, part) = (pass.again(), Arc::new(part));
    let second = part.clone();
    checkpoint_by(inputs, |inputs| part(inputs, pass), move |inputs| second(inputs, &again))
}

/// A layer that saves its input alone in training, and is computed anew on the way back; or a part of a network with several
/// inputs ([`Self::run`]).
pub struct Checkpointed<L: ?Sized> {
    always: bool,
    layer: Arc<L>,
}

impl<L> Checkpointed<L> {
    /// In every training pass.
    pub fn new(layer: L) -> Self {
        Self { always: true, layer: Arc::new(layer) }
    }

    /// In passes that ask for it ([`Pass::with_checkpointing`]): what a network's blocks are wrapped in.
    pub fn asked(layer: L) -> Self {
        Self { always: false, layer: Arc::new(layer) }
    }
}

impl<L: ?Sized> Checkpointed<L> {
    /// The layer itself.
    pub fn layer(&self) -> &L {
        &self.layer
    }
}

impl<L: Send + Sync + 'static> Checkpointed<L> {
    /// What `part` makes of the layer and `inputs`, which alone are saved then.
    ///
    /// # Errors
    /// Those of `part`.
    pub fn run<const COUNT: usize>(
        &self,
        inputs: [&Var; COUNT],
        pass: &Pass,
        part: impl Fn(&L, [&Var; COUNT], &Pass) -> Result<Var> + Send + Sync + 'static,
    ) -> Result<Var> {
        if !(self.always || pass.is_checkpointing()) {
            return part(&self.layer, inputs, pass);
        }
        let layer = self.layer.clone();
        let part = move |inputs: &[Var], pass: &Pass| match <&[Var; COUNT]>::try_from(inputs) {
            Ok(inputs) => Ok(vec![part(&layer, inputs.each_ref(), pass)?]),
            Err(_) => Ok(Vec::new()),
        };
        let names = "checkpoint".to_owned();
        checkpoint(&inputs, pass, part)?.pop().ok_or(Error::NotOne { names })
    }
}

impl<L: Layer + 'static> Layer for Checkpointed<L> {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        self.run([x], pass, |layer, [x], pass| layer.forward(x, pass))
    }
}
