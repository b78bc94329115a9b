//! The unary functions and their derivatives, in f64.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use tilewright_ops::UnaryOp;

/// The tanh approximation of gelu: the argument of its tanh is SLOPE · (x + CUBIC · x³), with SLOPE = √(2/π).
const GELU_CUBIC: f64 = 0.044_715;
const GELU_SLOPE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;

/// f(x). Comparisons are written so that NaN falls through to a result that is NaN.
pub(crate) fn value(op: UnaryOp, x: f64) -> f64 {
    let [first, second] = op.parameters().map(f64::from);
    match op {
        UnaryOp::Relu => {
            if x <= 0.0 {
                0.0
            } else {
                x
            }
        }
        UnaryOp::Relu6 => x.clamp(0.0, 6.0),
        UnaryOp::LeakyRelu { .. } => {
            if x > 0.0 {
                x
            } else {
                first * x
            }
        }
        UnaryOp::Sigmoid => sigmoid(x),
        UnaryOp::Tanh => x.tanh(),
        UnaryOp::Silu => x * sigmoid(x),
        UnaryOp::Gelu => x * normal_cdf(x),
        UnaryOp::GeluTanh => 0.5 * x * (1.0 + (GELU_SLOPE * (x + GELU_CUBIC * x.powi(3))).tanh()),
        UnaryOp::Neg => -x,
        UnaryOp::Abs => x.abs(),
        UnaryOp::Exp => x.exp(),
        UnaryOp::Log => x.ln(),
        UnaryOp::Sqrt => x.sqrt(),
        UnaryOp::Rsqrt => 1.0 / x.sqrt(),
        UnaryOp::Square => x * x,
        UnaryOp::Reciprocal => 1.0 / x,
        UnaryOp::Clamp { .. } => x.clamp(first, second),
        UnaryOp::AddScalar { .. } => x + first,
        UnaryOp::MulScalar { .. } => x * first,
        UnaryOp::HardSigmoid { .. } => (first * x + second).clamp(0.0, 1.0),
        UnaryOp::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        UnaryOp::Elu { .. } => elu(x, first),
        UnaryOp::Selu { .. } => second * elu(x, first),
        UnaryOp::Celu { .. } => first * elu(x / first, 1.0),
        UnaryOp::Softplus => softplus(x),
        UnaryOp::Softsign => x / (1.0 + x.abs()),
        UnaryOp::ThresholdedRelu { .. } => {
            if x <= first {
                0.0
            } else {
                x
            }
        }
        UnaryOp::Shrink { .. } => {
            if x > second {
                x - first
            } else if x < -second {
                x + first
            } else {
                x * 0.0
            }
        }
        UnaryOp::Mish => x * softplus(x).tanh(),
        UnaryOp::Floor => x.floor(),
        UnaryOp::Ceil => x.ceil(),
        UnaryOp::Round => x.round_ties_even(),
        UnaryOp::Sign => {
            if x == 0.0 {
                0.0
            } else {
                x.signum()
            }
        }
        UnaryOp::Erf => erf(x),
        UnaryOp::Sin => x.sin(),
        UnaryOp::Cos => x.cos(),
        UnaryOp::Tan => x.tan(),
        UnaryOp::Asin => x.asin(),
        UnaryOp::Acos => x.acos(),
        UnaryOp::Atan => x.atan(),
        UnaryOp::Sinh => x.sinh(),
        UnaryOp::Cosh => x.cosh(),
        UnaryOp::Asinh => x.asinh(),
        UnaryOp::Acosh => x.acosh(),
        UnaryOp::Atanh => x.atanh(),
    }
}

fn elu(x: f64, alpha: f64) -> f64 {
    if x > 0.0 { x } else { alpha * x.exp_m1() }
}

