//! Optimizers, with PyTorch's semantics.

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
        if !self.dampening.is_finite() {
            let value = self.dampening.to_string();
            return Err(ShapeError::Parameter {
                op,
                parameter: "dampening",
                value,
                hint: "it must be finite",
            });
        }
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let value = "true".to_owned();
            let hint = "Nesterov's rule wants momentum above 0 and dampening 0";
            return Err(ShapeError::Parameter { op, parameter: "nesterov", value, hint });
        }
        Ok(())
    }
}

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
        for (parameter, value) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&value) {
                let hint = "it must be at least 0 and below 1";
                return Err(ShapeError::Parameter { op, parameter, value: value.to_string(), hint });
            }
        }
        Ok(())
    }
}

fn require_not_negative(op: &'static str, parameter: &'static str, value: f32) -> Result<(), ShapeError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(ShapeError::Parameter {
        op,
        parameter,
        value: value.to_string(),
        hint: "it must be finite and not negative",
    })
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
        assert!(AdamW::default().check().is_ok());
        assert!(AdamW { beta1: 1.0, ..AdamW::default() }.check().is_err());
        assert!(AdamW { eps: f32::INFINITY, ..AdamW::default() }.check().is_err());
    }
}
