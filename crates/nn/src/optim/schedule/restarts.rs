//! Cosines that begin again.

/// How far step `step` is in its period, from 0 up to 1. The first has `period` steps, each `factor` times as many as the one
/// before.
pub(super) fn done(step: u64, period: u64, factor: u64) -> f64 {
    let mut length = period.max(1);
    if factor <= 1 {
        return (step % length) as f64 / length as f64;
    }
    let mut rest = step;
    while rest >= length {
        rest -= length;
        length = length.saturating_mul(factor);
    }
    rest as f64 / length as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_double() {
        assert_eq!(
            [0, 1, 2, 4, 6, 13, 14].map(|step| done(step, 2, 2)),
            [0.0, 0.5, 0.0, 0.5, 0.0, 0.875, 0.0]
        );
        assert_eq!([4, 5, 9].map(|step| done(step, 5, 1)), [0.8, 0.0, 0.8]);
        assert!(done(u64::MAX, 1, u64::MAX) <= 1.0 && done(u64::MAX, 0, 0) == 0.0);
    }
}
