//! Adam.

use super::check::{require_decay, require_not_negative};
use crate::error::ShapeError;

/// Adam (Kingma and Ba, arXiv 1412.6980), in PyTorch's form: at step t = 1, 2, … with g = grad + weight_decay · p,
/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps). With `amsgrad` the
/// largest v so far takes the place of v in the denominator (Reddi et al., arXiv 1904.09237).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator.
    pub eps: f32,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
    /// Whether the denominator never falls.
    pub amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, amsgrad: false }
    }
}

impl Adam {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a negative or NaN value, or a β outside 0 .. 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let op = "adam";
        for (parameter, value) in [("lr", self.lr), ("eps", self.eps), ("weight_decay", self.weight_decay)] {
            require_not_negative(op, parameter, value)?;
        }
        require_decay(op, "beta1", self.beta1)?;
        require_decay(op, "beta2", self.beta2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked() {
        assert!(Adam::default().check().is_ok());
        assert!(Adam { beta2: -0.1, ..Adam::default() }.check().is_err());
        assert!(Adam { weight_decay: -1.0, ..Adam::default() }.check().is_err());
    }
}
