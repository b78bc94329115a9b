//! Signal by noise.

/// The power of a signal by that of the error, in decibels. Where nothing differs the error is that of no single step.
pub(super) fn decibels(signal: &[f32], found: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let noise = power(&mut signal.iter().zip(found).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let signal = power(&mut signal.iter().map(|value| f64::from(*value)));
    10.0 * (signal.max(1e-30) / noise.max(1e-30)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_twenty() {
        assert!((decibels(&[3.0, -4.0], &[3.3, -3.6]) - 20.0).abs() < 1e-5);
        assert!(decibels(&[1.0], &[1.0]) > 200.0 && decibels(&[], &[]) == 0.0);
    }
}
