//! Stochastic gradient descent.

use super::check::{require_finite, require_not_negative};
use crate::error::ShapeError;

/// Stochastic gradient descent: with g = grad + weight_decay · p,
/// b ← g on the first step, momentum · b + (1 − dampening) · g afterwards,
/// p ← p − lr · b, or p − lr · (g + momentum · b) with Nesterov's rule. Without momentum, p ← p − lr · g and there is no b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f32,
    /// Momentum; 0 for none.
    pub momentum: f32,
    /// Dampening of the gradient as it enters the momentum buffer.
    pub dampening: f32,
    /// Whether to look ahead by Nesterov's rule.
    pub nesterov: bool,
    /// L2 penalty added to the gradient.
    pub weight_decay: f32,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { lr: 1e-3, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Sgd {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a negative or NaN value, or Nesterov's rule without momentum or with dampening.
    pub fn check(&self) -> Result<(), ShapeError> {
        let op = "sgd";
        for (parameter, value) in
            [("lr", self.lr), ("momentum", self.momentum), ("weight_decay", self.weight_decay)]
        {
            require_not_negative(op, parameter, value)?;
        }
        require_finite(op, "dampening", self.dampening)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let value = "true".to_owned();
            let hint = "Nesterov's rule wants momentum above 0 and dampening 0";
            return Err(ShapeError::Parameter { op, parameter: "nesterov", value, hint });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked() {
        let sgd = Sgd { lr: 0.1, momentum: 0.9, nesterov: true, ..Sgd::default() };
        assert!(sgd.check().is_ok());
        assert!(Sgd { momentum: 0.0, ..sgd }.check().is_err());
        assert!(Sgd { dampening: 0.1, ..sgd }.check().is_err());
        assert!(Sgd { lr: -0.1, ..sgd }.check().is_err());
        assert!(Sgd { weight_decay: f32::NAN, ..sgd }.check().is_err());
    }
}
