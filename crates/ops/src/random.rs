//! Operations that draw random numbers.

use crate::error::ShapeError;

/// Dropout (Srivastava et al., JMLR 15, 2014): element i is kept where its uniform number u ∈ [0, 1) is at least `p`, and
/// then multiplied by 1 / (1 − p); else it is 0. At p = 1 nothing is kept. The shape does not change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Probability of an element being dropped.
    pub p: f32,
}

impl Dropout {
    /// Checks the probability.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] outside 0 ..= 1.
    pub fn check(&self) -> Result<(), ShapeError> {
        if (0.0..=1.0).contains(&self.p) {
            return Ok(());
        }
        let value = self.p.to_string();
        Err(ShapeError::Parameter {
            op: "dropout",
            parameter: "p",
            value,
            hint: "it must lie between 0 and 1",
        })
    }

    /// The factor of a kept element: 1 / (1 − p), and 0 at p = 1.
    #[must_use]
    pub fn scale(&self) -> f32 {
        if self.p >= 1.0 { 0.0 } else { 1.0 / (1.0 - self.p) }
    }
}

#[cfg(test)]
mod tests {
    use super::Dropout;

    #[test]
    fn probability_and_scale() {
        for p in [0.0, 0.5, 1.0] {
            assert!(Dropout { p }.check().is_ok());
        }
        for p in [-0.1, 1.1, f32::NAN] {
            assert!(Dropout { p }.check().is_err());
        }
        assert_eq!(Dropout { p: 0.5 }.scale(), 2.0);
        assert_eq!(Dropout { p: 1.0 }.scale(), 0.0);
    }
}
