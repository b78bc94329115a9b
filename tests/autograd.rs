//! The tape: accumulation, sharing, detaching, freeing; and every rule against finite differences.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, context, own_context, random};
use tilewright::{
    Tensor, Var,
    autograd::{Error, GradientCheck, check_gradients},
    ops::{
        AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, ConvTranspose2d, Coordinates, CrossEntropy, Dropout,
        Interpolation, MatMul, Pool2d, ReduceOp, Resize2d, SliceRange, UnaryOp,
    },
};

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

type Function = Box<dyn Fn(&[Var]) -> Result<Var, Error>>;

/// Each rule: its name, the shapes of its operands, and the function.
fn rules() -> Vec<(String, Vec<Vec<usize>>, Function)> {
    let mut rules: Vec<(String, Vec<Vec<usize>>, Function)> = Vec::new();
    let mut rule = |name: &str, shapes: &[&[usize]], function: Function| {
        rules.push((name.to_owned(), shapes.iter().map(|shape| shape.to_vec()).collect(), function));
    };
    for op in UnaryOp::ALL {
        rule(op.name(), &[&[7]], Box::new(move |x| x[0].unary(op)));
    }
    for op in BinaryOp::ALL {
        rule(op.name(), &[&[2, 3], &[3]], Box::new(move |x| x[0].binary(op, &x[1])));
    }
    for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
        let op = MatMul { transpose_left: left, transpose_right: right };
        let a: &[usize] = if left { &[2, 4, 3] } else { &[2, 3, 4] };
        let b: &[usize] = if right { &[5, 4] } else { &[4, 5] };
        rule(&format!("{op:?}"), &[a, b], Box::new(move |x| x[0].matmul_with(&x[1], op)));
    }
    rule("linear", &[&[2, 3], &[4, 3], &[4]], Box::new(|x| x[0].linear(&x[1], Some(&x[2]))));
    for (op, weight) in [
        (Conv2d { padding: [1, 1], ..Conv2d::default() }, [3, 2, 3, 3]),
        (Conv2d { stride: [2, 1], dilation: [1, 2], ..Conv2d::default() }, [3, 2, 2, 2]),
        (Conv2d { groups: 2, ..Conv2d::default() }, [4, 1, 2, 2]),
    ] {
        let shapes: [&[usize]; 3] = [&[2, 2, 4, 5], &weight, &[weight[0]]];
        rule(&format!("{op:?}"), &shapes, Box::new(move |x| x[0].conv2d(&x[1], Some(&x[2]), &op)));
    }
    let pool = Pool2d { stride: [1, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
    rule("max_pool2d", &[&[2, 2, 4, 5]], Box::new(move |x| x[0].max_pool2d(&pool)));
    rule("avg_pool2d", &[&[2, 2, 4, 5]], Box::new(move |x| x[0].avg_pool2d(&pool)));
    rule("sum_pool2d", &[&[2, 2, 4, 5]], Box::new(move |x| x[0].sum_pool2d(&pool)));
    let adaptive = AdaptiveAvgPool2d { output: [2, 3] };
    rule("adaptive_avg_pool2d", &[&[1, 2, 5, 4]], Box::new(move |x| x[0].adaptive_avg_pool2d(adaptive)));
    // relu's shape leaves no normalised value within a step of its kink.
    let (plain, smooth, relu) = (None, Some(UnaryOp::Silu), Some(UnaryOp::Relu));
    let (large, small) = ([3, 2, 2, 3], [2, 2, 1, 3]);
    for (training, activation, shape) in [
        (true, plain, large),
        (false, plain, large),
        (true, smooth, large),
        (false, smooth, large),
        (true, relu, small),
        (false, relu, small),
    ] {
        let function = move |x: &[Var]| {
            let context = x[0].tensor().context();
            let mean = Tensor::from_slice(context, &[0.3f32, -0.2], &[2])?;
            let var = Tensor::from_slice(context, &[1.7f32, 0.6], &[2])?;
            let op = BatchNorm::default();
            if training {
                Ok(x[0].batch_norm_train_fused(&x[1], &x[2], &mean, &var, &op, activation)?.y)
            } else {
                x[0].batch_norm_eval_fused(&x[1], &x[2], &mean, &var, &op, activation)
            }
        };
        rule(&format!("batch_norm {training} {activation:?}"), &[&shape, &[2], &[2]], Box::new(function));
    }
    for op in ReduceOp::ALL {
        rule(op.name(), &[&[2, 3, 4]], Box::new(move |x| x[0].reduce(op, &[0, 2], false)));
    }
    rule("sum of all", &[&[2, 3]], Box::new(|x| x[0].sum(&[], false)));
    rule("mean of all", &[&[2, 3]], Box::new(|x| x[0].mean(&[], true)));
    rule("softmax", &[&[2, 4, 3]], Box::new(|x| x[0].softmax(1)));
    rule("log_softmax", &[&[2, 4]], Box::new(|x| x[0].log_softmax(1)));
    rule(
        "cross_entropy",
        &[&[3, 4]],
        Box::new(|x| {
            let context = x[0].tensor().context();
            let labels = Tensor::from_slice(context, &[2i32, 0, 3], &[3])?;
            let weights = Tensor::from_slice(context, &[1.0f32, 0.5, 2.0, 0.7], &[4])?;
            let op = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
            x[0].cross_entropy(&labels, Some(&weights), &op)
        }),
    );
    rule("dropout", &[&[2, 8]], Box::new(|x| x[0].dropout(&Dropout { p: 0.4 }, 7, 3)));
    rule("reshape", &[&[2, 6]], Box::new(|x| x[0].reshape(&[3, -1])));
    rule("permute", &[&[2, 3, 4]], Box::new(|x| x[0].permute(&[2, 0, 1])));
    let ranges = [SliceRange { start: 1, end: 4, step: 2 }, SliceRange::full(3)];
    rule("slice", &[&[4, 3]], Box::new(move |x| x[0].slice(&ranges)));
    rule("concat", &[&[2, 3], &[2, 1]], Box::new(|x| Var::concat(&[&x[0], &x[1], &x[0]], 1)));
    rule("pad", &[&[2, 3]], Box::new(|x| x[0].pad(&[(1, 0), (2, 1)], 0.5)));
    rule("expand", &[&[2, 1, 3]], Box::new(|x| x[0].expand(&[4, 2, 2, 3])));
    let columns = Conv2d { stride: [2, 1], padding: [1, 0], ..Conv2d::default() };
    let op =
        ConvTranspose2d { stride: [2, 1], padding: [1, 0], output_padding: [1, 0], ..Default::default() };
    rule(
        "conv_transpose2d",
        &[&[1, 2, 3, 2], &[2, 3, 3, 2], &[3]],
        Box::new(move |x| x[0].conv_transpose2d(&x[1], Some(&x[2]), &op)),
    );
    rule(
        "where",
        &[&[2, 3], &[3]],
        Box::new(|x| {
            let condition = Tensor::from_slice(x[0].tensor().context(), &[1.0f32, 0.0], &[2, 1])?;
            x[0].where_on(&condition, &x[1])
        }),
    );
    let resize = Resize2d {
        size: [5, 2],
        scale: None,
        interpolation: Interpolation::Cubic { a: -0.75, exclude_outside: false },
        coordinates: Coordinates::HalfPixel,
    };
    rule("resample", &[&[1, 2, 3, 4]], Box::new(move |x| x[0].resize2d(&resize)));
    rule("im2col", &[&[1, 2, 4, 3]], Box::new(move |x| x[0].im2col(&columns, [2, 2])));
    rules
}

#[test]
fn every_rule_agrees_with_finite_differences() {
    let context = context();
    let mut cases = Cases::new();
    for (name, shapes, function) in rules() {
        // Away from the kinks of relu (0), relu6 (6) and clamp (−0.5, 0.75), and positive for log, sqrt and pow.
        let inputs: Vec<_> = shapes
            .iter()
            .enumerate()
            .map(|(at, shape)| {
                let (low, high) = match name.as_str() {
                    // Inside their domains, or short of the first pole.
                    "asin" | "acos" | "atanh" | "tan" => (0.2, 0.35),
                    "acosh" => (1.3, 2.6),
                    _ => (0.8, 2.4),
                };
                let values = random(at as u64 + 5, shape.iter().product(), low, high);
                // The order of neighbours changes, so that a maximum is not always the last.
                let values =
                    values.iter().enumerate().map(|(i, v)| v + ((i * 7) % 5) as f32 * 0.13).collect();
                (values, shape.clone())
            })
            .collect();
        cases.check(name, check_gradients(&context, &inputs, GradientCheck::default(), function));
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
