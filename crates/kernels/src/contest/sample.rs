//! What a result must be, at some of its elements, computed on the host in f64 from the definition.

/// Elements that are computed: enough to meet every edge and tail of a tile, few enough to cost next to nothing.
const COUNT: usize = 512;
/// Of the sum of the magnitudes of an element's terms: far above the rounding of f32, far below one missing term.
const TOLERANCE: f64 = 1e-5;
/// For sums that are nearly empty.
const LEAST: f64 = 1e-6;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Its place in memory.
    pub index: usize,
    /// The sum of its terms.
    pub value: f64,
    /// The sum of their magnitudes.
    pub magnitude: f64,
}

impl Sample {
    fn bound(&self) -> f64 {
        TOLERANCE * self.magnitude + LEAST
    }
}

/// Some elements of a result.
#[derive(Clone, Debug, Default)]
pub struct Samples(pub Vec<Sample>);

impl Samples {
    /// Elements of a result of `count` in all: its first and last ones, and others spread over it. `element` gives the
    /// terms' sum and the sum of their magnitudes.
    pub fn new(count: usize, mut element: impl FnMut(usize) -> (f64, f64)) -> Self {
        let indices: Vec<usize> = if count <= COUNT {
            (0..count).collect()
        } else {
            let edge = COUNT / 8;
            let spread = (0..COUNT as u64).map(|i| (hash(i) % count as u64) as usize);
            (0..edge).chain(count - edge..count).chain(spread).collect()
        };
        Self(
            indices
                .into_iter()
                .map(|index| {
                    let (value, magnitude) = element(index);
                    Sample { index, value, magnitude }
                })
                .collect(),
        )
    }

    /// Whether `values` has these elements.
    ///
    /// # Errors
    /// Says which element is wrong.
    pub fn check(&self, values: &[f32]) -> Result<(), String> {
        for sample in &self.0 {
            let Some(&value) = values.get(sample.index) else {
                return Err(format!("it has {} elements and no {}", values.len(), sample.index));
            };
            let difference = (f64::from(value) - sample.value).abs();
            if difference.is_nan() || difference > sample.bound() {
                return Err(format!("element {} is {value} and should be {}", sample.index, sample.value));
            }
        }
        Ok(())
    }

    /// The largest difference as a part of the largest of these elements, as [`Self::check`] does not say.
    pub fn relative_error(&self, values: &[f32]) -> f64 {
        let largest = self.0.iter().map(|sample| sample.value.abs()).fold(0.0, f64::max);
        let difference = |sample: &Sample| {
            values.get(sample.index).map_or(f64::NAN, |&value| (f64::from(value) - sample.value).abs())
        };
        // A NaN must come out, and `max` would drop it.
        let differences = self.0.iter().map(difference);
        differences.fold(0.0, |a: f64, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) })
            / largest
    }

    /// Whether all elements of two results agree as closely as the loosest sample allows both.
    ///
    /// # Errors
    /// Says which element differs.
    pub fn agree(&self, values: &[f32], others: &[f32]) -> Result<(), String> {
        let bound = 2.0 * self.0.iter().map(Sample::bound).fold(0.0, f64::max);
        if values.len() != others.len() {
            return Err(format!("{} elements instead of {}", values.len(), others.len()));
        }
        let differs = |(a, b): (&f32, &f32)| {
            let difference = (f64::from(*a) - f64::from(*b)).abs();
            difference.is_nan() || difference > bound
        };
        match values.iter().zip(others).position(differs) {
            Some(at) => {
                Err(format!("element {at} is {}, and {} by another algorithm", values[at], others[at]))
            }
            None => Ok(()),
        }
    }
}

/// `count` numbers in −1..1 that are not all alike.
pub(crate) fn operand(count: usize, seed: u64) -> Vec<f32> {
    (0..count as u64).map(|i| (hash(i ^ (seed << 40)) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn hash(index: u64) -> u64 {
    let z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_seen() {
        let right: Vec<f32> = operand(2000, 1);
        let samples = Samples::new(right.len(), |i| (f64::from(right[i]), 4.0));
        assert!(samples.0.iter().any(|sample| sample.index == 0));
        assert!(samples.0.iter().any(|sample| sample.index == 1999));
        assert_eq!(samples.check(&right), Ok(()));
        for at in [0, 1999] {
            for wrong in [right[at] + 1e-3, f32::NAN] {
                let mut values = right.clone();
                values[at] = wrong;
                assert!(samples.check(&values).is_err() && samples.agree(&values, &right).is_err());
            }
        }
        assert_eq!(samples.relative_error(&right), 0.0);
        assert!(samples.relative_error(&right[..1000]).is_nan());
        assert!(samples.check(&right[..1000]).is_err() && samples.agree(&right[..1999], &right).is_err());
        // Every element counts when two results are compared, also those between the samples.
        let between = (0..right.len()).find(|at| samples.0.iter().all(|s| s.index != *at)).expect("one");
        let mut values = right.clone();
        values[between] += 1e-3;
        assert!(samples.check(&values).is_ok() && samples.agree(&values, &right).is_err());
    }
}
