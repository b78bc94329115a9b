//! The tape: accumulation, sharing, detaching, freeing; and every rule against finite differences.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "autograd/anomaly.rs"]
mod anomaly;
#[path = "common/cases/mod.rs"]
mod cases;
#[path = "autograd/checkpoint.rs"]
mod checkpoint;
mod common;
#[path = "autograd/custom.rs"]
mod custom;
#[path = "autograd/memory.rs"]
mod memory;
#[path = "autograd/tape.rs"]
mod tape;

use common::{Cases, context, own_context};
use tilewright::{
    DType, Tensor, Var,
    autograd::{Error, GradientCheck, Gradients, check_gradients},
    ops::{BinaryOp, Conv2d, UnaryOp},
};

/// Operations that have no gradient.
const NOT_DIFFERENTIABLE: [&str; 2] = ["argmax", "cast"];

fn leaf(values: &[f32], shape: &[usize]) -> Var {
    Var::leaf(Tensor::from_slice(&context(), values, shape).unwrap())
}

fn leaf_beside(other: &Var, values: &[f32], shape: &[usize]) -> Var {
    Var::leaf(Tensor::from_slice(other.tensor().context(), values, shape).unwrap())
}

fn sum(var: &Var) -> Var {
    let axes: Vec<_> = (0..var.shape().len()).collect();
    var.sum(&axes, false).unwrap()
}

#[test]
fn a_value_used_twice_gets_both_gradients() {
    let x = leaf(&[2.0, -3.0], &[2]);
    let y = sum(&x.mul(&x).unwrap().add(&x).unwrap());
    let gradients = y.backward().unwrap();
    assert_eq!(gradients.get(&x).unwrap().to_vec::<f32>().unwrap(), [5.0, -5.0]);
    assert_eq!(gradients.len(), 1);
}

#[test]
fn a_diamond_is_walked_once() {
    // 2^40 paths: an order that visits paths and not nodes would not end.
    let x = leaf(&[1.0], &[1]);
    let mut y = x.clone();
    for _ in 0..40 {
        y = y.scale(0.5).unwrap().add(&y.scale(0.5).unwrap()).unwrap();
    }
    let gradients = sum(&y).backward().unwrap();
    assert_eq!(gradients.get(&x).unwrap().to_vec::<f32>().unwrap(), [1.0]);
}

#[test]
fn detach_and_constants_stop_the_gradient() {
    let x = leaf(&[2.0], &[1]);
    let y = sum(&x.mul(&x.detach()).unwrap());
    assert_eq!(y.backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap(), [2.0]);
    assert!(matches!(sum(&x.detach()).backward(), Err(Error::NoTape)));
}

#[test]
fn gradients_accumulate_over_passes() {
    let x = leaf(&[3.0], &[1]);
    let mut all = sum(&x.mul(&x).unwrap()).backward().unwrap();
    all.accumulate(sum(&x.scale(10.0).unwrap()).backward().unwrap()).unwrap();
    assert_eq!(all.get(&x).unwrap().to_vec::<f32>().unwrap(), [16.0]);
    all.scale(0.5).unwrap();
    assert_eq!(all.get(&x).unwrap().to_vec::<f32>().unwrap(), [8.0]);
}

#[test]
fn misuse_is_a_typed_error() {
    let x = leaf(&[1.0, 2.0], &[2]);
    let y = x.relu().unwrap();
    assert!(matches!(y.backward(), Err(Error::NotScalar { .. })));
    let wrong = Tensor::ones(x.tensor().context(), &[3]).unwrap();
    assert!(matches!(y.backward_with(&wrong), Err(Error::GradientShape { .. })));
    let y = sum(&y);
    y.backward().unwrap();
    assert!(matches!(y.backward(), Err(Error::Freed { .. })));
    // A rule of one's own that gives a gradient of a wrong shape is found at once.
    let bad = Var::custom("bad", &[&x], Tensor::zeros(x.tensor().context(), &[1]).unwrap(), |grad, _| {
        Ok(vec![Some(grad.clone())])
    });
    assert!(matches!(bad.backward(), Err(Error::GradientShape { op: "bad", .. })));
}

#[test]
fn saved_tensors_are_freed_on_the_way_back() {
    let context = own_context();
    let x = Var::leaf(Tensor::from_slice(&context, &[1.0f32; 4096], &[4096]).unwrap());
    let live = || context.memory().live_buffers;
    let alone = live();
    let mut y = x.clone();
    for _ in 0..10 {
        y = y.unary(UnaryOp::Tanh).unwrap();
    }
    let total = sum(&y);
    assert!(live() >= alone + 10, "each tanh saves its operand");
    let gradients = total.backward().unwrap();
    // x itself, the last tanh, the total and the gradient of x.
    assert!(live() <= alone + 3, "{} live buffers", live() - alone);
    drop((gradients, total, y));
    assert_eq!(live(), alone);
    // A sum saves nothing: its operands may go while the tape stays.
    let mut y = x.clone();
    for _ in 0..10 {
        y = y.add(&x).unwrap();
    }
    assert!(live() <= alone + 1, "{} live buffers", live() - alone);
}

#[test]
fn a_deep_tape_needs_no_deep_stack() {
    let x = leaf(&[1.0], &[1]);
    let mut y = x.clone();
    for _ in 0..20_000 {
        y = y.reshape(&[1]).unwrap();
    }
    drop(y.clone());
    assert_eq!(sum(&y).backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap(), [1.0]);
    let mut unused = x.clone();
    for _ in 0..20_000 {
        unused = unused.reshape(&[1]).unwrap();
    }
}

