//! Initialisation. The numbers depend on the seed and the parameter's path alone.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// One value.
    Constant(f32),
    /// Uniform in −bound..bound.
    Uniform(f32),
    /// Normal with this deviation.
    Normal(f32),
    /// Uniform with variance gain² / fan (He et al., arXiv 1502.01852).
    KaimingUniform(Fan, f32),
    /// Normal with variance gain² / fan (He et al., arXiv 1502.01852).
    KaimingNormal(Fan, f32),
    /// Uniform with variance 2 gain² / (fan_in + fan_out) (Glorot and Bengio, 2010).
    XavierUniform(f32),
    /// Normal with variance 2 gain² / (fan_in + fan_out) (Glorot and Bengio, 2010).
    XavierNormal(f32),
}

/// What a Kaiming variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// Inputs of a unit: keeps the size of activations.
    In,
    /// Outputs of a unit: keeps the size of gradients.
    Out,
}

impl Init {
    /// The gain for what a ReLU follows, √2.
    pub const RELU_GAIN: f32 = std::f32::consts::SQRT_2;

    /// PyTorch's default weight of convolutions and linear layers: Kaiming uniform with a = √5, which is uniform with
    /// the bound 1 / √fan_in.
    pub const DEFAULT_WEIGHT: Self = Self::KaimingUniform(Fan::In, 0.577_350_26);

    /// PyTorch's default bias of a layer whose units have `fan_in` inputs.
    pub fn default_bias(fan_in: usize) -> Self {
        Self::Uniform(if fan_in == 0 { 0.0 } else { 1.0 / (fan_in as f32).sqrt() })
    }

    /// The numbers of a parameter: `shape` is O I H W or O I.
    ///
    /// # Panics
    /// If they do not fit memory; [`Scope::parameter`](crate::Scope::parameter) asks the device before.
    pub fn values(self, shape: &[usize], seed: u64, path: &str) -> Vec<f32> {
        let count: usize = shape.iter().product();
        let field: usize = shape.iter().skip(2).product();
        let fan_in = (shape.get(1).copied().unwrap_or(1) * field).max(1) as f32;
        let fan_out = (shape.first().copied().unwrap_or(1) * field).max(1) as f32;
        let fan = |fan| if fan == Fan::In { fan_in } else { fan_out };
        let (deviation, uniform) = match self {
            Self::Constant(value) => return vec![value; count],
            // A uniform number in −b..b has the deviation b / √3.
            Self::Uniform(bound) => (bound / 3f32.sqrt(), true),
            Self::Normal(deviation) => (deviation, false),
            Self::KaimingUniform(by, gain) => (gain / fan(by).sqrt(), true),
            Self::KaimingNormal(by, gain) => (gain / fan(by).sqrt(), false),
            Self::XavierUniform(gain) => (gain * (2.0 / (fan_in + fan_out)).sqrt(), true),
            Self::XavierNormal(gain) => (gain * (2.0 / (fan_in + fan_out)).sqrt(), false),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ hash(path));
        if uniform {
            let bound = deviation * 3f32.sqrt();
            return (0..count).map(|_| (2.0 * rng.random::<f32>() - 1.0) * bound).collect();
        }
        let mut values = Vec::with_capacity(count + 1);
        while values.len() < count {
            // Box and Muller's pair; 1 − u is never 0.
            let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
            let angle = std::f64::consts::TAU * rng.random::<f64>();
            values.push((radius * angle.cos()) as f32 * deviation);
            values.push((radius * angle.sin()) as f32 * deviation);
        }
        values.truncate(count);
        values
    }
}

/// FNV-1a: the same on every machine and in every version.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        (mean, (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn deviations_are_those_of_the_papers() {
        let shape = [64, 32, 3, 3];
        let cases = [
            (Init::DEFAULT_WEIGHT, (1.0 / 288f64).sqrt() / 3f64.sqrt()),
            (Init::KaimingNormal(Fan::Out, Init::RELU_GAIN), (2.0 / 576f64).sqrt()),
            (Init::KaimingUniform(Fan::In, Init::RELU_GAIN), (2.0 / 288f64).sqrt()),
            (Init::XavierUniform(1.0), (2.0 / 864f64).sqrt()),
            (Init::XavierNormal(1.0), (2.0 / 864f64).sqrt()),
            (Init::Normal(0.01), 0.01),
        ];
        for (init, expected) in cases {
            let (mean, deviation) = moments(&init.values(&shape, 1, "conv.weight"));
            assert!((deviation / expected - 1.0).abs() < 0.02, "{init:?}: {deviation} for {expected}");
            assert!(mean.abs() < 0.02 * expected, "{init:?}: mean {mean}");
        }
        let bound = 1.0 / 288f32.sqrt();
        let values = Init::DEFAULT_WEIGHT.values(&shape, 1, "w");
        assert!(
            values.iter().all(|v| v.abs() <= bound * 1.0001) && values.iter().any(|v| v.abs() > 0.99 * bound)
        );
    }

    #[test]
    fn numbers_depend_on_seed_and_path_alone() {
        let values = |seed, path| Init::Normal(1.0).values(&[5, 3], seed, path);
        assert_eq!(values(1, "a"), values(1, "a"));
        assert_ne!(values(1, "a"), values(2, "a"));
        assert_ne!(values(1, "a"), values(1, "b"));
    }
}
