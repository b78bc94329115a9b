//! Arithmetic of i32, which wraps.

use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};

use crate::indexing::{broadcast_indices, check_len, valid};

/// y = f(x) for each element.
#[must_use]
pub fn unary(op: UnaryOp, x: &[i32]) -> Vec<i32> {
    let function = match op {
        UnaryOp::Neg => i32::wrapping_neg,
        UnaryOp::Abs => i32::wrapping_abs,
        UnaryOp::Sign => i32::signum,
        UnaryOp::Relu => |x: i32| x.max(0),
        op => panic!("{}: it is a function of floats", op.name()),
    };
    x.iter().map(|&x| function(x)).collect()
}

/// y = f(a, b) with NumPy broadcasting. A comparison gives 1 or 0.
#[must_use]
pub fn binary(op: BinaryOp, a: &[i32], a_shape: &[usize], b: &[i32], b_shape: &[usize]) -> Vec<i32> {
    check_len("a", a, a_shape);
    check_len("b", b, b_shape);
    let y_shape = valid(op.output_shape(a_shape, b_shape));
    let pairs = broadcast_indices(a_shape, &y_shape).into_iter().zip(broadcast_indices(b_shape, &y_shape));
    pairs.map(|(i, j)| value(op, a[i], b[j])).collect()
}

fn value(op: BinaryOp, a: i32, b: i32) -> i32 {
    match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::Div if b == 0 => 0,
        BinaryOp::Div => a.wrapping_div(b),
        BinaryOp::Maximum => a.max(b),
        BinaryOp::Minimum => a.min(b),
        BinaryOp::Pow => match (a, u32::try_from(b)) {
            (_, Ok(power)) => a.wrapping_pow(power),
            (1, _) => 1,
            (-1, _) => 1 - 2 * (b & 1),
            _ => 0,
        },
        BinaryOp::Equal => i32::from(a == b),
        BinaryOp::Less => i32::from(a < b),
        BinaryOp::LessOrEqual => i32::from(a <= b),
        BinaryOp::Greater => i32::from(a > b),
        BinaryOp::GreaterOrEqual => i32::from(a >= b),
        BinaryOp::Remainder | BinaryOp::Fmod if b == 0 => 0,
        BinaryOp::Fmod => a.wrapping_rem(b),
        BinaryOp::Remainder => {
            let rest = a.wrapping_rem(b);
            if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
        }
        BinaryOp::BitwiseAnd => a & b,
        BinaryOp::BitwiseOr => a | b,
        BinaryOp::BitwiseXor => a ^ b,
        BinaryOp::ShiftLeft => u32::try_from(b).ok().and_then(|by| a.checked_shl(by)).unwrap_or(0),
        BinaryOp::ShiftRight => a >> u32::try_from(b).map_or(31, |by| by.min(31)),
        BinaryOp::Prelu => panic!("prelu: it is a function of floats"),
    }
}

/// Reduces x over `axes` (none means all), in the order of the shape without those axes.
#[must_use]
pub fn reduce(op: ReduceOp, x: &[i32], x_shape: &[usize], axes: &[usize]) -> Vec<i32> {
    check_len("x", x, x_shape);
    let kept = valid(op.output_shape(x_shape, axes, true));
    let (start, join): (i32, fn(i32, i32) -> i32) = match op {
        ReduceOp::Sum => (0, i32::wrapping_add),
        ReduceOp::Prod => (1, i32::wrapping_mul),
        ReduceOp::Max => (i32::MIN, i32::max),
        ReduceOp::Min => (i32::MAX, i32::min),
        ReduceOp::Mean => panic!("mean: that of integers is none"),
    };
    let mut y = vec![start; kept.iter().product()];
    for (group, &x) in broadcast_indices(&kept, x_shape).into_iter().zip(x) {
        y[group] = join(y[group], x);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(op: BinaryOp, pairs: &[(i32, i32)]) -> Vec<i32> {
        let (a, b): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        binary(op, &a, &[a.len()], &b, &[b.len()])
    }

    /// What PyTorch 1.13.1 gives, but for divisions by zero, which it refuses: those are NumPy's.
    #[test]
    fn arithmetic_is_pytorchs() {
        let signs = [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (-6, 3), (0, -5)];
        assert_eq!(of(BinaryOp::Div, &signs), [3, -3, -3, 3, 2, -2, 0]);
        assert_eq!(of(BinaryOp::Remainder, &signs), [1, 1, -1, -1, 0, 0, 0]);
        assert_eq!(of(BinaryOp::Fmod, &signs), [1, -1, 1, -1, 0, 0, 0]);
        for op in [BinaryOp::Div, BinaryOp::Remainder, BinaryOp::Fmod] {
            assert_eq!(of(op, &[(5, 0), (-5, 0), (0, 0)]), [0, 0, 0], "{op:?}");
        }
        assert_eq!(of(BinaryOp::Div, &[(i32::MIN, -1)]), [i32::MIN]);
        let powers =
            [(3, 4), (-3, 3), (2, 31), (2, 32), (7, 13), (0, 0), (5, -1), (1, -3), (-1, -3), (-1, -2)];
        assert_eq!(of(BinaryOp::Pow, &powers), [81, -27, i32::MIN, 0, -1_895_237_401, 1, 0, 1, -1, 1]);
        assert_eq!(of(BinaryOp::Add, &[(i32::MAX, 1)]), [i32::MIN]);
        assert_eq!(of(BinaryOp::Mul, &[(65_536, 65_536), (46_341, 46_341)]), [0, -2_147_479_015]);
        assert_eq!(of(BinaryOp::ShiftLeft, &[(1, 31), (3, 1), (1, 32), (1, -1)]), [i32::MIN, 6, 0, 0]);
        assert_eq!(of(BinaryOp::ShiftRight, &[(-8, 1), (7, 1), (-1, 40), (5, 40)]), [-4, 3, -1, 0]);
        assert_eq!(unary(UnaryOp::Abs, &[i32::MIN, -3]), [i32::MIN, 3]);
        assert_eq!(reduce(ReduceOp::Sum, &[i32::MAX, 1, 2, 3], &[2, 2], &[1]), [i32::MIN, 5]);
    }
}
