//! Batch normalisation.

use crate::{error::ShapeError, extent::element_count};

/// Batch normalisation per channel (Ioffe and Szegedy, arXiv 1502.03167): y = weight · (x − mean) / √(var + eps) + bias
/// over an input N C …. Training takes mean and biased variance from the batch and updates
/// running = (1 − momentum) · running + momentum · batch, with the *unbiased* variance, as PyTorch does. Evaluation takes
/// the running statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f32,
    /// Weight of the new batch in the running statistics.
    pub momentum: f32,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1 }
    }
}

impl BatchNorm {
    const OP: &'static str = "batch_norm";

    /// Splits the input into batch, channels and elements per image and channel: `[N, C, H·W]`.
    ///
    /// # Errors
    /// [`ShapeError::Rank`] below two axes.
    pub fn dims(&self, input: &[usize]) -> Result<[usize; 3], ShapeError> {
        match *input {
            [batch, channels, ref rest @ ..] => {
                element_count(Self::OP, input)?;
                Ok([batch, channels, element_count(Self::OP, rest)?])
            }
            _ => Err(ShapeError::Rank {
                op: Self::OP,
                operand: "input",
                shape: input.to_vec(),
                expected: "two or more (N C …)",
            }),
        }
    }

    /// Checks that a per-channel operand (weight, bias, running statistics) has shape `[C]`.
    ///
    /// # Errors
    /// [`ShapeError::Rank`] and [`ShapeError::Operand`].
    pub fn check_operand(
        &self,
        input: &[usize],
        operand: &'static str,
        shape: &[usize],
    ) -> Result<(), ShapeError> {
        let [_, channels, _] = self.dims(input)?;
        if shape != [channels] {
            let expected = vec![channels];
            return Err(ShapeError::Operand { op: Self::OP, operand, shape: shape.to_vec(), expected });
        }
        Ok(())
    }

    /// Fails unless all operands after the input have the shape C.
    ///
    /// # Errors
    /// [`ShapeError::Operand`] with the name of the first that has another.
    pub fn check_operands(&self, shapes: &[&[usize]], names: &[&'static str]) -> Result<(), ShapeError> {
        shapes
            .iter()
            .zip(names)
            .skip(1)
            .try_for_each(|(shape, name)| self.check_operand(shapes[0], name, shape))
    }

    /// Checks that each channel has a variance.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], and [`ShapeError::TooFewValues`] below two values per channel.
    pub fn check_training(&self, input: &[usize]) -> Result<(), ShapeError> {
        let [batch, _, inner] = self.dims(input)?;
        let values = batch.saturating_mul(inner);
        if values < 2 {
            return Err(ShapeError::TooFewValues { op: Self::OP, input: input.to_vec(), values });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_rules() {
        let norm = BatchNorm::default();
        assert_eq!(norm.dims(&[4, 3, 5, 7]), Ok([4, 3, 35]));
        assert_eq!(norm.dims(&[4, 3]), Ok([4, 3, 1]));
        assert!(matches!(norm.dims(&[4]), Err(ShapeError::Rank { .. })));
        assert!(norm.check_operand(&[4, 3, 5, 7], "weight", &[3]).is_ok());
        let wrong = norm.check_operand(&[4, 3, 5, 7], "weight", &[4]);
        assert!(matches!(wrong, Err(ShapeError::Operand { operand: "weight", .. })));
        assert!(norm.check_training(&[2, 3]).is_ok());
        assert!(matches!(
            norm.check_training(&[1, 3, 1, 1]),
            Err(ShapeError::TooFewValues { values: 1, .. })
        ));
        assert!(matches!(
            norm.check_training(&[0, 3, 4, 4]),
            Err(ShapeError::TooFewValues { values: 0, .. })
        ));
    }
}
