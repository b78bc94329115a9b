//! Elementwise operations.

use tilewright_ops::{BinaryOp, UnaryOp};

use crate::functions::{derivative, value};
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
    let one = |(&x, &grad): (&f32, &f32)| match derivative(op, f64::from(x)) {
        0.0 if op.masks() => 0.0,
        slope => (slope * f64::from(grad)) as f32,
    };
    x.iter().zip(grad_y).map(one).collect()
}

/// f32 to i32: towards zero; what does not fit, and NaN, is −2³¹, as in PyTorch and ONNX Runtime on x86.
#[must_use]
pub fn cast_to_i32(x: &[f32]) -> Vec<i32> {
    x.iter()
        .map(|&x| if (-2_147_483_648.0..2_147_483_648.0).contains(&x) { x as i32 } else { i32::MIN })
        .collect()
}

/// f32 to u32: towards zero and modulo 2³², as by way of 64 bits on x86; what does not fit those, and NaN, is 0.
#[must_use]
pub fn cast_to_u32(x: &[f32]) -> Vec<u32> {
    let wide = |x: f32| if x.abs() < 9_223_372_036_854_775_808.0 { x as i64 } else { i64::MIN };
    x.iter().map(|&x| wide(x) as u32).collect()
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
                BinaryOp::Remainder => remainder(a, b),
                BinaryOp::Fmod => a % b,
                BinaryOp::BitwiseAnd
                | BinaryOp::BitwiseOr
                | BinaryOp::BitwiseXor
                | BinaryOp::ShiftLeft
                | BinaryOp::ShiftRight => panic!("{}: bits are those of integers", op.name()),
            };
            y as f32
        })
        .collect()
}

/// The rest of a / b with the sign of b.
fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
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
        BinaryOp::Div => [1.0 / b, -(a / b) / b],
        BinaryOp::Prelu if a > 0.0 => [1.0, 0.0],
        BinaryOp::Prelu => [b, a],
        BinaryOp::Equal
        | BinaryOp::Less
        | BinaryOp::LessOrEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterOrEqual => [0.0, 0.0],
        BinaryOp::Remainder => [1.0, -(a / b).floor()],
        BinaryOp::Fmod => [1.0, -(a / b).trunc()],
        BinaryOp::BitwiseAnd
        | BinaryOp::BitwiseOr
        | BinaryOp::BitwiseXor
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRight => panic!("{}: integers have no gradient", op.name()),
        BinaryOp::Maximum | BinaryOp::Minimum if a == b => [0.5, 0.5],
        // Beside a NaN neither is the less: both get all, as in PyTorch.
        BinaryOp::Maximum => [1.0 - f64::from(a < b), 1.0 - f64::from(a > b)],
        BinaryOp::Minimum => [1.0 - f64::from(a > b), 1.0 - f64::from(a < b)],
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
pub fn where_on<T: Copy>(condition: &[f32], a: &[T], b: &[T]) -> Vec<T> {
    assert!(condition.len() == a.len() && a.len() == b.len(), "where: operands of one shape");
    (0..a.len()).map(|at| if condition[at] != 0.0 { a[at] } else { b[at] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
