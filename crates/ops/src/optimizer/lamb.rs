//! LAMB.

use super::check::{require_decay, require_not_negative};
use crate::error::ShapeError;

/// LAMB (You et al., arXiv 1904.00962, algorithm 2 with φ(z) = z): at step t = 1, 2, … m ← β₁ m + (1 − β₁) g,
/// v ← β₂ v + (1 − β₂) g², r = m / (1 − β₁ᵗ) / (√v / √(1 − β₂ᵗ) + eps), u = r + weight_decay · p and
/// p ← p − lr · ‖p‖ / ‖u‖ · u, with the Euclidean norms of the whole tensors. Where one of them is 0, their quotient
/// counts as 1, so that a tensor of zeros can be learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lamb {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator.
    pub eps: f32,
    /// Decoupled weight decay: the paper's λ.
    pub weight_decay: f32,
}

impl Default for Lamb {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-6, weight_decay: 1e-2 }
    }
}

impl Lamb {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a negative or NaN value, or a β outside 0 .. 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        let op = "lamb";
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
        assert!(Lamb::default().check().is_ok());
        assert!(Lamb { lr: f32::NAN, ..Lamb::default() }.check().is_err());
        assert!(Lamb { beta1: 1.5, ..Lamb::default() }.check().is_err());
    }
}
