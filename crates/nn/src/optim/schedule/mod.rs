//! The learning rate as a function of the step, and of a metric.

mod one_cycle;
mod plateau;
mod restarts;

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

pub use one_cycle::{Anneal, OneCycle};
pub use plateau::{Aim, Plateau, PlateauOptions, PlateauState, Threshold};

use crate::{error::Error, error::Result};

/// How the learning rate goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Multiplied by `gamma` after every step: `torch.optim.lr_scheduler.ExponentialLR`.
    Exponential {
        /// The rate at first.
        lr: f32,
        /// The factor.
        gamma: f64,
    },
    /// Multiplied by `gamma` at each of these steps: `MultiStepLR`.
    MultiStep {
        /// The rate at first.
        lr: f32,
        /// The steps, counted from 0, of which the same may be there several times.
        milestones: Vec<u64>,
        /// The factor.
        gamma: f64,
    },
    /// `min_lr + (lr − min_lr) · (1 − step / steps)^power`, and then `min_lr`; with `min_lr` 0 it is `PolynomialLR`.
    Polynomial {
        /// The rate at first.
        lr: f32,
        /// The rate at the end.
        min_lr: f32,
        /// Steps in all.
        steps: u64,
        /// The exponent: 1 is a line.
        power: f64,
    },
    /// Falls along half a cosine again and again: `CosineAnnealingWarmRestarts` (Loshchilov and Hutter, arXiv 1608.03983).
    CosineRestarts {
        /// The highest rate.
        lr: f32,
        /// The lowest rate.
        min_lr: f32,
        /// Steps of the first fall: PyTorch's `T_0`.
        period: u64,
        /// How many times as many the next one has: PyTorch's `T_mult`.
        factor: u64,
    },
    /// Up and down once: `OneCycleLR`.
    OneCycle(OneCycle),
    /// Rises in a line from `start_factor` times the first rate of `then` to that rate itself over `steps` steps, and then goes
    /// as `then` does from its step 0: `LinearLR` and `then` in a `SequentialLR`.
    Warmup {
        /// Steps of the rise.
        steps: u64,
        /// The share of the rate with which it begins.
        start_factor: f64,
        /// What comes behind.
        then: Box<Schedule>,
    },
}

impl Schedule {
    /// The rate of step `step`, counted from 0.
    pub fn at(&self, step: u64) -> f32 {
        match self {
            &Self::Constant { lr } => lr,
            &Self::Step { lr, every, gamma } => fallen(lr, f64::from(gamma), step / every.max(1)),
            &Self::Cosine { lr, warmup, .. } if step < warmup => lr * (step + 1) as f32 / warmup as f32,
            &Self::Cosine { lr, min_lr, warmup, steps } => {
                let whole = steps.saturating_sub(warmup).max(1) as f64;
                half_cosine(lr, min_lr, ((step - warmup) as f64 / whole).min(1.0))
            }
            &Self::Exponential { lr, gamma } => fallen(lr, gamma, step),
            Self::MultiStep { lr, milestones, gamma } => {
                let passed = milestones.iter().filter(|&&milestone| milestone <= step).count();
                fallen(*lr, *gamma, passed as u64)
            }
            &Self::Polynomial { lr, min_lr, steps, power } => {
                let left = 1.0 - step.min(steps) as f64 / steps.max(1) as f64;
                let (lr, min_lr) = (f64::from(lr), f64::from(min_lr));
                (min_lr + (lr - min_lr) * left.powf(power)) as f32
            }
            &Self::CosineRestarts { lr, min_lr, period, factor } => {
                half_cosine(lr, min_lr, restarts::done(step, period, factor))
            }
            Self::OneCycle(cycle) => cycle.at(step) as f32,
            Self::Warmup { steps, start_factor, then } if step < *steps => {
                let share = start_factor + (1.0 - start_factor) * step as f64 / *steps as f64;
                (f64::from(then.at(0)) * share) as f32
            }
            Self::Warmup { steps, then, .. } => then.at(step - steps),
        }
    }