#[test]
fn a_residual_block_ends_with_one_mask_for_both() {
    let a = leaf(&[1.0, -2.0, 3.0, -4.0], &[2, 2]);
    let b = leaf_beside(&a, &[1.0, 5.0], &[2]);
    let y = a.add_relu(&b).unwrap();
    assert_eq!(y.tensor().to_vec::<f32>().unwrap(), [2.0, 3.0, 4.0, 1.0]);
    let y = y.sub(&leaf_beside(&a, &[3.5; 4], &[2, 2]).detach()).unwrap().add_relu(&a).unwrap();
    // −0.5, −2.5, 3.5 and −6.5 before the last mask.
    let gradients = sum(&y).backward().unwrap();
    assert_eq!(gradients.get(&a).unwrap().to_vec::<f32>().unwrap(), [0.0, 0.0, 2.0, 0.0]);
    assert_eq!(gradients.get(&b).unwrap().to_vec::<f32>().unwrap(), [1.0, 0.0]);
}

#[test]
fn a_frozen_branch_costs_nothing() {
    let x = leaf(&[1.0; 16], &[1, 1, 4, 4]);
    let w = leaf_beside(&x, &[1.0; 9], &[1, 1, 3, 3]).detach();
    let y = sum(&x.conv2d(&w, None, &Conv2d::default()).unwrap());
    let gradients = y.backward().unwrap();
    assert_eq!(gradients.len(), 1);
    assert_eq!(gradients.get(&x).unwrap().to_vec::<f32>().unwrap()[5], 4.0);
}

#[test]
fn every_rule_agrees_with_finite_differences() {
    let context = context();
    let mut cases = Cases::new();
    // Integers alone have no gradient.
    for case in cases::all().into_iter().filter(|case| case.leaves().next().is_some()) {
        let inputs: Vec<_> =
            case.leaves().map(|(seed, input)| (input.values(seed), input.shape.clone())).collect();
        let operands: Vec<_> = inputs.iter().map(|(values, shape)| leaf(values, shape)).collect();
        if case.run(&operands).is_none() {
            assert!(
                NOT_DIFFERENTIABLE.contains(&case.graph_op().map_or("", |op| op.name())),
                "{}",
                case.name
            );
            continue;
        }
        let function = |x: &[Var]| case.run(x).unwrap_or(Err(Error::NoTape));
        cases.check(&case.name, check_gradients(&context, &inputs, GradientCheck::default(), function));
    }
    cases.finish();
}

#[test]
fn the_gradient_check_can_fail() {
    let context = context();
    let inputs = [(vec![0.5, 1.5], vec![2])];
    let wrong = |x: &[Var]| {
        let y = x[0].tensor().unary(UnaryOp::Square)?;
        let saved = x[0].tensor().clone();
        // The factor 2 is forgotten.
        Ok(Var::custom("wrong", &[&x[0]], y, move |grad, _| Ok(vec![Some(grad.mul(&saved)?)])))
    };
    assert!(matches!(
        check_gradients(&context, &inputs, GradientCheck::default(), wrong),
        Err(Error::Check(_))
    ));
}

#[test]
fn a_rule_gives_a_gradient_for_each_input() {
    let x = leaf(&[1.0, 2.0], &[2]);
    let scalar = Tensor::zeros(x.tensor().context(), &[]).unwrap();
    let y = Var::custom("short", &[&x, &x], scalar, |_, _| Ok(vec![None]));
    assert!(matches!(y.backward(), Err(Error::GradientCount { found: 1, expected: 2, .. })));
}

#[test]
fn the_first_gradient_has_the_values_type_and_context() {
    let x = leaf(&[1.0, 2.0], &[2]);
    let y = || x.add(&x).unwrap();
    let whole = Tensor::from_slice(x.tensor().context(), &[1i32, 2], &[2]).unwrap();
    assert!(y().backward_with(&whole).is_err());
    assert!(y().backward_with(&Tensor::ones(&own_context(), &[2]).unwrap()).is_err());
    let foreign = Tensor::ones(&own_context(), &[2]).unwrap();
    let grad_y = Tensor::ones(x.tensor().context(), &[2]).unwrap();
    assert!(x.tensor().binary_backward(BinaryOp::Mul, &foreign, &grad_y, [true, true]).is_err());
}

/// The gradients of an f16 value that is used several times are added and rounded: 1.5 + 2⁻¹¹ is 1.5.
#[test]
fn gradients_of_a_value_in_f16_add_up() {
    let context = context();
    let half = Tensor::from_slice(&context, &[0.75f32, -2.0], &[2]).unwrap().cast(DType::F16).unwrap();
    let x = Var::leaf(half);
    let loss = |factor: f32| {
        let [a, b] = [(); 2].map(|()| x.cast(DType::F32).unwrap());
        a.scale(factor).unwrap().add(&b.mul(&b).unwrap()).unwrap().sum(&[], false).unwrap()
    };
    let gradients = loss(2.0).backward().unwrap();
    let values = |gradients: &Gradients| {
        let gradient = gradients.get(&x).unwrap();
        assert_eq!(gradient.dtype(), DType::F16);
        gradient.cast(DType::F32).unwrap().to_vec::<f32>().unwrap()
    };
    assert_eq!(values(&gradients), [3.5, -2.0]);
    // Over batches too.
    let mut sum = gradients;
    sum.accumulate(loss(1.0 / 2048.0).backward().unwrap()).unwrap();
    assert_eq!(values(&sum), [5.0, -6.0]);
    sum.scale(0.5).unwrap();
    assert_eq!(values(&sum), [2.5, -3.0]);
}
