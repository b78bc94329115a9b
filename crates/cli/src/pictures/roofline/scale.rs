//! A logarithmic axis.

/// From which value to which it goes, and between which pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Log {
    /// Around `values`, all positive, with a margin.
    pub fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (least, most) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (v.min(low), v.max(high)));
        Self { low: least / 1.6, high: most * 1.4, from, to }
    }

    pub fn low(&self) -> f64 {
        self.low
    }

    pub fn high(&self) -> f64 {
        self.high
    }

    /// The pixel of `value`.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + share * (self.to - self.from)
    }

    /// Whether there is room for a number at every line, not only at the powers of ten.
    pub fn is_short(&self) -> bool {
        (self.to - self.from).abs() / (self.high / self.low).log10() > 130.0
    }

    /// The places of lines: 1, 2 and 5 times the powers of ten; true for the powers themselves.
    pub fn ticks(&self) -> Vec<(f64, bool)> {
        let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        powers
            .flat_map(|power| [1.0, 2.0, 5.0].map(|factor| (factor * 10f64.powi(power), factor == 1.0)))
            .filter(|(value, _)| (self.low..=self.high).contains(value))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_factors_are_equal_distances() {
        let axis = Log::around([1.6, 100.0 / 1.4].into_iter(), 0.0, 200.0);
        assert!((axis.at(1.0)).abs() < 1e-9 && (axis.at(10.0) - 100.0).abs() < 1e-9);
        assert!((axis.at(100.0) - 200.0).abs() < 1e-9);
        let values: Vec<_> = axis.ticks().iter().map(|(value, _)| value.round()).collect();
        assert_eq!(values, [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
    }
}