fn softplus(x: f64) -> f64 {
    // Not max, which turns a NaN into 0.
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// f′(x).
pub(crate) fn derivative(op: UnaryOp, x: f64) -> f64 {
    let indicator = |inside: bool| if inside { 1.0 } else { 0.0 };
    let [first, second] = op.parameters().map(f64::from);
    match op {
        // A NaN passes the gradient on, as in PyTorch.
        UnaryOp::Relu => 1.0 - indicator(x <= 0.0),
        UnaryOp::Relu6 => indicator(x > 0.0 && x < 6.0),
        UnaryOp::LeakyRelu { .. } => {
            if x > 0.0 {
                1.0
            } else {
                first
            }
        }
        UnaryOp::Sigmoid => sigmoid(x) * sigmoid(-x),
        // Not 1 - tanh², which cancels.
        UnaryOp::Tanh => x.cosh().powi(-2),
        UnaryOp::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
        UnaryOp::Gelu => normal_cdf(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt(),
        UnaryOp::GeluTanh => {
            let tanh = (GELU_SLOPE * (x + GELU_CUBIC * x.powi(3))).tanh();
            let inner = GELU_SLOPE * (1.0 + 3.0 * GELU_CUBIC * x * x);
            0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner
        }
        UnaryOp::Neg => -1.0,
        // Of a NaN 0, as in PyTorch.
        UnaryOp::Abs => indicator(x > 0.0) - indicator(x < 0.0),
        UnaryOp::Exp => x.exp(),
        UnaryOp::Log => 1.0 / x,
        UnaryOp::Sqrt => 0.5 / x.sqrt(),
        UnaryOp::Rsqrt => -0.5 * x.sqrt().recip().powi(3),
        UnaryOp::Square => 2.0 * x,
        UnaryOp::Reciprocal => -1.0 / (x * x),
        UnaryOp::Clamp { .. } => indicator(x >= first && x <= second),
        UnaryOp::AddScalar { .. } => 1.0,
        UnaryOp::MulScalar { .. } => first,
        UnaryOp::HardSigmoid { .. } => {
            let y = first * x + second;
            first * indicator(y > 0.0 && y < 1.0)
        }
        UnaryOp::HardSwish => {
            if x <= -3.0 {
                0.0
            } else if x >= 3.0 {
                1.0
            } else {
                x / 3.0 + 0.5
            }
        }
        UnaryOp::Elu { .. } => elu_derivative(x, first),
        UnaryOp::Selu { .. } => second * elu_derivative(x, first),
        UnaryOp::Celu { .. } => elu_derivative(x / first, 1.0),
        UnaryOp::Softplus => sigmoid(x),
        UnaryOp::Softsign => (1.0 + x.abs()).powi(-2),
        UnaryOp::ThresholdedRelu { .. } => 1.0 - indicator(x <= first),
        UnaryOp::Shrink { .. } => indicator(x.abs() > second),
        UnaryOp::Mish => {
            let tanh = softplus(x).tanh();
            tanh + x * (1.0 - tanh * tanh) * sigmoid(x)
        }
        UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::Round | UnaryOp::Sign => 0.0,
        UnaryOp::Erf => FRAC_2_SQRT_PI * (-x * x).exp(),
        UnaryOp::Sin => x.cos(),
        UnaryOp::Cos => -x.sin(),
        UnaryOp::Tan => 1.0 + x.tan().powi(2),
        UnaryOp::Asin => 1.0 / (1.0 - x * x).sqrt(),
        UnaryOp::Acos => -1.0 / (1.0 - x * x).sqrt(),
        UnaryOp::Atan => 1.0 / (1.0 + x * x),
        UnaryOp::Sinh => x.cosh(),
        UnaryOp::Cosh => x.sinh(),
        UnaryOp::Asinh => 1.0 / (x * x + 1.0).sqrt(),
        UnaryOp::Acosh => 1.0 / (x * x - 1.0).sqrt(),
        UnaryOp::Atanh => 1.0 / (1.0 - x * x),
    }
}

fn elu_derivative(x: f64, alpha: f64) -> f64 {
    if x > 0.0 { 1.0 } else { alpha * x.exp() }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Φ(x), the distribution function of the standard normal.
fn normal_cdf(x: f64) -> f64 {
    0.5 * (1.0 + erf(x * FRAC_1_SQRT_2))
}

/// The error function by erf x = 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)) (Abramowitz and Stegun 7.1.6). All terms
/// have one sign, so nothing cancels; beyond |x| = 6 the result is ±1 in f64.
pub(crate) fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > sum.abs() * f64::EPSILON / 4.0 {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_has_the_published_values() {
        // Abramowitz and Stegun, table 7.1.
        for (x, expected) in [
            (0.0, 0.0),
            (0.1, 0.112_462_916_0),
            (0.5, 0.520_499_877_8),
            (1.0, 0.842_700_792_9),
            (2.0, 0.995_322_265_0),
        ] {
            assert!((erf(x) - expected).abs() < 6e-11, "erf({x}) = {}", erf(x));
            assert_eq!(erf(-x), -erf(x));
        }
        assert_eq!(erf(7.0), 1.0);
        assert!(erf(f64::NAN).is_nan());
    }

    #[test]
    fn every_derivative_is_the_slope_of_its_function() {
        let step = 1e-6;
        for op in UnaryOp::ALL {
            let domain = match op {
                UnaryOp::Log | UnaryOp::Sqrt | UnaryOp::Rsqrt => 0.0..=f64::INFINITY,
                UnaryOp::Asin | UnaryOp::Acos | UnaryOp::Atanh => -1.0..=1.0,
                UnaryOp::Acosh => 1.0..=f64::INFINITY,
                // The last point is a jump.
                UnaryOp::Floor | UnaryOp::Ceil => f64::NEG_INFINITY..=6.0,
                UnaryOp::Round => f64::NEG_INFINITY..=5.0,
                _ => f64::NEG_INFINITY..=f64::INFINITY,
            };
            for x in [-3.3, -0.7, 0.2, 0.6, 1.9, 5.5, 7.0] {
                if !domain.contains(&x) {
                    continue;
                }
                let slope = (value(op, x + step) - value(op, x - step)) / (2.0 * step);
                let exact = derivative(op, x);
                assert!((slope - exact).abs() < 1e-6 * (1.0 + exact.abs()), "{op:?} at {x}: {slope} {exact}");
            }
        }
    }
}
