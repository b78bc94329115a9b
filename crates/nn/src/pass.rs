//! One forward pass: whether it trains, and where its random numbers come from.

use std::cell::{Cell, RefCell};

use tilewright_autograd::Var;
use tilewright_ops::Op;

use crate::error::Result;

/// How a module is run.
#[derive(Debug)]
pub struct Pass {
    training: bool,
    gradients: bool,
    half: bool,
    seed: u64,
    stream: Cell<u64>,
    checkpointing: bool,
    recomputing: bool,
    taps: Option<Box<Taps>>,
}

/// The layers whose outputs are wanted, and what came.
#[derive(Default)]
struct Taps {
    /// The paths, and the last output that was reported under each.
    wanted: RefCell<Vec<(String, Option<Var>)>>,
    /// Every path that was reported, for messages.
    reported: RefCell<Vec<String>>,
}

impl std::fmt::Debug for Taps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.wanted.borrow().iter().map(|(path, _)| path)).finish()
    }
}

/// Draws of random numbers that one step may make.
const STREAMS_PER_STEP: u64 = 1 << 20;

impl Pass {
    /// Training: batch statistics, dropout, gradients. The random numbers depend on `seed` and `step` alone, so that a
    /// resumed run draws the same.
    pub fn train(seed: u64, step: u64) -> Self {
        Self::of(true, seed, step.wrapping_mul(STREAMS_PER_STEP))
    }

    /// Inference: running statistics, no dropout, no tape.
    pub fn eval() -> Self {
        Self::of(false, 0, 0)
    }

    fn of(training: bool, seed: u64, stream: u64) -> Self {
        let (half, checkpointing, recomputing) = (false, false, false);
        let stream = Cell::new(stream);
        Self { training, gradients: training, half, seed, stream, checkpointing, recomputing, taps: None }
    }

    /// The same with or without gradients for the parameters.
    pub fn with_gradients(mut self, gradients: bool) -> Self {
        self.gradients = gradients;
        self
    }

    /// The same, keeping what the layers at `paths` give: [`crate::features_of`] hands it out. Nothing is checkpointed then: what
    /// layers within a checkpointed block give has no way back.
    pub fn with_taps(mut self, paths: &[&str]) -> Self {
        let wanted = paths.iter().map(|&path| (path.to_owned(), None)).collect::<Vec<_>>();
        self.taps = Some(Box::new(Taps { wanted: wanted.into(), ..Taps::default() }));
        self.checkpointing = false;
        self
    }

    /// Whether any layer's output is wanted.
    #[inline]
    pub fn is_tapped(&self) -> bool {
        self.taps.is_some()
    }

    /// Whether the output of the layer at `path` is wanted.
    #[inline]
    pub fn wants(&self, path: &str) -> bool {
        self.taps.as_ref().is_some_and(|taps| taps.wanted.borrow().iter().any(|(wanted, _)| wanted == path))
    }

    /// Says what the layer at `path` gives; [`crate::Tap`] does this for a layer.
    pub fn report(&self, path: &str, value: &Var) {
        let Some(taps) = &self.taps else { return };
        for (wanted, place) in taps.wanted.borrow_mut().iter_mut() {
            if wanted == path {
                *place = Some(value.clone());
            }
        }
        taps.reported.borrow_mut().push(path.to_owned());
    }

    /// What was reported under the wanted paths, in their order.
    pub(crate) fn take_tapped(&self) -> Vec<Option<Var>> {
        let Some(taps) = &self.taps else { return Vec::new() };
        taps.wanted.borrow_mut().iter_mut().map(|(_, value)| value.take()).collect()
    }

    /// Every path that was reported.
    pub(crate) fn reported(&self) -> Vec<String> {
        self.taps.as_ref().map(|taps| taps.reported.borrow().clone()).unwrap_or_default()
    }

    /// The same with or without f16 storage of what convolutions, linear layers and batch normalisations read, as
    /// [`Var::run_half`] has it; parameters stay f32.
    pub fn with_half_storage(mut self, half: bool) -> Self {
        self.half = half;
        self
    }

    /// Whether layers store what they read as f16.
    pub fn stores_half(&self) -> bool {
        self.half
    }

    /// Runs an operation of a layer that has f16 storage: by [`Var::run_half`] where the pass asks for it.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn run(&self, op: &Op, inputs: &[&Var]) -> Result<Vec<Var>> {
        Ok(if self.half { Var::run_half(op, inputs)? } else { Var::run(op, inputs)? })
    }

    /// The same with or without gradient checkpointing: the blocks of a network that may ([`crate::Checkpointed::asked`]) save
    /// their inputs alone, and are computed anew on the way back. Less memory, about a third more time, the same bits.
    pub fn with_checkpointing(mut self, checkpointing: bool) -> Self {
        self.checkpointing = checkpointing;
        self
    }

    /// Whether blocks that may are to be checkpointed.
    pub fn is_checkpointing(&self) -> bool {
        self.checkpointing && self.taps.is_none()
    }

    /// Whether this is the second run of a checkpointed part: what a layer keeps (running statistics, counters) was changed by
    /// the first.
    pub fn is_recomputing(&self) -> bool {
        self.recomputing
    }

    /// The pass as it stands now, for a second run of what comes next: it draws the same random numbers.
    pub(crate) fn again(&self) -> Self {
        Self { stream: self.stream.clone(), recomputing: true, taps: None, ..*self }
    }

    /// Whether batch statistics and dropout are used.
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// Whether parameters are leaves.
    pub fn wants_gradients(&self) -> bool {
        self.gradients
    }

    /// The seed and a stream of random numbers that no other call of this pass gets.
    pub fn draw(&self) -> (u64, u64) {
        let stream = self.stream.get();
        self.stream.set(stream.wrapping_add(1));
        (self.seed, stream)
    }
}
