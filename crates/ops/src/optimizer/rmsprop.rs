//! RMSprop.

use super::check::{require_decay, require_not_negative};
use crate::error::ShapeError;

/// RMSprop (Tieleman and Hinton, 2012; centred: Graves, arXiv 1308.0850), in PyTorch's form: with
/// g = grad + weight_decay · p, s ← α s + (1 − α) g², and d = √s + eps; centred, a ← α a + (1 − α) g and d = √(s − a²) + eps.
/// Then p ← p − lr · g / d, or with momentum b ← momentum · b + g / d and p ← p − lr · b. Where rounding makes s − a²
/// negative, it is 0 here and NaN in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the running means.
    pub alpha: f32,
    /// Added to the denominator.
    pub eps: f32,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
    /// Momentum; 0 for none.
    pub momentum: f32,
    /// Whether the gradient is normalised by its variance instead of its square.
    pub centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { lr: 1e-2, alpha: 0.99, eps: 1e-8, weight_decay: 0.0, momentum: 0.0, centered: false }
    }
}

impl RmsProp {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a negative or NaN value, or an α outside 0 .. 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let op = "rmsprop";
        for (parameter, value) in [
            ("lr", self.lr),
            ("eps", self.eps),
            ("weight_decay", self.weight_decay),
            ("momentum", self.momentum),
        ] {
            require_not_negative(op, parameter, value)?;
        }
        require_decay(op, "alpha", self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked() {
        assert!(RmsProp::default().check().is_ok());
        assert!(RmsProp { alpha: 1.0, ..RmsProp::default() }.check().is_err());
        assert!(RmsProp { momentum: f32::NAN, ..RmsProp::default() }.check().is_err());
    }
}
