//! Functions of one element, of two, and of several, with broadcasting.

use super::broadcast::{Joined, expanded};
use super::call::Call;
use super::functions::{self, Binary, Unary, compares};
use super::quantize::coded;
use crate::element::ElementType;
use crate::error::Result;
use crate::narrow;
use crate::params::axis::{self, Checked};
use crate::params::movement;
use crate::params::operands::Operands;
use crate::table::operator::{Bits, Comparison, Logic, Variadic};
use crate::tensor::{Data, HostTensor, Numbers};

/// The numbers as elements of `dtype` in `shape`.
fn rounded(call: &Call, shape: &[usize], dtype: ElementType, numbers: &Numbers) -> Result<Vec<HostTensor>> {
    Ok(vec![call.tensor(shape, Data::from_numbers(dtype, numbers))?])
}

fn truth(call: &Call, shape: &[usize], values: Vec<bool>) -> Result<Vec<HostTensor>> {
    Ok(vec![call.tensor(shape, Data::Bool(values))?])
}

pub(super) fn unary(call: &Call, function: Unary) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    let numbers = match x.data().numbers() {
        Numbers::Floats(values) => Numbers::Floats(values.into_iter().map(function.float).collect()),
        Numbers::Integers(values) => {
            let integer = function
                .integer
                .ok_or_else(|| call.node().wrong(format!("an operand of {} must be of floats", x.dtype())))?;
            Numbers::Integers(values.into_iter().map(integer).collect())
        }
    };
    rounded(call, x.shape(), x.dtype(), &numbers)
}

pub(super) fn not(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    truth(call, x.shape(), x.data().numbers().floats().into_iter().map(|x| x == 0.0).collect())
}

pub(super) fn is_nan(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    truth(call, x.shape(), x.data().numbers().floats().into_iter().map(f64::is_nan).collect())
}

pub(super) fn is_infinite(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, attributes) = (call.operand(0)?, &call.node().attributes);
    let (negative, positive) =
        (attributes.flag("detect_negative", true)?, attributes.flag("detect_positive", true)?);
    let holds = |x: f64| x.is_infinite() && if x > 0.0 { positive } else { negative };
    truth(call, x.shape(), x.data().numbers().floats().into_iter().map(holds).collect())
}

pub(super) fn modulo(call: &Call) -> Result<Vec<HostTensor>> {
    binary(call, functions::modulo(call.node().attributes.flag("fmod", false)?))
}

pub(super) fn bits(call: &Call, op: Bits) -> Result<Vec<HostTensor>> {
    let attributes = &call.node().attributes;
    let right = match attributes.string("direction")?.unwrap_or("LEFT") {
        "LEFT" => false,
        "RIGHT" => true,
        other => return Err(attributes.wrong("direction", format!("`{other}` is unknown"))),
    };
    binary(call, functions::bits(op, right))
}

pub(super) fn bitwise_not(call: &Call) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    match x.data().numbers() {
        Numbers::Integers(values) => {
            let values = values.into_iter().map(|value| !value).collect();
            rounded(call, x.shape(), x.dtype(), &Numbers::Integers(values))
        }
        Numbers::Floats(_) => Err(call.node().wrong("its operand must be of integers")),
    }
}

pub(super) fn binary(call: &Call, function: Binary) -> Result<Vec<HostTensor>> {
    let (a, b) = (call.operand(0)?, call.operand(1)?);
    let joined = Joined::of(call, &[a, b])?;
    let numbers = match (&joined.numbers[0], &joined.numbers[1]) {
        (Numbers::Integers(a), Numbers::Integers(b)) => {
            let done: Checked<Vec<i128>> = a.iter().zip(b).map(|(&a, &b)| (function.integer)(a, b)).collect();
            Numbers::Integers(call.check(done)?)
        }
        (a, b) => {
            let float =
                function.float.ok_or_else(|| call.node().wrong("its operands must be of integers"))?;
            let (a, b) = (a.floats(), b.floats());
            Numbers::Floats(a.iter().zip(&b).map(|(&a, &b)| float(a, b)).collect())
        }
    };
    rounded(call, &joined.shape, a.dtype(), &numbers)
}

