//! Elementwise operations.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

use tilewright_ops::{BinaryOp, UnaryOp};

use crate::indexing::{broadcast_indices, check_len, round, valid};

/// y = f(x) for each element.
#[must_use]
pub fn unary(op: UnaryOp, x: &[f32]) -> Vec<f32> {
    valid(op.check());
    x.iter().map(|&x| value(op, f64::from(x)) as f32).collect()
}

/// The gradient of x: f′(x) · grad_y for each element.
#[must_use]
pub fn unary_backward(op: UnaryOp, x: &[f32], grad_y: &[f32]) -> Vec<f32> {
    valid(op.check());
    assert_eq!(x.len(), grad_y.len(), "{}: x and grad_y must have the same elements", op.name());
    x.iter().zip(grad_y).map(|(&x, &grad)| (derivative(op, f64::from(x)) * f64::from(grad)) as f32).collect()
}

/// The tanh approximation of gelu: the argument of its tanh is SLOPE · (x + CUBIC · x³), with SLOPE = √(2/π).
const GELU_CUBIC: f64 = 0.044_715;
const GELU_SLOPE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;

/// f(x). Comparisons are written so that NaN falls through to a result that is NaN.
fn value(op: UnaryOp, x: f64) -> f64 {
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
fn derivative(op: UnaryOp, x: f64) -> f64 {
    let indicator = |inside: bool| if inside { 1.0 } else { 0.0 };
    let [first, second] = op.parameters().map(f64::from);
    match op {
        UnaryOp::Relu => indicator(x > 0.0),
        UnaryOp::Relu6 => indicator(x > 0.0 && x < 6.0),
        UnaryOp::LeakyRelu { .. } => {
            if x > 0.0 {
                1.0
            } else {
                first
            }
        }
        UnaryOp::Sigmoid => sigmoid(x) * sigmoid(-x),
        UnaryOp::Tanh => 1.0 - x.tanh().powi(2),
        UnaryOp::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
        UnaryOp::Gelu => normal_cdf(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt(),
        UnaryOp::GeluTanh => {
            let tanh = (GELU_SLOPE * (x + GELU_CUBIC * x.powi(3))).tanh();
            let inner = GELU_SLOPE * (1.0 + 3.0 * GELU_CUBIC * x * x);
            0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner
        }
        UnaryOp::Neg => -1.0,
        UnaryOp::Abs => {
            if x == 0.0 {
                0.0
            } else {
                x.signum()
            }
        }
        UnaryOp::Exp => x.exp(),
        UnaryOp::Log => 1.0 / x,
        UnaryOp::Sqrt => 0.5 / x.sqrt(),
        UnaryOp::Rsqrt => -0.5 / (x * x.sqrt()),
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
        UnaryOp::ThresholdedRelu { .. } => indicator(x > first),
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

/// f32 to i32: towards zero, to the nearest end of the range beyond it, NaN to 0.
#[must_use]
pub fn cast_to_i32(x: &[f32]) -> Vec<i32> {
    x.iter().map(|&x| x as i32).collect()
}

/// f32 to u32, as [`cast_to_i32`].
#[must_use]
pub fn cast_to_u32(x: &[f32]) -> Vec<u32> {
    x.iter().map(|&x| x as u32).collect()
}

/// y = f(a, b) with NumPy broadcasting. The shape of y is [`BinaryOp::output_shape`].
#[must_use]
pub fn binary(op: BinaryOp, a: &[f32], a_shape: &[usize], b: &[f32], b_shape: &[usize]) -> Vec<f32> {
    check_len("a", a, a_shape);
    check_len("b", b, b_shape);
    let y_shape = valid(op.output_shape(a_shape, b_shape));
    let pairs = broadcast_indices(a_shape, &y_shape).into_iter().zip(broadcast_indices(b_shape, &y_shape));
    pairs
        .map(|(i, j)| {
            let (a, b) = (f64::from(a[i]), f64::from(b[j]));
            let y = match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div => a / b,
                BinaryOp::Maximum => {
                    if a.is_nan() || a > b {
                        a
                    } else {
                        b
                    }
                }
                BinaryOp::Minimum => {
                    if a.is_nan() || a < b {
                        a
                    } else {
                        b
                    }
                }
                BinaryOp::Pow => a.powf(b),
                BinaryOp::Prelu => {
                    if a > 0.0 {
                        a
                    } else {
                        a * b
                    }
                }
                BinaryOp::Equal => f64::from(a == b),
                BinaryOp::Less => f64::from(a < b),
                BinaryOp::LessOrEqual => f64::from(a <= b),
                BinaryOp::Greater => f64::from(a > b),
                BinaryOp::GreaterOrEqual => f64::from(a >= b),
            };
            y as f32
        })
        .collect()
}

/// The gradients of a and b; what was broadcast is summed.
#[must_use]
pub fn binary_backward(
    op: BinaryOp,
    a: &[f32],
    a_shape: &[usize],
    b: &[f32],
    b_shape: &[usize],
    grad_y: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    check_len("a", a, a_shape);
    check_len("b", b, b_shape);
    let y_shape = valid(op.output_shape(a_shape, b_shape));
    check_len("grad_y", grad_y, &y_shape);
    let (mut grad_a, mut grad_b) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    let pairs = broadcast_indices(a_shape, &y_shape).into_iter().zip(broadcast_indices(b_shape, &y_shape));
    for ((i, j), &grad) in pairs.zip(grad_y) {
        let [by_a, by_b] = partial_derivatives(op, f64::from(a[i]), f64::from(b[j]));
        grad_a[i] += by_a * f64::from(grad);
        grad_b[j] += by_b * f64::from(grad);
    }
    (round(&grad_a), round(&grad_b))
}

/// ∂f/∂a and ∂f/∂b.
fn partial_derivatives(op: BinaryOp, a: f64, b: f64) -> [f64; 2] {
    match op {
        BinaryOp::Add => [1.0, 1.0],
        BinaryOp::Sub => [1.0, -1.0],
        BinaryOp::Mul => [b, a],
        BinaryOp::Div => [1.0 / b, -a / (b * b)],
        BinaryOp::Prelu if a > 0.0 => [1.0, 0.0],
        BinaryOp::Prelu => [b, a],
        BinaryOp::Equal
        | BinaryOp::Less
        | BinaryOp::LessOrEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterOrEqual => [0.0, 0.0],
        BinaryOp::Maximum | BinaryOp::Minimum if a == b => [0.5, 0.5],
        BinaryOp::Maximum => {
            if a > b {
                [1.0, 0.0]
            } else {
                [0.0, 1.0]
            }
        }
        BinaryOp::Minimum => {
            if a < b {
                [1.0, 0.0]
            } else {
                [0.0, 1.0]
            }
        }
        BinaryOp::Pow => [
            // x⁰ is constant, also at x = 0, where the formula has no value.
            if b == 0.0 { 0.0 } else { b * a.powf(b - 1.0) },
            // 0ᵇ is constant in b ≥ 0.
            if a == 0.0 && b >= 0.0 { 0.0 } else { a.powf(b) * a.ln() },
        ],
    }
}

/// a where the condition is not 0, else b; all three have one shape.
#[must_use]
pub fn where_on(condition: &[f32], a: &[f32], b: &[f32]) -> Vec<f32> {
    assert!(condition.len() == a.len() && a.len() == b.len(), "where: operands of one shape");
    (0..a.len()).map(|at| if condition[at] != 0.0 { a[at] } else { b[at] }).collect()
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

    #[test]
    fn derivatives_at_kinks_are_pytorchs() {
        assert_eq!(derivative(UnaryOp::Relu, 0.0), 0.0);
        assert_eq!(derivative(UnaryOp::Relu6, 6.0), 0.0);
        assert_eq!(derivative(UnaryOp::Abs, 0.0), 0.0);
        assert_eq!(derivative(UnaryOp::LeakyRelu { slope: 0.25 }, 0.0), 0.25);
        assert_eq!(derivative(UnaryOp::Clamp { min: 0.0, max: 1.0 }, 1.0), 1.0);
        assert_eq!(partial_derivatives(BinaryOp::Maximum, 2.0, 2.0), [0.5, 0.5]);
        assert_eq!(partial_derivatives(BinaryOp::Pow, 0.0, 0.0), [0.0, 0.0]);
    }

    #[test]
    fn large_inputs_do_not_overflow() {
        for op in [UnaryOp::Sigmoid, UnaryOp::Tanh, UnaryOp::Silu, UnaryOp::Gelu, UnaryOp::GeluTanh] {
            for x in [-1e4, 1e4] {
                assert!(
                    unary(op, &[x])[0].is_finite() && unary_backward(op, &[x], &[1.0])[0].is_finite(),
                    "{op:?}"
                );
            }
        }
    }

    #[test]
    fn nan_passes_through() {
        for op in UnaryOp::ALL {
            assert!(unary(op, &[f32::NAN])[0].is_nan(), "{op:?}");
        }
        // What is not computed with cannot spoil the result: the slope of a positive number, the sides of a comparison.
        let computes = |op: &BinaryOp| !op.is_comparison() && *op != BinaryOp::Prelu;
        for op in BinaryOp::ALL.into_iter().filter(computes) {
            assert!(binary(op, &[f32::NAN], &[1], &[2.0], &[1])[0].is_nan(), "{op:?}");
            assert!(binary(op, &[2.0], &[1], &[f32::NAN], &[1])[0].is_nan(), "{op:?}");
        }
    }

    #[test]
    fn broadcast_gradients_are_summed() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 20.0, 30.0]);
        assert_eq!(binary(BinaryOp::Add, &a, &[2, 3], &b, &[3]), [11.0, 22.0, 33.0, 14.0, 25.0, 36.0]);
        let (grad_a, grad_b) = binary_backward(BinaryOp::Mul, &a, &[2, 3], &b, &[3], &[1.0; 6]);
        assert_eq!(grad_a, [10.0, 20.0, 30.0, 10.0, 20.0, 30.0]);
        assert_eq!(grad_b, [5.0, 7.0, 9.0]);
    }
}
