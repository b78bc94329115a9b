//! Adam with decoupled weight decay.

use super::check::{require_decay, require_not_negative};
use crate::error::ShapeError;

/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), in PyTorch's form: at step t = 1, 2, …
/// p ← p · (1 − lr · weight_decay), m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
/// p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator.
    pub eps: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-2 }
    }
}

impl AdamW {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a negative or NaN value, or a β outside 0 .. 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let op = "adamw";
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
        assert!(AdamW::default().check().is_ok());
        assert!(AdamW { beta1: 1.0, ..AdamW::default() }.check().is_err());
        assert!(AdamW { eps: f32::INFINITY, ..AdamW::default() }.check().is_err());
    }
}
