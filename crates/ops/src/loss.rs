//! Losses.

use crate::{error::ShapeError, extent::element_count};

/// How the losses of the samples become the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reduction {
    /// The weighted mean over the samples that count.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// One loss per sample.
    None,
}

impl Reduction {
    /// One of each.
    pub const ALL: [Self; 3] = [Self::Mean, Self::Sum, Self::None];

    /// PyTorch's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::None => "none",
        }
    }
}

/// Cross-entropy of logits against class indices, with PyTorch's semantics.
///
/// With p = softmax(x), class weights w (1 where absent), label smoothing ε over C classes, the loss of a sample with
/// label t is (1 − ε) · w_t · (−log p_t) + ε / C · Σ_c w_c · (−log p_c), and 0 where t is `ignore_index`. The mean divides
/// the sum by Σ w_t over the samples that are not ignored; where there is none it is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrossEntropy {
    /// Share of the target spread evenly over all classes, 0 to 1 (Szegedy et al., arXiv 1512.00567).
    pub label_smoothing: f32,
    /// A label whose samples count for nothing.
    pub ignore_index: Option<i32>,
    /// How samples are joined.
    pub reduction: Reduction,
}

impl Default for CrossEntropy {
    /// PyTorch's defaults: no smoothing, label −100 ignored, mean.
    fn default() -> Self {
        Self { label_smoothing: 0.0, ignore_index: Some(-100), reduction: Reduction::Mean }
    }
}

impl CrossEntropy {
    const OP: &'static str = "cross_entropy";

    /// Splits logits N C … into `[N, C, inner]` and checks labels of shape N … and the parameters.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], [`ShapeError::Operand`] and [`ShapeError::Parameter`].
    pub fn dims(&self, logits: &[usize], labels: &[usize]) -> Result<[usize; 3], ShapeError> {
        let op = Self::OP;
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return Err(ShapeError::Parameter {
                op,
                parameter: "label_smoothing",
                value: self.label_smoothing.to_string(),
                hint: "it must lie between 0 and 1",
            });
        }
        let [batch, classes, ref rest @ ..] = *logits else {
            let shape = logits.to_vec();
            return Err(ShapeError::Rank { op, operand: "logits", shape, expected: "two or more (N C …)" });
        };
        let expected: Vec<usize> = std::iter::once(batch).chain(rest.iter().copied()).collect();
        if labels != expected {
            return Err(ShapeError::Operand { op, operand: "labels", shape: labels.to_vec(), expected });
        }
        element_count(op, logits)?;
        Ok([batch, classes, element_count(op, rest)?])
    }

    /// The shape of the result: a scalar, or that of the labels with [`Reduction::None`].
    ///
    /// # Errors
    /// Those of [`CrossEntropy::dims`].
    pub fn output_shape(&self, logits: &[usize], labels: &[usize]) -> Result<Vec<usize>, ShapeError> {
        self.dims(logits, labels)?;
        Ok(if self.reduction == Reduction::None { labels.to_vec() } else { Vec::new() })
    }

    /// Fails unless class weights, which come after logits and labels, have the shape C.
    ///
    /// # Errors
    /// Those of [`CrossEntropy::dims`]; [`ShapeError::Operand`].
    pub fn check_operands(&self, shapes: &[&[usize]]) -> Result<(), ShapeError> {
        let [_, classes, _] = self.dims(shapes[0], shapes[1])?;
        match shapes.get(2) {
            Some(&weights) if weights != [classes] => {
                let (shape, expected) = (weights.to_vec(), vec![classes]);
                Err(ShapeError::Operand { op: Self::OP, operand: "weights", shape, expected })
            }
            _ => Ok(()),
        }
    }

    /// Checks that each label is a class or the ignored one.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for the first label that is neither.
    pub fn check_labels(&self, classes: usize, labels: &[i32]) -> Result<(), ShapeError> {
        let is_class = |label: i32| usize::try_from(label).is_ok_and(|label| label < classes);
        match labels.iter().position(|&label| Some(label) != self.ignore_index && !is_class(label)) {
            None => Ok(()),
            Some(position) => Err(ShapeError::Parameter {
                op: Self::OP,
                parameter: "label",
                value: format!("{} (sample {position})", labels[position]),
                hint: "labels must lie in 0..classes or equal ignore_index; check the data set and the last layer's width",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_rules() {
        let mean = CrossEntropy::default();
        let none = CrossEntropy { reduction: Reduction::None, ..mean };
        assert_eq!(mean.output_shape(&[4, 10], &[4]), Ok(vec![]));
        assert_eq!(none.output_shape(&[4, 10, 2, 3], &[4, 2, 3]), Ok(vec![4, 2, 3]));
        assert_eq!(mean.dims(&[4, 10, 2, 3], &[4, 2, 3]), Ok([4, 10, 6]));
        assert_eq!(none.output_shape(&[0, 10], &[0]), Ok(vec![0]));
        assert!(matches!(mean.output_shape(&[10], &[]), Err(ShapeError::Rank { .. })));
        assert!(matches!(mean.output_shape(&[4, 10], &[5]), Err(ShapeError::Operand { .. })));
        let wrong = CrossEntropy { label_smoothing: 1.5, ..mean };
        assert!(matches!(wrong.output_shape(&[4, 10], &[4]), Err(ShapeError::Parameter { .. })));
        let nan = CrossEntropy { label_smoothing: f32::NAN, ..mean };
        assert!(nan.output_shape(&[4, 10], &[4]).is_err());
    }

    #[test]
    fn labels_are_classes_or_ignored() {
        let loss = CrossEntropy::default();
        assert!(loss.check_labels(3, &[0, 2, -100]).is_ok());
        let message = loss.check_labels(3, &[0, 3]).expect_err("3 is no class").to_string();
        assert!(message.contains("3 (sample 1)"), "{message}");
        assert!(loss.check_labels(3, &[-1]).is_err());
        assert!(CrossEntropy { ignore_index: None, ..loss }.check_labels(3, &[-100]).is_err());
    }
}
