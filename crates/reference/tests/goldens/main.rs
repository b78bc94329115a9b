//! The reference against PyTorch: every case of every golden file. A test runs all cases of its family and reports each
//! one that fails.

#![allow(clippy::unwrap_used, missing_docs)]

mod layers;
mod others;

use tilewright_ops::{BinaryOp, Op, UnaryOp};
use tilewright_reference::compare::{Mismatch, compare};
use tilewright_reference::elementwise;
use tilewright_reference::golden::{self, Case, Operation};

// The reference rounds once, so that one tolerance serves forward and backward: a few units in the last place, and an
// absolute part for elements that cancel.
const RTOL: f64 = 1e-5;
const ATOL: f64 = 1e-6;

/// What a case's function found: comparisons by role.
#[derive(Default)]
struct Checks(Vec<String>);

impl Checks {
    fn close(&mut self, case: &Case, role: &str, actual: &[f32]) {
        self.near(case, role, actual, RTOL);
    }

    fn near(&mut self, case: &Case, role: &str, actual: &[f32], relative: f64) {
        let (expected, _) = case.f32(role).unwrap();
        if let Err(mismatch) = compare(actual, expected, relative, ATOL.max(relative / 10.0)) {
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

/// The tensors of a case, in the order of its operands.
fn operands(case: &Case) -> Vec<(&[f32], &[usize])> {
    case.operands().iter().map(|role| case.f32(role).unwrap()).collect()
}

fn grad_y(case: &Case) -> &[f32] {
    case.f32("grad_y").unwrap().0
}

#[test]
fn elementwise() {
    run("elementwise", 60, |case, checks| match case.operation().unwrap() {
        Operation::Op(Op::Unary(op)) => {
            let (x, _) = case.f32("x").unwrap();
            checks.close(case, "y", &elementwise::unary(op, x));
            checks.close(case, "grad_x", &elementwise::unary_backward(op, x, grad_y(case)));
        }
        Operation::Op(Op::Where) => {
            let y_shape = case.f32("y").unwrap().1;
            // The reference wants one shape; to broadcast is to add to zeros.
            let zeros = vec![0.0; y_shape.iter().product()];
            let whole = |(values, shape)| elementwise::binary(BinaryOp::Add, values, shape, &zeros, y_shape);
            let all: Vec<_> = operands(case).into_iter().map(whole).collect();
            checks.close(case, "y", &elementwise::where_on(&all[0], &all[1], &all[2]));
        }
        Operation::Op(Op::Binary { op, .. }) => {
            let [(a, a_shape), (b, b_shape)] = operands(case)[..] else { panic!("{}", case.name) };
            checks.shape(case, &op.output_shape(a_shape, b_shape).unwrap());
            checks.close(case, "y", &elementwise::binary(op, a, a_shape, b, b_shape));
            let (grad_a, grad_b) = elementwise::binary_backward(op, a, a_shape, b, b_shape, grad_y(case));
            checks.close(case, "grad_a", &grad_a);
            checks.close(case, "grad_b", &grad_b);
        }
        other => panic!("{}: {other:?}", case.name),
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
