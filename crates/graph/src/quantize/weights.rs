//! Weights and biases as whole numbers.

/// How weights are quantised: i8 without −128, symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Weights {
    /// One scale for each output channel.
    #[default]
    PerChannel,
    /// One scale for a layer, as devices need it whose products have a single multiplier.
    PerTensor,
}

/// A weight of i8, one scale for each output channel, and what it is short of the weight.
#[derive(Clone, Debug)]
pub(super) struct Bytes {
    pub numbers: Vec<i8>,
    pub scales: Vec<f32>,
}

/// The largest magnitude, so that −128 is not used and both sides of 0 are alike.
const MOST: f32 = 127.0;

/// `outputs` rows, each with its scale.
pub(super) fn bytes(weight: &[f32], outputs: usize, how: Weights) -> Bytes {
    let length = weight.len() / outputs.max(1);
    let rows = || weight.chunks(length.max(1));
    let scale = |row: &[f32]| {
        let scale = row.iter().fold(0.0, |most: f32, number| most.max(number.abs())) / MOST;
        // Of zeros alone any scale is right.
        if scale >= f32::MIN_POSITIVE { scale } else { 1.0 }
    };
    let scales: Vec<f32> = match how {
        Weights::PerChannel => rows().map(scale).collect(),
        Weights::PerTensor => vec![scale(weight); outputs],
    };
    let number = |number: f32, scale: f32| (number / scale).round_ties_even().clamp(-MOST, MOST) as i8;
    let numbers =
        rows().zip(&scales).flat_map(|(row, &scale)| row.iter().map(move |&w| number(w, scale))).collect();
    Bytes { numbers, scales }
}

/// A bias in steps of x's scale times the weight's.
pub(super) fn bias(bias: &[f32], x_scale: f32, scales: &[f32]) -> Vec<i32> {
    // Half of the range, so that no sum leaves it.
    let most = f64::from(i32::MAX / 2);
    let number = |(bias, scale): (&f32, &f32)| {
        (f64::from(*bias) / (f64::from(x_scale) * f64::from(*scale))).round_ties_even().clamp(-most, most)
            as i32
    };
    bias.iter().zip(scales).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_fills_its_range() {
        let Bytes { numbers, scales } =
            bytes(&[0.5, -1.0, 0.25, 0.0, 0.0, 0.0, 3.0, 1.5, -3.0], 3, Weights::PerChannel);
        assert_eq!(numbers, [64, -127, 32, 0, 0, 0, 127, 64, -127]);
        assert_eq!(scales[1], 1.0);
        let one = bytes(&[0.5, -1.0, 3.0, 0.0], 2, Weights::PerTensor);
        assert_eq!((one.numbers, one.scales), (vec![21, -42, 127, 0], vec![3.0 / 127.0; 2]));
        assert_eq!(bias(&[1.0, -2.0, 1e30], 0.5, &scales), [254, -4, i32::MAX / 2]);
    }
}