    /// Whether the numbers make sense. [`Self::at`] gives a number in any case.
    ///
    /// # Errors
    /// [`Error::Option`] for a rate or factor that is negative or no number, and for a length that cannot be 0.
    pub fn check(&self) -> Result<()> {
        let refuse = |option, value: String, hint| {
            Err(Error::Option { layer: "schedule".to_owned(), option, value, hint })
        };
        let (mut numbers, mut lengths): (Vec<(_, f64)>, Vec<_>) = (vec![], vec![]);
        match self {
            Self::Constant { lr } => numbers.push(("lr", f64::from(*lr))),
            Self::Step { lr, every, gamma } => {
                numbers.extend([("lr", f64::from(*lr)), ("gamma", f64::from(*gamma))]);
                lengths.push(("every", *every));
            }
            Self::Cosine { lr, min_lr, .. } => {
                numbers.extend([("lr", f64::from(*lr)), ("min_lr", f64::from(*min_lr))]);
            }
            Self::Exponential { lr, gamma } | Self::MultiStep { lr, gamma, .. } => {
                numbers.extend([("lr", f64::from(*lr)), ("gamma", *gamma)]);
            }
            Self::Polynomial { lr, min_lr, steps, power } => {
                numbers.extend([("lr", f64::from(*lr)), ("min_lr", f64::from(*min_lr)), ("power", *power)]);
                lengths.push(("steps", *steps));
            }
            Self::CosineRestarts { lr, min_lr, period, factor } => {
                numbers.extend([("lr", f64::from(*lr)), ("min_lr", f64::from(*min_lr))]);
                lengths.extend([("period", *period), ("factor", *factor)]);
            }
            Self::OneCycle(cycle) => {
                numbers.push(("max_lr", f64::from(cycle.max_lr)));
                lengths.push(("steps", cycle.steps));
                if !(0.0..=1.0).contains(&cycle.pct_start) {
                    let value = cycle.pct_start.to_string();
                    return refuse("pct_start", value, "it is a share of the steps: 0 to 1");
                }
                for (option, value) in
                    [("div_factor", cycle.div_factor), ("final_div_factor", cycle.final_div_factor)]
                {
                    if !(value.is_finite() && value > 0.0) {
                        return refuse(option, value.to_string(), "it must be finite and above 0");
                    }
                }
            }
            Self::Warmup { start_factor, then, .. } => {
                then.check()?;
                numbers.push(("start_factor", *start_factor));
            }
        }
        for (option, value) in numbers {
            if !(value.is_finite() && value >= 0.0) {
                return refuse(option, value.to_string(), "it must be finite and not negative");
            }
        }
        match lengths.into_iter().find(|&(_, length)| length == 0) {
            Some((option, _)) => refuse(option, "0".to_owned(), "it must be at least 1"),
            None => Ok(()),
        }
    }
}

/// `lr` times `gamma` as often as said.
fn fallen(lr: f32, gamma: f64, times: u64) -> f32 {
    (f64::from(lr) * gamma.powf(times as f64)) as f32
}

/// From `lr` to `min_lr`, of which `done` is behind.
fn half_cosine(lr: f32, min_lr: f32, done: f64) -> f32 {
    min_lr + (lr - min_lr) * (0.5 * (1.0 + (PI * done).cos())) as f32
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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

    #[test]
    fn nothing_that_is_asked_breaks() {
        let odd = [
            Schedule::Step { lr: 1.0, every: 0, gamma: 0.5 },
            Schedule::Polynomial { lr: 1.0, min_lr: 0.0, steps: 0, power: 1.0 },
            Schedule::CosineRestarts { lr: 1.0, min_lr: 0.0, period: 0, factor: 0 },
            Schedule::OneCycle(OneCycle::new(1.0, 0)),
            Schedule::OneCycle(OneCycle { pct_start: 2.0, ..OneCycle::new(1.0, 5) }),
            Schedule::Exponential { lr: 1.0, gamma: f64::NAN },
        ];
        for schedule in odd {
            assert!(schedule.check().is_err(), "{schedule:?}");
            for step in [0, 1, 2, 1000, u64::MAX] {
                let _ = schedule.at(step);
            }
            let then = Box::new(schedule);
            assert!(Schedule::Warmup { steps: 3, start_factor: 0.1, then }.check().is_err());
        }
        let one = OneCycle { three_phase: true, ..OneCycle::new(1.0, 1) };
        assert!(Schedule::OneCycle(one).at(0).is_finite());
    }

    #[test]
    fn a_schedule_is_read_back() {
        let then = Box::new(Schedule::MultiStep { lr: 0.1, milestones: vec![3, 7], gamma: 0.1 });
        let schedule = Schedule::Warmup { steps: 5, start_factor: 0.01, then };
        let text = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule);
    }
}
