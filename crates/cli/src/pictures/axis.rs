//! An axis of a plot: from where to where it goes, and where its numbers stand.

/// From where to where an axis goes, and where its numbers stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// From zero to the next step above `top`.
    pub(super) fn from_zero(top: f64) -> Self {
        let step = nice_step(top);
        Self { low: 0.0, high: ((top / step).ceil() * step).max(step), step }
    }

    /// The epochs, of which only whole ones get a number.
    pub(super) fn of_epochs(last: f64) -> Self {
        Self { low: 0.0, high: last, step: nice_step(last / 2.0).max(1.0) }
    }

    /// Up to 100, from below `lowest`.
    pub(super) fn of_percent(lowest: f64) -> Self {
        let step = match 100.0 - lowest {
            range if range <= 12.0 => 2.0,
            range if range <= 30.0 => 5.0,
            range if range <= 60.0 => 10.0,
            _ => 20.0,
        };
        Self { low: ((lowest / step - 0.2).floor() * step).max(0.0), high: 100.0, step }
    }

    /// Where `value` is between the ends, 0…1.
    pub(super) fn share(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// The numbered places.
    pub(super) fn ticks(self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step * (1.0 + 1e-9)).floor() as usize;
        (0..=count).map(move |index| self.low + index as f64 * self.step)
    }

    /// A number as it stands beside the axis: with as many decimals as tell the steps apart.
    pub(super) fn label(self, value: f64) -> String {
        match self.step {
            step if step >= 1e5 => format!("{value:.1e}"),
            step => format!("{value:.*}", (-step.log10()).ceil().clamp(0.0, 12.0) as usize),
        }
    }
}

/// A step of 1, 2 or 5 times a power of ten that divides `range` into about five parts.
fn nice_step(range: f64) -> f64 {
    if !(range.is_finite() && range > 0.0) {
        return 0.2;
    }
    let rough = range / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= rough * 0.999).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_nice() {
        for (range, step) in [(2.3, 0.5), (1.0, 0.2), (0.4, 0.1), (0.0, 0.2), (f64::NAN, 0.2), (70.0, 20.0)] {
            let got = nice_step(range);
            assert!((got - step).abs() < 1e-12, "{range}: {got}, wanted {step}");
        }
    }

    #[test]
    fn axes_end_on_steps_and_hold_their_values() {
        let ticks = |axis: Axis| axis.ticks().map(|t| axis.label(t)).collect::<Vec<_>>();
        assert_eq!(ticks(Axis::from_zero(2.3)), ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        assert_eq!(ticks(Axis::from_zero(0.31)), ["0.0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(ticks(Axis::of_percent(87.1)), ["85", "90", "95", "100"]);
        assert_eq!(ticks(Axis::of_percent(0.0)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(ticks(Axis::of_epochs(1.0)), ["0", "1"]);
        assert_eq!(ticks(Axis::of_epochs(30.0)), ["0", "5", "10", "15", "20", "25", "30"]);
        assert_eq!(ticks(Axis::of_epochs(3.4)), ["0", "1", "2", "3"]);
        assert!(ticks(Axis::of_epochs(f64::from(u32::MAX))).len() <= 13);
        assert!(ticks(Axis::from_zero(1e30)).len() <= 7);
        assert_eq!(Axis::from_zero(2.3).share(1.25), 0.5);
    }
}
