//! One forward pass: whether it trains, and where its random numbers come from.

use std::cell::Cell;

/// How a module is run.
#[derive(Debug)]
pub struct Pass {
    training: bool,
    gradients: bool,
    seed: u64,
    stream: Cell<u64>,
}

/// Draws of random numbers that one step may make.
const STREAMS_PER_STEP: u64 = 1 << 20;

impl Pass {
    /// Training: batch statistics, dropout, gradients. The random numbers depend on `seed` and `step` alone, so that a
    /// resumed run draws the same.
    pub fn train(seed: u64, step: u64) -> Self {
        let stream = Cell::new(step.wrapping_mul(STREAMS_PER_STEP));
        Self { training: true, gradients: true, seed, stream }
    }

    /// Inference: running statistics, no dropout, no tape.
    pub fn eval() -> Self {
        Self { training: false, gradients: false, seed: 0, stream: Cell::new(0) }
    }

    /// The same with or without gradients for the parameters.
    pub fn with_gradients(mut self, gradients: bool) -> Self {
        self.gradients = gradients;
        self
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
