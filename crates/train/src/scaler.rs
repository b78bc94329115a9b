//! Dynamic loss scaling, by the rules of PyTorch's `GradScaler`.

use tilewright_autograd::Gradients;
use tilewright_nn::{LossScale, ParameterStore};
use tilewright_tensor::ops::optimizer::total_norm;

use crate::{error::Error, error::Result};

/// How the loss is scaled where gradients are stored as f16 (Micikevicius et al., arXiv 1710.03740): the loss is multiplied
/// before the way back and the gradients are divided after it, so that small ones do not become 0. A step in which a
/// gradient is infinite or no number is left out, and the scale falls; after a run of good steps it rises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScaling {
    /// The scale at first.
    pub initial: f32,
    /// Its factor after `interval` good steps.
    pub growth: f32,
    /// Its factor after a step that was left out.
    pub backoff: f32,
    /// Good steps in a row before it grows.
    pub interval: u64,
}

impl Default for LossScaling {
    /// PyTorch's: 65536, doubled after 2000 good steps, halved after a bad one.
    fn default() -> Self {
        Self { initial: 65536.0, growth: 2.0, backoff: 0.5, interval: 2000 }
    }
}

impl LossScaling {
    pub(crate) fn check(&self) -> Result<()> {
        let Self { initial, growth, backoff, interval } = *self;
        let positive = initial.is_finite() && initial > 0.0;
        if positive && growth.is_finite() && growth >= 1.0 && backoff > 0.0 && backoff < 1.0 && interval > 0 {
            return Ok(());
        }
        let reason = format!(
            "initial {initial}, growth {growth}, backoff {backoff}, interval {interval}: the scale must be above 0, growth \
             at least 1, backoff between 0 and 1, the interval at least 1"
        );
        Err(Error::Option { option: "half", reason })
    }

    pub(crate) fn begin(&self) -> LossScale {
        LossScale { scale: self.initial, good: 0, skipped: 0 }
    }

    /// The scale after a step whose gradients were all `finite`, or not.
    pub(crate) fn next(&self, mut state: LossScale, finite: bool) -> LossScale {
        if !finite {
            // Not to 0, from which nothing rises.
            let scale = (state.scale * self.backoff).max(f32::MIN_POSITIVE);
            return LossScale { scale, good: 0, skipped: state.skipped + 1 };
        }
        state.good += 1;
        if state.good >= self.interval {
            state.good = 0;
            let grown = state.scale * self.growth;
            state.scale = if grown.is_finite() { grown } else { state.scale };
        }
        state
    }
}

/// Whether every gradient of a parameter is a finite number. Waits for the device.
pub(crate) fn all_finite(gradients: &Gradients, store: &ParameterStore) -> Result<bool> {
    let parameters = store.parameters();
    let found: Vec<_> = parameters.iter().filter_map(|parameter| gradients.get_id(parameter.id())).collect();
    // The largest of all: a NaN that comes in comes out of it.
    Ok(total_norm(store.context(), &found, f32::INFINITY)?.item()?.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_as_pytorchs() {
        let rules = LossScaling { initial: 8.0, growth: 2.0, backoff: 0.5, interval: 3 };
        let steps = [true, true, false, true, true, true, true, false, false];
        let mut state = rules.begin();
        let scales: Vec<f32> = steps
            .iter()
            .map(|&finite| {
                state = rules.next(state, finite);
                state.scale
            })
            .collect();
        // torch.cuda.amp.GradScaler(8, 2, 0.5, 3) after the same steps.
        assert_eq!(scales, [8.0, 8.0, 4.0, 4.0, 4.0, 8.0, 8.0, 4.0, 2.0]);
        assert_eq!((state.skipped, state.good), (3, 0));
        let top = LossScale { scale: f32::MAX, good: 2, skipped: 0 };
        assert_eq!(rules.next(top, true).scale, f32::MAX);
    }

    #[test]
    fn rules_that_cannot_be() {
        for rules in [
            LossScaling { initial: 0.0, ..LossScaling::default() },
            LossScaling { growth: 0.5, ..LossScaling::default() },
            LossScaling { backoff: 1.0, ..LossScaling::default() },
            LossScaling { initial: f32::NAN, ..LossScaling::default() },
            LossScaling { interval: 0, ..LossScaling::default() },
        ] {
            assert!(rules.check().is_err(), "{rules:?}");
        }
        LossScaling::default().check().unwrap_or_else(|error| panic!("{error}"));
    }
}
