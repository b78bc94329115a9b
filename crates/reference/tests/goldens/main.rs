//! The reference against PyTorch: every case of every golden file. A test runs all cases of its family and reports each
//! one that fails.

#![allow(clippy::unwrap_used, missing_docs)]

mod layers;
mod others;

use tilewright_ops::{BinaryOp, UnaryOp};
use tilewright_reference::compare::{Mismatch, compare};
use tilewright_reference::elementwise;
use tilewright_reference::golden::{self, Case};

// The reference rounds once, so that one tolerance serves forward and backward: a few units in the last place, and an
// absolute part for elements that cancel.
const RTOL: f64 = 1e-5;
const ATOL: f64 = 1e-6;

/// What a case's function found: comparisons by role.
#[derive(Default)]
struct Checks(Vec<String>);

impl Checks {
    fn close(&mut self, case: &Case, role: &str, actual: &[f32]) {
        let (expected, _) = case.f32(role).unwrap();
        if let Err(mismatch) = compare(actual, expected, RTOL, ATOL) {
            self.0.push(format!("{}/{role}: {mismatch}", case.name));
        }
    }

    fn equal(&mut self, case: &Case, role: &str, actual: &[i32]) {
        let (expected, _) = case.i32(role).unwrap();
        if actual != expected {
            self.0.push(format!("{}/{role}: {actual:?}, expected {expected:?}", case.name));
        }
    }

    fn shape(&mut self, case: &Case, actual: &[usize]) {
        let expected = if let Ok((_, shape)) = case.f32("y") { shape } else { case.i32("y").unwrap().1 };
        if actual != expected {
            self.0.push(format!("{}: shape {actual:?}, expected {expected:?}", case.name));
        }
    }
}

/// Runs `check` on every case of a file. `least` guards against a file that lost its cases.
fn run(family: &str, least: usize, check: impl Fn(&Case, &mut Checks)) {
    let cases = golden::family(family).unwrap();
    assert!(cases.len() >= least, "{family}: {} cases, at least {least} expected", cases.len());
    let mut checks = Checks::default();
    for case in &cases {
        check(case, &mut checks);
    }
    let failures = checks.0;
    assert!(
        failures.is_empty(),
        "{} failures in {} cases:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn four(shape: &[usize]) -> [usize; 4] {
    shape.try_into().unwrap()
}

fn number(case: &Case, name: &str) -> f32 {
    case.number(name).unwrap() as f32
}

fn unary_op(case: &Case) -> Option<UnaryOp> {
    let plain = UnaryOp::ALL.into_iter().find(|op| op.name() == case.op)?;
    Some(match plain {
        UnaryOp::LeakyRelu { .. } => UnaryOp::LeakyRelu { slope: number(case, "slope") },
        UnaryOp::Clamp { .. } => UnaryOp::Clamp { min: number(case, "min"), max: number(case, "max") },
        UnaryOp::AddScalar { .. } => UnaryOp::AddScalar { value: number(case, "value") },
        UnaryOp::MulScalar { .. } => UnaryOp::MulScalar { value: number(case, "value") },
        UnaryOp::HardSigmoid { .. } => {
            UnaryOp::HardSigmoid { slope: number(case, "slope"), offset: number(case, "offset") }
        }
        UnaryOp::Elu { .. } => UnaryOp::Elu { alpha: number(case, "alpha") },
        UnaryOp::Selu { .. } => UnaryOp::Selu { alpha: number(case, "alpha"), gamma: number(case, "gamma") },
        UnaryOp::Celu { .. } => UnaryOp::Celu { alpha: number(case, "alpha") },
        UnaryOp::ThresholdedRelu { .. } => UnaryOp::ThresholdedRelu { threshold: number(case, "threshold") },
        UnaryOp::Shrink { .. } => {
            UnaryOp::Shrink { bias: number(case, "bias"), lambda: number(case, "lambda") }
        }
        plain => plain,
    })
}

#[test]
fn elementwise() {
    run("elementwise", 60, |case, checks| {
        if let Some(op) = unary_op(case) {
            let (x, _) = case.f32("x").unwrap();
            checks.close(case, "y", &elementwise::unary(op, x));
            checks.close(case, "grad_x", &elementwise::unary_backward(op, x, case.f32("grad_y").unwrap().0));
            return;
        }
        if case.op == "where" {
            let y_shape = case.f32("y").unwrap().1;
            // The reference wants one shape; to broadcast is to add to zeros.
            let zeros = vec![0.0; y_shape.iter().product()];
            let [condition, a, b] = ["condition", "a", "b"].map(|role| {
                let (values, shape) = case.f32(role).unwrap();
                elementwise::binary(BinaryOp::Add, values, shape, &zeros, y_shape)
            });
            checks.close(case, "y", &elementwise::where_on(&condition, &a, &b));
            return;
        }
        let op = BinaryOp::ALL.into_iter().find(|op| op.name() == case.op).unwrap();
        let ((a, a_shape), (b, b_shape)) = (case.f32("a").unwrap(), case.f32("b").unwrap());
        checks.shape(case, &op.output_shape(a_shape, b_shape).unwrap());
        checks.close(case, "y", &elementwise::binary(op, a, a_shape, b, b_shape));
        let grad_y = case.f32("grad_y").unwrap().0;
        let (grad_a, grad_b) = elementwise::binary_backward(op, a, a_shape, b, b_shape, grad_y);
        checks.close(case, "grad_a", &grad_a);
        checks.close(case, "grad_b", &grad_b);
    });
}

#[test]
fn every_elementwise_operation_has_a_case() {
    let cases = golden::family("elementwise").unwrap();
    let names = UnaryOp::ALL.iter().map(|op| op.name()).chain(BinaryOp::ALL.iter().map(|op| op.name()));
    for name in names {
        assert!(cases.iter().any(|case| case.op == name), "{name}");
    }
}

/// If this passes, the comparisons above mean something.
#[test]
fn a_perturbed_tensor_is_noticed() {
    for family in ["convolution", "pooling", "normalization"] {
        for case in golden::family(family).unwrap() {
            let (y, _) = case.f32("y").unwrap();
            assert_eq!(compare(y, y, RTOL, ATOL), Ok(()));
            for index in [0, y.len() / 2, y.len() - 1] {
                let mut perturbed = y.to_vec();
                perturbed[index] += 1e-4 * (1.0 + perturbed[index].abs());
                match compare(&perturbed, y, RTOL, ATOL) {
                    Err(Mismatch::Elements { count: 1, index: named, .. }) => assert_eq!(named, index),
                    other => panic!("{}: {other:?}", case.name),
                }
            }
        }
    }
}
