//! Functions of one number over all magnitudes, near their zeros above all, where drivers' own are far off: to 1e-6 of the
//! result, against f64 on the host.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts};
use tilewright::{Tensor, ops::UnaryOp};
use tilewright_reference::elementwise as reference;

/// What is flushed to 0 where a device has no numbers below the normal ones.
const LEAST: f64 = 1.2e-38;

/// Numbers of each power of two from 2⁻¹⁰⁰ to 2¹⁰⁰ with several digits, and their neighbourhoods of 1, of both signs.
fn magnitudes() -> Vec<f32> {
    let digits = [1.0f32, 1.000_000_1, 1.1, 1.234_567, 1.414_213_5, 1.5, 1.75, 1.999_999_9];
    let powers = (-100..100).flat_map(|power| digits.map(|digit| digit * 2.0f32.powi(power)));
    let beside_one = (1..24).flat_map(|bit| [1.0 - 2.0f32.powi(-bit), 1.0 + 2.0f32.powi(-bit)]);
    let lines = (0..900).map(|at| at as f32 * 0.113);
    powers.chain(beside_one).chain(lines).flat_map(|x| [x, -x]).collect()
}

/// Where a function is asked for: with the reason where it is not everywhere.
fn asked(op: UnaryOp, x: f32) -> bool {
    let x = x.abs();
    match op {
        // Arguments up to 10⁴, and a zero beside each multiple of π/2 that f32 does not hold.
        UnaryOp::Sin | UnaryOp::Cos | UnaryOp::Tan => x < 1.0,
        // Far out the square in the exponent has itself lost those digits.
        UnaryOp::Gelu => x < 5.0,
        UnaryOp::GeluTanh => x < 3.0,
        // Its zero at -2.5 is one of a sum, of which f32 keeps the rounding of the terms.
        UnaryOp::HardSigmoid { .. } => x < 2.0,
        _ => true,
    }
}

#[test]
fn values_to_a_millionth() {
    let mut cases = Cases::new();
    for context in contexts() {
        for op in UnaryOp::ALL {
            let values: Vec<f32> = magnitudes().into_iter().filter(|&x| asked(op, x)).collect();
            let expected = reference::unary(op, &values);
            // What is not defined there is the business of another test.
            let (values, expected): (Vec<f32>, Vec<f32>) =
                values.into_iter().zip(expected).filter(|(_, y)| y.is_finite()).unzip();
            let x = Tensor::from_slice(&context, &values, &[values.len()]).unwrap();
            let y = x.unary(op).unwrap().to_vec::<f32>().unwrap();
            for tolerance in [1e-4, 1e-5, 3e-6, 1e-6, 5e-7] {
                if let Err(e) = close(&y, &expected, tolerance, LEAST) {
                    let at: usize = e.split("element ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
                    println!("{} {tolerance:e} {:e}: {e}", op.name(), values[at]); break;
                }
            }
            cases.check(op.name(), close(&y, &expected, 1e-6, LEAST));
        }
    }
    cases.finish();
}

#[test]
fn derivatives_to_two_millionths() {
    let mut cases = Cases::new();
    for context in contexts() {
        for op in UnaryOp::ALL {
            let values: Vec<f32> = magnitudes().into_iter().filter(|&x| asked(op, x)).collect();
            let expected = reference::unary_backward(op, &values, &vec![1.0; values.len()]);
            let (values, expected): (Vec<f32>, Vec<f32>) =
                values.into_iter().zip(expected).filter(|(_, y)| y.is_finite()).unzip();
            let x = Tensor::from_slice(&context, &values, &[values.len()]).unwrap();
            let ones = Tensor::ones(&context, &[values.len()]).unwrap();
            let slope = x.unary_backward(op, &ones).unwrap().to_vec::<f32>().unwrap();
            for tolerance in [1e-3, 1e-4, 1e-5, 3e-6, 1e-6, 5e-7] {
                if let Err(e) = close(&slope, &expected, tolerance, LEAST) {
                    let at: usize = e.split("element ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
                    println!("D {} {tolerance:e} {:e}: {e}", op.name(), values[at]); break;
                }
            }
            cases.check(op.name(), close(&slope, &expected, 2e-6, LEAST));
        }
    }
    cases.finish();
}
