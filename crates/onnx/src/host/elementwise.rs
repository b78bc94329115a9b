//! Functions of one element, of two, and of several, with broadcasting.

use super::broadcast::{Joined, expanded};
use super::{Call, Operator};
use crate::params::{Operands, broadcast_shapes};
use crate::{Data, ElementType, HostTensor, Numbers, Result};

pub(super) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "Abs" | "Neg" | "Sign" | "Floor" | "Ceil" | "Round" | "Sqrt" | "Exp" | "Log" | "Reciprocal"
        | "Relu" | "Sigmoid" | "Tanh" | "Sin" | "Cos" | "Tan" => unary,
        "Not" | "IsNaN" | "IsInf" => predicate,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "BitShift" | "BitwiseAnd" | "BitwiseOr"
        | "BitwiseXor" => binary,
        "Equal" | "Less" | "Greater" | "LessOrEqual" | "GreaterOrEqual" | "And" | "Or" | "Xor" => compare,
        "Max" | "Min" | "Sum" | "Mean" => variadic,
        "Cast" | "CastLike" => cast,
        "Where" => choose,
        "Clip" => clip,
        _ => return None,
    })
}

/// The numbers as elements of `dtype` in `shape`.
fn rounded(call: &Call, shape: &[usize], dtype: ElementType, numbers: &Numbers) -> Result<Vec<HostTensor>> {
    Ok(vec![call.tensor(shape, Data::from_numbers(dtype, numbers))?])
}

fn truth(call: &Call, shape: &[usize], values: Vec<bool>) -> Result<Vec<HostTensor>> {
    Ok(vec![call.tensor(shape, Data::Bool(values))?])
}

fn unary(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let op = call.node().op_type.as_str();
    let numbers = match x.data().numbers() {
        Numbers::Floats(values) => Numbers::Floats(values.into_iter().map(|x| float_unary(op, x)).collect()),
        Numbers::Integers(values) => {
            let integer = |x: i128| match op {
                "Abs" => Some(x.abs()),
                "Neg" => Some(-x),
                "Sign" => Some(x.signum()),
                "Relu" => Some(x.max(0)),
                _ => None,
            };
            let done: Option<Vec<i128>> = values.into_iter().map(integer).collect();
            Numbers::Integers(
                done.ok_or_else(|| {
                    call.node().wrong(format!("an operand of {} must be of floats", x.dtype()))
                })?,
            )
        }
    };
    rounded(call, x.shape(), x.dtype(), &numbers)
}

fn float_unary(op: &str, x: f64) -> f64 {
    match op {
        "Abs" => x.abs(),
        "Neg" => -x,
        "Sign" if x == 0.0 || x.is_nan() => x,
        "Sign" => x.signum(),
        "Floor" => x.floor(),
        "Ceil" => x.ceil(),
        "Round" => x.round_ties_even(),
        "Sqrt" => x.sqrt(),
        "Exp" => x.exp(),
        "Log" => x.ln(),
        "Reciprocal" => 1.0 / x,
        "Relu" => {
            if x < 0.0 {
                0.0
            } else {
                x
            }
        }
        "Sigmoid" => 1.0 / (1.0 + (-x).exp()),
        "Tanh" => x.tanh(),
        "Sin" => x.sin(),
        "Cos" => x.cos(),
        _ => x.tan(),
    }
}

fn predicate(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let attributes = &call.node().attributes;
    let (negative, positive) =
        (attributes.flag("detect_negative", true)?, attributes.flag("detect_positive", true)?);
    let values = x.data().numbers().floats();
    let holds = |x: f64| match call.node().op_type.as_str() {
        "Not" => x == 0.0,
        "IsNaN" => x.is_nan(),
        _ => x.is_infinite() && if x > 0.0 { positive } else { negative },
    };
    truth(call, x.shape(), values.into_iter().map(holds).collect())
}

