//! Functions of one number over all magnitudes, near their zeros above all, where drivers' own are far off: to 1e-6 of the
//! result, against f64 on the host.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts};
use tilewright::{Tensor, ops::UnaryOp};
use tilewright_reference::elementwise as reference;

/// What may be 0: an exp below the normal numbers, which some devices do not have, times an argument of 100.
const LEAST: f64 = 1.2e-36;

/// Numbers of each power of two from 2⁻¹⁰⁰ to 2⁹⁹ with several digits, closer and closer to 1, and along a line, of both signs.
fn magnitudes() -> Vec<f32> {
    let digits = [1.0f32, 1.000_000_1, 1.1, 1.234_567, 1.42, 1.5, 1.75, 1.999_999_9];
    let powers = (-100..100).flat_map(|power| digits.map(|digit| digit * 2.0f32.powi(power)));
    let beside_one = (1..24).flat_map(|bit| [1.0 - 2.0f32.powi(-bit), 1.0 + 2.0f32.powi(-bit)]);
    let line = (0..900).map(|at| at as f32 * 0.113);
    powers.chain(beside_one).chain(line).flat_map(|x| [x, -x]).collect()
}

/// Whether all digits of a function are asked for at x.
fn asked(op: UnaryOp, x: f32) -> bool {
    match op {
        // Beside a multiple of π/2 the digits of x itself decide.
        UnaryOp::Sin | UnaryOp::Cos | UnaryOp::Tan => x.abs() < 1.0,
        // Farther out the square in the exponent has lost its last digits.
        UnaryOp::Gelu | UnaryOp::GeluTanh => x.abs() < 3.0,
        // Its zero at -2.5 is one of a sum, of which f32 keeps the rounding of the terms.
        UnaryOp::HardSigmoid { .. } => x.abs() < 2.0,
        _ => true,
    }
}

/// The same of its derivative: those with a minimum have a zero there, again one of a sum.
fn asked_of_derivative(op: UnaryOp, x: f32) -> bool {
    let minimum = match op {
        UnaryOp::Gelu | UnaryOp::GeluTanh => -0.752,
        UnaryOp::Silu => -1.278,
        UnaryOp::Mish => -1.192,
        UnaryOp::HardSwish => -1.5,
        _ => return asked(op, x),
    };
    asked(op, x) && (x - minimum).abs() > 0.3
}

/// The arguments at which the result is a number not beside the largest, and those results.
fn defined(values: Vec<f32>, results: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
    values.into_iter().zip(results).filter(|(_, y)| y.abs() < 3e38).unzip()
}

#[test]
fn values_to_a_millionth() {
    let mut cases = Cases::new();
    for context in contexts() {
        for op in UnaryOp::ALL {
            let values: Vec<f32> = magnitudes().into_iter().filter(|&x| asked(op, x)).collect();
            let expected = reference::unary(op, &values);
            let (values, expected) = defined(values, expected);
            let x = Tensor::from_slice(&context, &values, &[values.len()]).unwrap();
            let y = x.unary(op).unwrap().to_vec::<f32>().unwrap();
            let name = format!("{} of {} numbers, {:?}", op.name(), values.len(), context.mode());
            cases.check(name, close(&y, &expected, 1e-6, LEAST));
        }
    }
    cases.finish();
}

#[test]
fn derivatives_to_two_millionths() {
    let mut cases = Cases::new();
    for context in contexts() {
        for op in UnaryOp::ALL {
            let values: Vec<f32> = magnitudes().into_iter().filter(|&x| asked_of_derivative(op, x)).collect();
            let expected = reference::unary_backward(op, &values, &vec![1.0; values.len()]);
            let (values, expected) = defined(values, expected);
            let x = Tensor::from_slice(&context, &values, &[values.len()]).unwrap();
            let ones = Tensor::ones(&context, &[values.len()]).unwrap();
            let slopes = x.unary_backward(op, &ones).unwrap().to_vec::<f32>().unwrap();
            let name = format!("{} of {} numbers, {:?}", op.name(), values.len(), context.mode());
            cases.check(name, close(&slopes, &expected, 2e-6, LEAST));
        }
    }
    cases.finish();
}

