//! The learning rate as a function of the step.

use serde::{Deserialize, Serialize};

/// How the learning rate goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// Always the same.
    Constant {
        /// The rate.
        lr: f32,
    },
    /// Multiplied by `gamma` after every `every` steps.
    Step {
        /// The rate at first.
        lr: f32,
        /// Steps between two drops.
        every: u64,
        /// The factor.
        gamma: f32,
    },
    /// Rises in a line over `warmup` steps, then falls along half a cosine to `min_lr` at step `steps` (Loshchilov and
    /// Hutter, arXiv 1608.03983).
    Cosine {
        /// The highest rate.
        lr: f32,
        /// The rate at the end.
        min_lr: f32,
        /// Steps of the rise.
        warmup: u64,
        /// Steps in all.
        steps: u64,
    },
}

impl Schedule {
    /// The rate of step `step`, counted from 0.
    pub fn at(&self, step: u64) -> f32 {
        match *self {
            Self::Constant { lr } => lr,
            Self::Step { lr, every, gamma } => {
                lr * gamma.powi((step / every.max(1)).min(i32::MAX as u64) as i32)
            }
            Self::Cosine { lr, warmup, .. } if step < warmup => lr * (step + 1) as f32 / warmup as f32,
            Self::Cosine { lr, min_lr, warmup, steps } => {
                let whole = steps.saturating_sub(warmup).max(1) as f64;
                let done = ((step - warmup) as f64 / whole).min(1.0);
                let share = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
                min_lr + (lr - min_lr) * share as f32
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_at_the_corners() {
        assert_eq!(Schedule::Constant { lr: 0.1 }.at(1_000_000), 0.1);
        let step = Schedule::Step { lr: 1.0, every: 10, gamma: 0.5 };
        assert_eq!([0, 9, 10, 29, 30].map(|s| step.at(s)), [1.0, 1.0, 0.5, 0.25, 0.125]);
        let cosine = Schedule::Cosine { lr: 1.0, min_lr: 0.1, warmup: 4, steps: 14 };
        assert_eq!([0, 1, 3, 4].map(|s| cosine.at(s)), [0.25, 0.5, 1.0, 1.0]);
        assert!(
            (cosine.at(9) - 0.55).abs() < 1e-6
                && (cosine.at(14) - 0.1).abs() < 1e-6
                && cosine.at(99) == cosine.at(14)
        );
    }
}