fn binary(call: &Call) -> Result<Vec<HostTensor>> {
    let (a, b) = (call.operand(0)?, call.operand(1)?);
    let (op, dtype) = (call.node().op_type.as_str(), a.dtype());
    let joined = Joined::of(call, &[a, b])?;
    let attributes = &call.node().attributes;
    let fmod = attributes.flag("fmod", false)?;
    let right = attributes.string("direction")?.unwrap_or("LEFT") == "RIGHT";
    let numbers = match (&joined.numbers[0], &joined.numbers[1]) {
        (Numbers::Integers(a), Numbers::Integers(b)) => {
            let both = a.iter().zip(b);
            let done = both.map(|(&a, &b)| integer_binary(op, a, b, fmod, right));
            let done: Checked<Vec<i128>> = done.collect();
            Numbers::Integers(call.check(done)?)
        }
        (a, b) => {
            let (a, b) = (a.floats(), b.floats());
            let done = a.iter().zip(&b).map(|(&a, &b)| float_binary(op, a, b, fmod));
            let done: Option<Vec<f64>> = done.collect();
            Numbers::Floats(done.ok_or_else(|| call.node().wrong("its operands must be of integers"))?)
        }
    };
    rounded(call, &joined.shape, dtype, &numbers)
}

type Checked<T> = std::result::Result<T, String>;

fn integer_binary(op: &str, a: i128, b: i128, fmod: bool, right: bool) -> Checked<i128> {
    let zero = || "a division by zero".to_owned();
    Ok(match op {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a.wrapping_mul(b),
        // Towards zero, as C and the other runtimes do.
        "Div" => a.checked_div(b).ok_or_else(zero)?,
        "Mod" if fmod => a.checked_rem(b).ok_or_else(zero)?,
        // The sign of the divisor, as Python.
        "Mod" => {
            let rest = a.checked_rem(b).ok_or_else(zero)?;
            if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
        }
        "Pow" => match u32::try_from(b) {
            Ok(power) => a.checked_pow(power).ok_or_else(|| format!("{a} to the power of {b} overflows"))?,
            Err(_) => (a as f64).powf(b as f64) as i128,
        },
        "BitShift" if !(0..64).contains(&b) => 0,
        "BitShift" if right => a >> b,
        "BitShift" => a << b,
        "BitwiseAnd" => a & b,
        "BitwiseOr" => a | b,
        _ => a ^ b,
    })
}

fn float_binary(op: &str, a: f64, b: f64, fmod: bool) -> Option<f64> {
    Some(match op {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" => a / b,
        "Pow" => a.powf(b),
        "Mod" if fmod => a % b,
        "Mod" => a - (a / b).floor() * b,
        _ => return None,
    })
}

fn compare(call: &Call) -> Result<Vec<HostTensor>> {
    let joined = Joined::of(call, &[call.operand(0)?, call.operand(1)?])?;
    let op = call.node().op_type.as_str();
    let values = match (&joined.numbers[0], &joined.numbers[1]) {
        (Numbers::Integers(a), Numbers::Integers(b)) => {
            a.iter().zip(b).map(|(a, b)| holds(op, a, b, &0)).collect()
        }
        (a, b) => {
            let (a, b) = (a.floats(), b.floats());
            a.iter().zip(&b).map(|(a, b)| holds(op, a, b, &0.0)).collect()
        }
    };
    truth(call, &joined.shape, values)
}

fn holds<T: PartialOrd>(op: &str, a: &T, b: &T, zero: &T) -> bool {
    match op {
        "Equal" => a == b,
        "Less" => a < b,
        "Greater" => a > b,
        "LessOrEqual" => a <= b,
        "GreaterOrEqual" => a >= b,
        "And" => a != zero && b != zero,
        "Or" => a != zero || b != zero,
        _ => (a != zero) != (b != zero),
    }
}

fn variadic(call: &Call) -> Result<Vec<HostTensor>> {
    let operands = call.operands()?;
    let Some(first) = operands.first() else { return Err(call.node().wrong("it has no operands")) };
    let joined = Joined::of(call, &operands)?;
    let op = call.node().op_type.as_str();
    let integers: Option<Vec<&Vec<i128>>> = joined
        .numbers
        .iter()
        .map(|numbers| match numbers {
            Numbers::Integers(values) => Some(values),
            Numbers::Floats(_) => None,
        })
        .collect();
    let numbers = match integers {
        Some(columns) if op != "Mean" => Numbers::Integers(fold(&columns, |a, b| match op {
            "Max" => a.max(b),
            "Min" => a.min(b),
            _ => a + b,
        })),
        _ => {
            let floats: Vec<Vec<f64>> = joined.numbers.iter().map(Numbers::floats).collect();
            let columns: Vec<&Vec<f64>> = floats.iter().collect();
            let mut values = fold(&columns, |a, b| match op {
                "Max" if b > a || b.is_nan() => b,
                "Min" if b < a || b.is_nan() => b,
                "Max" | "Min" => a,
                _ => a + b,
            });
            if op == "Mean" {
                values.iter_mut().for_each(|value| *value /= operands.len() as f64);
            }
            Numbers::Floats(values)
        }
    };
    rounded(call, &joined.shape, first.dtype(), &numbers)
}