/// As C's functions of double precision have them, rounded once.
#[test]
fn near_zeros_and_far_out() {
    let elu = UnaryOp::Elu { alpha: 1.0 };
    let rows: [(UnaryOp, f32, f32); 22] = [
        (UnaryOp::Softplus, -17.5, 2.510_999_2e-8),
        (UnaryOp::Softplus, -9.9, 5.017_342e-5),
        (UnaryOp::Softplus, 100.0, 100.0),
        (elu, -1e-6, -9.999_995e-7),
        (elu, -50.0, -1.0),
        (UnaryOp::Asinh, 1e-6, 1e-6),
        (UnaryOp::Atanh, 1e-6, 1e-6),
        (UnaryOp::Acosh, 1.000_000_1, 4.882_812_5e-4),
        (UnaryOp::Asin, 1e-6, 1e-6),
        (UnaryOp::Erf, 1e-6, 1.128_379_2e-6),
        (UnaryOp::Log, 0.999_999_94, -5.960_464_8e-8),
        (UnaryOp::Log, 1.000_000_1, 1.192_092_8e-7),
        (UnaryOp::Log, 0.0, f32::NEG_INFINITY),
        (UnaryOp::Log, -0.0, f32::NEG_INFINITY),
        (UnaryOp::Log, f32::INFINITY, f32::INFINITY),
        (UnaryOp::Tanh, 5e-8, 5e-8),
        (UnaryOp::Tanh, 200.0, 1.0),
        (UnaryOp::Sinh, 5e-8, 5e-8),
        (UnaryOp::Sinh, 89.0, 2.244_806e38),
        (UnaryOp::Sigmoid, -80.0, 1.804_851_4e-35),
        (UnaryOp::Exp, 88.0, 1.651_636_3e38),
        (UnaryOp::Mish, -20.0, -4.122_307e-8),
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        for (op, x, expected) in rows {
            let y = Tensor::full(&context, x, &[5]).unwrap().unary(op).unwrap().to_vec::<f32>().unwrap();
            cases.check(format!("{}({x:e})", op.name()), close(&y, &[expected; 5], 1e-6, 0.0));
        }
        let below = Tensor::full(&context, -2.0, &[5]).unwrap().unary(UnaryOp::Log).unwrap();
        assert!(below.to_vec::<f32>().unwrap().iter().all(|y| y.is_nan()));
    }
    cases.finish();
}

/// Far out an argument is many turns, of which no bit may be lost: against the host's double precision, up to the largest number.
#[test]
fn angles_of_many_turns() {
    let steps = (0..4000).map(|at| 8190.0 + at as f32 * 0.37);
    let powers =
        (10..128).flat_map(|power| [1.0f32, 1.1, 1.570_796_4, 1.999_999_9].map(|x| x * 2.0f32.powi(power)));
    // The f32 that come nearest to a multiple of π/2.
    let nearest =
        [16_367_173.0 * 2.0f32.powi(72), 12_013_558.0 * 2.0f32.powi(-22), f32::MAX, 1e6, 3e5, 1e9, 1e12];
    let values: Vec<f32> = steps.chain(powers).chain(nearest).flat_map(|x| [x, -x]).collect();
    let mut cases = Cases::new();
    for context in contexts() {
        let x = Tensor::from_slice(&context, &values, &[values.len()]).unwrap();
        let ones = Tensor::ones(&context, &[values.len()]).unwrap();
        // 3e-7 is what the polynomial of a cosine leaves beside its zero, for small arguments too.
        for op in [UnaryOp::Sin, UnaryOp::Cos] {
            let y = x.unary(op).unwrap().to_vec::<f32>().unwrap();
            cases.check(op.name(), close(&y, &reference::unary(op, &values), 1e-6, 3e-7));
            let expected = reference::unary_backward(op, &values, &vec![1.0; values.len()]);
            let slopes = x.unary_backward(op, &ones).unwrap().to_vec::<f32>().unwrap();
            cases.check(format!("{} backward", op.name()), close(&slopes, &expected, 1e-6, 3e-7));
        }
        // Beside a pole it is as far off as the cosine.
        let (angles, expected): (Vec<f32>, Vec<f32>) = values
            .iter()
            .zip(reference::unary(UnaryOp::Tan, &values))
            .filter(|(_, y)| y.abs() < 10.0)
            .unzip();
        let x = Tensor::from_slice(&context, &angles, &[angles.len()]).unwrap();
        let y = x.unary(UnaryOp::Tan).unwrap().to_vec::<f32>().unwrap();
        cases.check(UnaryOp::Tan.name(), close(&y, &expected, 5e-6, 3e-7));
    }
    cases.finish();
}
