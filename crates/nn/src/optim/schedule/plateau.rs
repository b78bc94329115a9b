//! Lower rates when a metric no longer gets better.

use serde::{Deserialize, Serialize};

use crate::{error::Error, error::Result};

/// Which way a metric is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// Down, as a loss.
    #[default]
    Min,
    /// Up, as an accuracy.
    Max,
}

/// What counts as better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Threshold {
    /// By this share of the best value.
    Relative(f64),
    /// By this much.
    Absolute(f64),
}

/// The options of [`Plateau`], with PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlateauOptions {
    /// Which way the metric is to go.
    pub aim: Aim,
    /// The factor of the rate.
    pub factor: f64,
    /// Epochs without a better value that are borne; the rate falls after the next.
    pub patience: u64,
    /// What counts as better.
    pub threshold: Threshold,
    /// Epochs after a fall in which nothing is counted.
    pub cooldown: u64,
    /// The lowest rate.
    pub min_lr: f64,
    /// A fall by no more than this is left out.
    pub eps: f64,
}

impl Default for PlateauOptions {
    fn default() -> Self {
        Self {
            aim: Aim::Min,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

/// Where a [`Plateau`] stands: what a checkpoint keeps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// The rate.
    pub lr: f64,
    /// The best value of the metric; none at first.
    pub best: Option<f64>,
    /// Epochs without a better one.
    pub bad_epochs: u64,
    /// Epochs of the cooldown that are left.
    pub cooldown: u64,
}

/// `torch.optim.lr_scheduler.ReduceLROnPlateau`: multiplies the rate by a factor once a metric, given after each epoch, has not
/// got better for some epochs. It begins with a rate, or with 1 as a factor of a [`super::Schedule`].
///
/// ```
/// use tilewright_nn::optim::{Plateau, PlateauOptions};
/// let mut plateau = Plateau::new(0.1, PlateauOptions { patience: 1, ..PlateauOptions::default() })?;
/// let rates: Vec<f64> = [1.0, 0.5, 0.5, 0.5, 0.4].map(|loss| plateau.observe(loss)).to_vec();
/// assert_eq!(rates, [0.1, 0.1, 0.1, 0.1 * 0.1, 0.1 * 0.1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    options: PlateauOptions,
    state: PlateauState,
}

impl Plateau {
    /// Beginning with `lr`.
    ///
    /// # Errors
    /// [`Error::Option`] unless the factor is in 0 .. 1, and the other numbers are not negative.
    pub fn new(lr: f64, options: PlateauOptions) -> Result<Self> {
        let refuse = |option, value: f64, hint| {
            Err(Error::Option { layer: "plateau".to_owned(), option, value: value.to_string(), hint })
        };
        let (Threshold::Relative(threshold) | Threshold::Absolute(threshold)) = options.threshold;
        if !(0.0..1.0).contains(&options.factor) {
            return refuse("factor", options.factor, "it must be at least 0 and below 1");
        }
        for (option, value) in
            [("lr", lr), ("threshold", threshold), ("min_lr", options.min_lr), ("eps", options.eps)]
        {
            if !(value.is_finite() && value >= 0.0) {
                return refuse(option, value, "it must be finite and not negative");
            }
        }
        Ok(Self { options, state: PlateauState { lr, best: None, bad_epochs: 0, cooldown: 0 } })
    }

    /// The rate, as the metrics so far have left it.
    pub fn lr(&self) -> f64 {
        self.state.lr
    }

    /// Takes the metric of an epoch and gives the rate from here on. A NaN is never better.
    pub fn observe(&mut self, metric: f64) -> f64 {
        let PlateauState { lr, best, bad_epochs, cooldown } = &mut self.state;
        if is_better(&self.options, metric, *best) {
            *best = Some(metric);
            *bad_epochs = 0;
        } else {
            *bad_epochs = bad_epochs.saturating_add(1);
        }
        if *cooldown > 0 {
            *cooldown -= 1;
            *bad_epochs = 0;
        }
        if *bad_epochs > self.options.patience {
            let lower = (*lr * self.options.factor).max(self.options.min_lr);
            if *lr - lower > self.options.eps {
                *lr = lower;
            }
            *cooldown = self.options.cooldown;
            *bad_epochs = 0;
        }
        *lr
    }

    /// For a checkpoint.
    pub fn state(&self) -> PlateauState {
        self.state
    }

    /// Goes on from a checkpoint.
    pub fn set_state(&mut self, state: PlateauState) {
        self.state = state;
    }
}

/// Whether `metric` is better than the best so far.
fn is_better(options: &PlateauOptions, metric: f64, best: Option<f64>) -> bool {
    // The first value is compared with infinity, as PyTorch does it.
    let best = best.unwrap_or(match options.aim {
        Aim::Min => f64::INFINITY,
        Aim::Max => f64::NEG_INFINITY,
    });
    match (options.aim, options.threshold) {
        (Aim::Min, Threshold::Relative(share)) => metric < best * (1.0 - share),
        (Aim::Min, Threshold::Absolute(step)) => metric < best - step,
        (Aim::Max, Threshold::Relative(share)) => metric > best * (1.0 + share),
        (Aim::Max, Threshold::Absolute(step)) => metric > best + step,
    }
}
