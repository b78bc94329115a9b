//! The comparison that tests use, with the meaning of torch.allclose.

use std::fmt;

/// Two tensors that are not close enough.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// They have different numbers of elements.
    Length {
        /// Elements of the actual tensor.
        actual: usize,
        /// Elements of the expected tensor.
        expected: usize,
    },
    /// Some elements differ by more than the tolerance.
    Elements {
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
        /// Where the worst one is.
        index: usize,
        /// Its actual value.
        actual: f32,
        /// Its expected value.
        expected: f32,
        /// Its |actual − expected| / (atol + rtol · |expected|); infinite where one of the two is not finite.
        ratio: f64,
        /// The relative tolerance.
        rtol: f64,
        /// The absolute tolerance.
        atol: f64,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { actual, expected } => {
                write!(f, "{actual} elements, {expected} expected")
            }
            Self::Elements { count, total, index, actual, expected, ratio, rtol, atol } => write!(
                f,
                "{count} of {total} elements differ; the worst is element {index}: {actual:e}, expected {expected:e}, \
                 {ratio:.3e} times the tolerance of {atol:e} + {rtol:e} · |expected|"
            ),
        }
    }
}

impl std::error::Error for Mismatch {}

/// |actual − expected| as a multiple of the tolerance. Equal infinities are close; NaN is close to nothing.
fn ratio(actual: f32, expected: f32, rtol: f64, atol: f64) -> f64 {
    if actual == expected {
        return 0.0;
    }
    let (actual, expected) = (f64::from(actual), f64::from(expected));
    if !actual.is_finite() || !expected.is_finite() {
        return f64::INFINITY;
    }
    // Differing elements under a tolerance of zero are infinitely far.
    (actual - expected).abs() / (atol + rtol * expected.abs())
}

/// Whether |actual − expected| ≤ atol + rtol · |expected| for every element.
///
/// # Errors
/// [`Mismatch`], with the worst element and how many there are.
pub fn compare(actual: &[f32], expected: &[f32], rtol: f64, atol: f64) -> Result<(), Mismatch> {
    if actual.len() != expected.len() {
        return Err(Mismatch::Length { actual: actual.len(), expected: expected.len() });
    }
    let (mut count, mut worst) = (0, (0, 0.0));
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let ratio = ratio(actual, expected, rtol, atol);
        if ratio > 1.0 {
            count += 1;
            if ratio > worst.1 {
                worst = (index, ratio);
            }
        }
    }
    if count == 0 {
        return Ok(());
    }
    let (index, ratio) = worst;
    let (total, actual, expected) = (actual.len(), actual[index], expected[index]);
    Err(Mismatch::Elements { count, total, index, actual, expected, ratio, rtol, atol })
}

/// Panics with `what` and the [`Mismatch`] unless [`compare`] agrees.
///
/// # Panics
/// Where an element is further off than the tolerance.
#[track_caller]
pub fn assert_close(what: &str, actual: &[f32], expected: &[f32], rtol: f64, atol: f64) {
    if let Err(mismatch) = compare(actual, expected, rtol, atol) {
        panic!("{what}: {mismatch}");
    }
}

/// max |actual − expected| / max |expected|: one figure for a whole tensor, where single elements may cancel to nearly
/// nothing. Infinite where lengths differ or an element is not finite; 0 for two empty tensors.
#[must_use]
pub fn relative_error(actual: &[f32], expected: &[f32]) -> f64 {
    if actual.len() != expected.len() || actual.iter().chain(expected).any(|x| !x.is_finite()) {
        return f64::INFINITY;
    }
    let difference =
        actual.iter().zip(expected).map(|(&a, &e)| (f64::from(a) - f64::from(e)).abs()).fold(0.0, f64::max);
    let scale = expected.iter().map(|&e| f64::from(e).abs()).fold(0.0, f64::max);
    if difference == 0.0 { 0.0 } else { difference / scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tolerance_is_absolute_plus_relative() {
        assert!(compare(&[100.0, 0.0], &[100.5, 0.5], 0.0, 0.5).is_ok());
        assert!(compare(&[100.0], &[101.0], 0.01, 0.0).is_ok());
        assert!(compare(&[], &[], 0.0, 0.0).is_ok());
        assert!(compare(&[f32::INFINITY], &[f32::INFINITY], 0.0, 0.0).is_ok());
    }

    #[test]
    fn it_fails_where_it_should() {
        let expected = [1.0, -2.0, 3.0, 0.0];
        for index in 0..expected.len() {
            let mut actual = expected;
            actual[index] += 1e-3;
            match compare(&actual, &expected, 1e-5, 1e-6) {
                Err(Mismatch::Elements { count: 1, index: named, .. }) => assert_eq!(named, index),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(compare(&[1.0], &[], 1.0, 1.0), Err(Mismatch::Length { actual: 1, expected: 0 }));
        for (actual, expected) in [
            (f32::NAN, 1.0),
            (1.0, f32::NAN),
            (f32::NAN, f32::NAN),
            (f32::INFINITY, f32::NEG_INFINITY),
            (f32::INFINITY, 1.0),
            (f32::MIN_POSITIVE, 0.0),
        ] {
            assert!(compare(&[actual], &[expected], 0.0, 0.0).is_err(), "{actual} {expected}");
        }
        assert!(compare(&[f32::NAN], &[1.0], f64::INFINITY, f64::INFINITY).is_err());
    }

    #[test]
    fn the_message_shows_the_worst_element() {
        let mismatch = compare(&[1.5, 2.0, 9.0], &[1.0, 2.0, 3.0], 0.0, 0.25).expect_err("two differ");
        let message = mismatch.to_string();
        for part in ["2 of 3", "element 2", "9e0", "3e0", "2.400e1 times"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    #[should_panic(expected = "relu: 1 of 1 elements differ")]
    fn assert_close_names_what_it_compares() {
        assert_close("relu", &[1.0], &[2.0], 1e-5, 1e-6);
    }

    #[test]
    fn relative_error_is_of_the_whole_tensor() {
        assert_eq!(relative_error(&[1.0, 4.0], &[2.0, 4.0]), 0.25);
        assert_eq!(relative_error(&[], &[]), 0.0);
        assert_eq!(relative_error(&[1.0], &[0.0]), f64::INFINITY);
        assert_eq!(relative_error(&[f32::NAN], &[1.0]), f64::INFINITY);
    }
}
