//! Functions of one number and of two, in f64 and in i128.

use tilewright_ops::{BinaryOp, UnaryOp};

use crate::params::axis::Checked;
use crate::table::operator::{Bits, Comparison, Logic};

/// A function of one number.
#[derive(Clone, Copy)]
pub(super) struct Unary {
    pub(super) float: fn(f64) -> f64,
    /// Of integers, if it has integer values.
    pub(super) integer: Option<fn(i128) -> i128>,
}

/// A function of two numbers.
#[derive(Clone, Copy)]
pub(super) struct Binary {
    /// Of floats, if it is no function of bits.
    pub(super) float: Option<fn(f64, f64) -> f64>,
    pub(super) integer: fn(i128, i128) -> Checked<i128>,
}

/// The function on the host; `None` for one that the device alone computes, of constants too.
pub(super) fn unary(op: UnaryOp) -> Option<Unary> {
    let float = |float| Some(Unary { float, integer: None });
    let both = |float, integer| Some(Unary { float, integer: Some(integer) });
    match op {
        UnaryOp::Abs => both(f64::abs, i128::abs),
        UnaryOp::Neg => both(|x| -x, |x| -x),
        UnaryOp::Sign => both(|x| if x == 0.0 || x.is_nan() { x } else { x.signum() }, i128::signum),
        UnaryOp::Relu => both(|x| if x < 0.0 { 0.0 } else { x }, |x| x.max(0)),
        UnaryOp::Floor => float(f64::floor),
        UnaryOp::Ceil => float(f64::ceil),
        UnaryOp::Round => float(f64::round_ties_even),
        UnaryOp::Sqrt => float(f64::sqrt),
        UnaryOp::Exp => float(f64::exp),
        UnaryOp::Log => float(f64::ln),
        UnaryOp::Reciprocal => float(|x| 1.0 / x),
        UnaryOp::Sigmoid => float(|x| 1.0 / (1.0 + (-x).exp())),
        UnaryOp::Tanh => float(f64::tanh),
        UnaryOp::Sin => float(f64::sin),
        UnaryOp::Cos => float(f64::cos),
        UnaryOp::Tan => float(f64::tan),
        _ => None,
    }
}

/// The function on the host; `None` as for [`unary`].
pub(super) fn binary(op: BinaryOp) -> Option<Binary> {
    let of = |float: fn(f64, f64) -> f64, integer| Some(Binary { float: Some(float), integer });
    match op {
        BinaryOp::Add => of(|a, b| a + b, |a, b| Ok(a + b)),
        BinaryOp::Sub => of(|a, b| a - b, |a, b| Ok(a - b)),
        BinaryOp::Mul => of(|a, b| a * b, |a, b| Ok(a.wrapping_mul(b))),
        // Towards zero, as C and the other runtimes do.
        BinaryOp::Div => of(|a, b| a / b, |a, b| a.checked_div(b).ok_or_else(division_by_zero)),
        BinaryOp::Pow => of(f64::powf, |a, b| match u32::try_from(b) {
            // What leaves the type wraps; the low bits are right however many more there would be.
            Ok(power) => Ok(a.wrapping_pow(power)),
            // 1 / aᵇ cut towards zero; of 0 it is 0, as in PyTorch.
            Err(_) => Ok(if a == 1 || a == -1 && b % 2 == 0 {
                1
            } else if a == -1 {
                -1
            } else {
                0
            }),
        }),
        _ => None,
    }
}

fn division_by_zero() -> String {
    "a division by zero".to_owned()
}

/// The rest with the sign of the dividend (`fmod`), as C, or with that of the divisor, as Python.
pub(super) fn modulo(fmod: bool) -> Binary {
    if fmod {
        let integer = |a: i128, b: i128| a.checked_rem(b).ok_or_else(division_by_zero);
        return Binary { float: Some(|a, b| a % b), integer };
    }
    Binary {
        float: Some(floor_modulo),
        integer: |a, b| {
            let rest = a.checked_rem(b).ok_or_else(division_by_zero)?;
            Ok(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
        },
    }
}

/// a − ⌊a / b⌋ · b with the sign of b, a zero too; NaN for a divisor of 0 and of an infinity; of a divisor beyond all numbers
/// what has its sign stays, and the rest becomes it (ONNX, Mod since operator set 28; `divmod` in NumPy).
fn floor_modulo(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest == 0.0 {
        return if b.is_sign_negative() { -0.0 } else { 0.0 };
    }
    if (rest < 0.0) == (b < 0.0) { rest } else { rest + b }
}

/// A function of bits; a shift goes to the right if `right`. Shifted out of its bits a number is 0, or −1 to the right if it
/// is negative.
pub(super) fn bits(op: Bits, right: bool) -> Binary {
    let of = |integer| Binary { float: None, integer };
    match op {
        Bits::Shift if right => of(|a, b| Ok(if (0..64).contains(&b) { a >> b } else { a.signum().min(0) })),
        Bits::Shift => of(|a, b| Ok(if (0..64).contains(&b) { a << b } else { 0 })),
        Bits::And => of(|a, b| Ok(a & b)),
        Bits::Or => of(|a, b| Ok(a | b)),
        Bits::Xor => of(|a, b| Ok(a ^ b)),
    }
}

/// Whether a comparison holds.
pub(super) fn compares<T: PartialOrd>(comparison: Comparison, a: &T, b: &T) -> bool {
    match comparison {
        Comparison::Equal => a == b,
        Comparison::Less => a < b,
        Comparison::Greater => a > b,
        Comparison::LessOrEqual => a <= b,
        Comparison::GreaterOrEqual => a >= b,
    }
}

/// A function of two truth values.
pub(super) fn logic(logic: Logic, a: bool, b: bool) -> bool {
    match logic {
        Logic::And => a && b,
        Logic::Or => a || b,
        Logic::Xor => a != b,
    }
}