fn fold<T: Copy>(columns: &[&Vec<T>], join: impl Fn(T, T) -> T) -> Vec<T> {
    let Some((first, rest)) = columns.split_first() else { return vec![] };
    let mut values = (*first).clone();
    for column in rest {
        values.iter_mut().zip(*column).for_each(|(value, &other)| *value = join(*value, other));
    }
    values
}

fn cast(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let attributes = &call.node().attributes;
    let dtype = if call.node().op_type == "CastLike" {
        call.operand(1)?.dtype()
    } else {
        let number = attributes.int("to", 0)?;
        let known = i32::try_from(number).map_err(|_| "unknown").and_then(ElementType::from_number);
        known.map_err(|name| attributes.wrong("to", format!("is {number} ({name}), which is not read")))?
    };
    if dtype == x.dtype() {
        return Ok(vec![x.clone()]);
    }
    rounded(call, x.shape(), dtype, &x.data().numbers())
}

fn choose(call: &Call) -> Result<Vec<HostTensor>> {
    let (condition, a, b) = (call.operand(0)?, call.operand(1)?, call.operand(2)?);
    if a.dtype() != b.dtype() {
        return Err(call.node().wrong(format!("it chooses between {} and {}", a.dtype(), b.dtype())));
    }
    let shape = call.check(broadcast_shapes(a.shape(), b.shape()))?;
    let shape = call.check(broadcast_shapes(&shape, condition.shape()))?;
    let count = call.count(&shape)?;
    let (a, b) = (expanded(a, &shape), expanded(b, &shape));
    let chosen = expanded(condition, &shape).numbers().floats();
    // Numbers hold every element of every type, so that nothing is lost on the way.
    let numbers = match (a.numbers(), b.numbers()) {
        (Numbers::Floats(a), Numbers::Floats(b)) => {
            Numbers::Floats((0..count).map(|at| if chosen[at] != 0.0 { a[at] } else { b[at] }).collect())
        }
        (Numbers::Integers(a), Numbers::Integers(b)) => {
            Numbers::Integers((0..count).map(|at| if chosen[at] != 0.0 { a[at] } else { b[at] }).collect())
        }
        _ => return Err(call.node().wrong("it chooses between floats and integers")),
    };
    rounded(call, &shape, a.dtype(), &numbers)
}

fn clip(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let bound = |attribute: &str, index: usize| -> Result<Option<Numbers>> {
        if let Some(&value) = call.node().attributes.float_ref(attribute)? {
            return Ok(Some(Numbers::Floats(vec![f64::from(value)])));
        }
        let Some(tensor) = call.constant(index)? else { return Ok(None) };
        if tensor.count() == 1 {
            return Ok(Some(tensor.data().numbers()));
        }
        Err(call.node().wrong(format!("operand {index} must have one element")))
    };
    let (low, high) = (bound("min", 1)?, bound("max", 2)?);
    let numbers = match x.data().numbers() {
        Numbers::Floats(values) => {
            let end = |bound: Option<Numbers>, open| bound.map_or(open, |numbers| numbers.floats()[0]);
            let (low, high) = (end(low, f64::NEG_INFINITY), end(high, f64::INFINITY));
            // Not `clamp`, which panics where the bounds are crossed; ONNX lets the upper one win.
            let held = |x: f64| {
                let x = if x < low { low } else { x };
                if x > high { high } else { x }
            };
            Numbers::Floats(values.into_iter().map(held).collect())
        }
        Numbers::Integers(values) => {
            let end = |bound: Option<Numbers>, open| match bound {
                Some(Numbers::Integers(value)) => value[0],
                Some(Numbers::Floats(value)) => value[0] as i128,
                None => open,
            };
            let (low, high) = (end(low, i128::MIN), end(high, i128::MAX));
            Numbers::Integers(values.into_iter().map(|x| x.max(low).min(high)).collect())
        }
    };
    rounded(call, x.shape(), x.dtype(), &numbers)
}