pub(super) fn compare(call: &Call, comparison: Comparison) -> Result<Vec<HostTensor>> {
    let joined = Joined::of(call, &[call.operand(0)?, call.operand(1)?])?;
    let values = match (&joined.numbers[0], &joined.numbers[1]) {
        (Numbers::Integers(a), Numbers::Integers(b)) => {
            a.iter().zip(b).map(|(a, b)| compares(comparison, a, b)).collect()
        }
        (a, b) => {
            let (a, b) = (a.floats(), b.floats());
            a.iter().zip(&b).map(|(a, b)| compares(comparison, a, b)).collect()
        }
    };
    truth(call, &joined.shape, values)
}

pub(super) fn logic(call: &Call, logic: Logic) -> Result<Vec<HostTensor>> {
    let joined = Joined::of(call, &[call.operand(0)?, call.operand(1)?])?;
    let (a, b) = (joined.numbers[0].floats(), joined.numbers[1].floats());
    let values = a.iter().zip(&b).map(|(&a, &b)| functions::logic(logic, a != 0.0, b != 0.0));
    truth(call, &joined.shape, values.collect())
}

pub(super) fn variadic(call: &Call, function: Variadic) -> Result<Vec<HostTensor>> {
    let operands = call.operands()?;
    let Some(first) = operands.first() else { return Err(call.node().wrong("it has no operands")) };
    let joined = Joined::of(call, &operands)?;
    let integers: Option<Vec<&Vec<i128>>> = joined
        .numbers
        .iter()
        .map(|numbers| match numbers {
            Numbers::Integers(values) => Some(values),
            Numbers::Floats(_) => None,
        })
        .collect();
    let floats = |join: fn(f64, f64) -> f64| {
        let floats: Vec<Vec<f64>> = joined.numbers.iter().map(Numbers::floats).collect();
        fold(&floats.iter().collect::<Vec<_>>(), join)
    };
    let of = |float: fn(f64, f64) -> f64, integer: fn(i128, i128) -> i128| match &integers {
        Some(columns) => Numbers::Integers(fold(columns, integer)),
        None => Numbers::Floats(floats(float)),
    };
    let numbers = match function {
        Variadic::Max => of(|a, b| if b > a || b.is_nan() { b } else { a }, i128::max),
        Variadic::Min => of(|a, b| if b < a || b.is_nan() { b } else { a }, i128::min),
        Variadic::Sum => of(|a, b| a + b, |a, b| a + b),
        Variadic::Mean => {
            let sums = floats(|a, b| a + b);
            Numbers::Floats(sums.into_iter().map(|sum| sum / operands.len() as f64).collect())
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

/// To the type that an attribute names.
pub(super) fn cast(call: &Call) -> Result<Vec<HostTensor>> {
    to(call, movement::cast_type(call)?)
}

/// To the type of the second operand.
pub(super) fn cast_like(call: &Call) -> Result<Vec<HostTensor>> {
    to(call, call.operand(1)?.dtype())
}

fn to(call: &Call, dtype: ElementType) -> Result<Vec<HostTensor>> {
    let x = call.operand(0)?;
    if dtype == x.dtype() {
        return Ok(vec![x.clone()]);
    }
    if dtype.is_narrow_float() && !call.node().attributes.flag("saturate", true)? {
        let values = x.data().numbers().floats();
        let codes = values.into_iter().map(|value| narrow::encode(dtype, value, false)).collect();
        return Ok(vec![call.tensor(x.shape(), coded(dtype, codes))?]);
    }
    rounded(call, x.shape(), dtype, &x.data().numbers())
}

pub(super) fn choose(call: &Call) -> Result<Vec<HostTensor>> {
    let (condition, a, b) = (call.operand(0)?, call.operand(1)?, call.operand(2)?);
    if a.dtype() != b.dtype() {
        return Err(call.node().wrong(format!("it chooses between {} and {}", a.dtype(), b.dtype())));
    }
    let shape = call.check(axis::broadcast_shapes(a.shape(), b.shape()))?;
    let shape = call.check(axis::broadcast_shapes(&shape, condition.shape()))?;
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

pub(super) fn clip(call: &Call) -> Result<Vec<HostTensor>> {
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
            // Not `clamp`, which panics where the bounds are crossed; ONNX lets the upper one win. A NaN
            // stays one, as a bound too.
            let held = |x: f64| {
                let x = if x < low || low.is_nan() { low } else { x };
                if x > high || high.is_nan() { high } else { x }
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
