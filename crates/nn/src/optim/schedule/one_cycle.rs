//! One cycle.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// Up to the highest rate and down again, far below the first one (Smith and Topin, arXiv 1708.07120):
/// `torch.optim.lr_scheduler.OneCycleLR` of the same parameters with `cycle_momentum=False`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneCycle {
    /// The highest rate.
    pub max_lr: f32,
    /// Steps in all; afterwards the rate stays.
    pub steps: u64,
    /// The share of the steps in which the rate rises.
    pub pct_start: f64,
    /// How it goes between the corners.
    pub anneal: Anneal,
    /// The first rate is `max_lr / div_factor`.
    pub div_factor: f64,
    /// The last rate is the first one over `final_div_factor`.
    pub final_div_factor: f64,
    /// Down to the first rate in as many steps as up, and then to the last one; else down to the last one at once.
    pub three_phase: bool,
}

impl OneCycle {
    /// PyTorch's defaults: a rise over 3 steps of 10, cosines, from 1/25 of the highest rate, to a 10,000th of that.
    pub fn new(max_lr: f32, steps: u64) -> Self {
        Self {
            max_lr,
            steps,
            pct_start: 0.3,
            anneal: Anneal::Cos,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        let max = f64::from(self.max_lr);
        let first = max / self.div_factor;
        let last = first / self.final_div_factor;
        let total = self.steps as f64;
        let rise = self.pct_start * total - 1.0;
        let phases = match self.three_phase {
            true => vec![
                (rise, first, max),
                (2.0 * self.pct_start * total - 2.0, max, first),
                (total - 1.0, first, last),
            ],
            false => vec![(rise, first, max), (total - 1.0, max, last)],
        };
        let step = step.min(self.steps.saturating_sub(1)) as f64;
        let mut begin = 0.0;
        for (end, from, to) in phases {
            if step <= end {
                // A phase without length ends where it begins.
                let done = if end > begin { (step - begin) / (end - begin) } else { 1.0 };
                return self.anneal.between(from, to, done);
            }
            begin = end;
        }
        last
    }
}

/// How a rate goes from one corner to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anneal {
    /// Along half a cosine.
    #[default]
    Cos,
    /// In a line.
    Linear,
}

impl Anneal {
    fn between(self, from: f64, to: f64, done: f64) -> f64 {
        match self {
            Self::Cos => to + (from - to) / 2.0 * (1.0 + (PI * done).cos()),
            Self::Linear => from + (to - from) * done,
        }
    }
}
