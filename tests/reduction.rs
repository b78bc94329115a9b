//! Reductions, argmax and the sum that undoes broadcasting, against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{
    Cases, close, contexts, full,
    host::{channels_last, numbers},
    random,
};
use tilewright::{Context, Tensor, ops::ReduceOp};
use tilewright_reference::{golden, reduction as reference};

/// Shapes and axes: every interleaving of kept and reduced axes, with extents around the vec4 and around the lengths at
/// which a second and a third pass begin.
const CASES: &[(&[usize], &[usize])] = &[
    (&[], &[]),
    (&[1], &[0]),
    (&[7], &[0]),
    (&[4, 6], &[0]),
    (&[4, 6], &[1]),
    (&[5, 8], &[0]),
    (&[5, 8], &[1]),
    (&[5, 8], &[]),
    (&[2, 3, 4], &[0, 2]),
    (&[2, 3, 4], &[1]),
    (&[3, 1, 5, 2, 4], &[0, 2, 4]),
    (&[3, 2, 5, 2, 4], &[1, 3]),
    (&[2, 3, 5, 7], &[0, 2, 3]),
    (&[2, 3, 5, 7], &[1]),
    (&[2, 4, 5, 7], &[1]),
    (&[2, 8, 3, 4], &[0, 2, 3]),
    (&[2, 8, 3, 4], &[0]),
    (&[2, 8, 3, 4], &[2]),
    (&[2, 8, 3, 4], &[1, 3]),
    (&[2, 8, 3, 4], &[0, 1, 2, 3]),
    (&[1, 5, 1, 1], &[0, 2, 3]),
    (&[70, 64], &[0]),
    (&[2000, 96], &[0]),
    (&[2, 128, 5, 7], &[0, 2, 3]),
    (&[3, 64, 20, 18], &[2, 3]),
    (&[5003, 12], &[1]),
    (&[70_003, 4], &[1]),
    (&[3, 255], &[1]),
    (&[3, 257], &[1]),
    (&[3, 1024], &[1]),
    (&[3, 1028], &[1]),
    (&[5, 64], &[1]),
    (&[9, 68], &[1]),
    (&[4, 1000], &[1]),
    (&[257, 5], &[0]),
    (&[256, 8], &[0]),
    (&[261, 8], &[0]),
    (&[5, 7, 9, 11], &[0, 2, 3]),
    (&[70_001], &[0]),
    (&[2, 300_004], &[1]),
    (&[70_001, 3], &[0]),
    (&[40_000, 4], &[0]),
];

fn inputs(context: &Context, shape: &[usize], values: &[f32]) -> Vec<Tensor> {
    let x = Tensor::from_slice(context, values, shape).unwrap();
    if shape.len() != 4 {
        return vec![x];
    }
    vec![x, channels_last(context, values, shape)]
}

/// What a case reduces by, with and without the reduced axes: its place in the list chooses a second operation beside the
/// sum, and whether axes stay, which no kernel knows of.
fn ways(at: usize) -> Vec<(ReduceOp, bool)> {
    let all = ReduceOp::ALL.into_iter().flat_map(|op| [(op, false), (op, true)]);
    if full() {
        return all.collect();
    }
    let others: Vec<_> = ReduceOp::ALL.into_iter().filter(|op| *op != ReduceOp::Sum).collect();
    vec![(ReduceOp::Sum, at.is_multiple_of(2)), (others[at % others.len()], at.is_multiple_of(3))]
}

#[test]
fn reduces_over_any_axes() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (seed, &(shape, axes)) in CASES.iter().enumerate() {
            let values = random(seed as u64, shape.iter().product(), -1.0, 1.0);
            for x in inputs(&context, shape, &values) {
                for (op, keepdim) in ways(seed) {
                    let expected = reference::reduce(op, &values, shape, axes);
                    let y = x.reduce(op, axes, keepdim).unwrap();
                    assert_eq!(y.shape(), op.output_shape(shape, axes, keepdim).unwrap());
                    // Sums of numbers in −1..1 cancel: what counts is the error against their typical sum.
                    let count = values.len() as f64 / expected.len().max(1) as f64;
                    let absolute = match op {
                        ReduceOp::Sum => 1e-6 * count.sqrt(),
                        ReduceOp::Mean => 1e-6 / count.sqrt(),
                        ReduceOp::Max | ReduceOp::Min => 0.0,
                        // Nothing cancels in a product.
                        ReduceOp::Prod => f64::from(f32::MIN_POSITIVE),
                    };
                    let relative = match op {
                        ReduceOp::Max | ReduceOp::Min => 0.0,
                        // Every factor adds half a unit in the last place.
                        ReduceOp::Prod => 1e-6_f64.max(6e-8 * count),
                        _ => 1e-6,
                    };
                    let name = format!("{} {shape:?} over {axes:?} {:?}", op.name(), x.layout());
                    cases.check(name, close(&numbers::<f32>(&y), &expected, relative, absolute));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn gradients() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (seed, &(shape, axes)) in CASES.iter().enumerate() {
            // Few different values, so that maxima are shared.
            let values: Vec<f32> = random(seed as u64, shape.iter().product(), -3.0, 3.0)
                .into_iter()
                .map(|value| value.round() / 2.0)
                .collect();
            for x in inputs(&context, shape, &values) {
                for (op, keepdim) in ways(seed) {
                    let y = x.reduce(op, axes, keepdim).unwrap();
                    let grad = random(99, y.count(), -1.0, 1.0);
                    let grad_y = Tensor::from_slice(&context, &grad, y.shape()).unwrap();
                    let grad_x = x.reduce_backward(op, axes, keepdim, &y, &grad_y).unwrap();
                    assert_eq!((grad_x.shape(), grad_x.layout()), (x.shape(), x.layout()));
                    let expected = reference::reduce_backward(op, &values, shape, axes, &grad);
                    let name = format!("{} {shape:?} over {axes:?} {:?}", op.name(), x.layout());
                    cases.check(name, close(&numbers::<f32>(&grad_x), &expected, 1e-6, 0.0));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn argmax_takes_the_first() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (seed, &(shape, axes)) in CASES.iter().enumerate() {
            for coarse in [false, true] {
                let values: Vec<f32> = random(seed as u64, shape.iter().product(), -3.0, 3.0)
                    .into_iter()
                    .map(|value| if coarse { value.round() } else { value })
                    .collect();
                // Of several NaNs the first is the largest element.
                let values: Vec<f32> = (0..)
                    .zip(values)
                    .map(|(i, value)| if coarse && i % 389 == 200 { f32::NAN } else { value })
                    .collect();
                let expected = reference::argmax(&values, shape, axes);
                for x in inputs(&context, shape, &values) {
                    for keepdim in [false, true] {
                        let found = x.argmax(axes, keepdim).unwrap().to_vec::<i32>().unwrap();
                        let same = if found == expected { Ok(()) } else { Err("other places".to_owned()) };
                        cases.check(format!("{shape:?} over {axes:?} {:?}", x.layout()), same);
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn sum_to_shape_undoes_broadcasting() {
    let cases_of_shapes: &[(&[usize], &[usize])] = &[
        (&[4, 8, 5, 3], &[1, 8, 1, 1]),
        (&[4, 7, 5, 3], &[7, 1, 1]),
        (&[4, 8, 5, 3], &[8, 1, 3]),
        (&[4, 8, 5, 3], &[4, 8, 5, 3]),
        (&[4, 8, 5, 3], &[3]),
        (&[4, 8, 5, 3], &[]),
        (&[33, 10], &[10]),
        (&[300, 12], &[12]),
        (&[300, 12], &[300, 1]),
        (&[2, 1, 3], &[1, 1, 3]),
        (&[0, 3], &[3]),
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        for &(shape, target) in cases_of_shapes {
            let values = random(5, shape.iter().product(), -1.0, 1.0);
            let axes: Vec<usize> = (0..shape.len())
                .filter(|&axis| {
                    axis + target.len() < shape.len() || target[axis + target.len() - shape.len()] == 1
                })
                .collect();
            let expected = if axes.is_empty() {
                values.clone()
            } else {
                reference::reduce(ReduceOp::Sum, &values, shape, &axes)
            };
            for x in inputs(&context, shape, &values) {
                let y = x.sum_to_shape(target).unwrap();
                assert_eq!(y.shape(), target);
                cases.check(
                    format!("{shape:?} to {target:?}"),
                    close(&y.to_vec().unwrap(), &expected, 1e-6, 2e-5),
                );
            }
        }
        let x = Tensor::zeros(&context, &[2, 3]).unwrap();
        for wrong in [&[2, 2][..], &[3, 2, 3], &[4]] {
            let error = x.sum_to_shape(wrong).unwrap_err().to_string();
            assert!(error.contains("sum_to_shape") && error.contains("[2, 3]"), "{error}");
        }
    }
    cases.finish();
}

#[test]
fn the_bias_gradient_keeps_its_accuracy() {
    // All positive, so that the error of the sum shows against the sum itself.
    let shape = [8, 3, 150, 150];
    let mut cases = Cases::new();
    for context in contexts() {
        let values = random(6, shape.iter().product(), 0.0, 1.0);
        let expected = reference::reduce(ReduceOp::Sum, &values, &shape, &[0, 2, 3]);
        for x in inputs(&context, &shape, &values) {
            let y = x.sum_to_shape(&[1, 3, 1, 1]).unwrap();
            assert_eq!(y.layout(), x.layout());
            cases.check(format!("{:?}", x.layout()), close(&y.to_vec().unwrap(), &expected, 3e-7, 0.0));
            let again = x.sum_to_shape(&[3, 1, 1]).unwrap();
            assert_eq!(again.to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap(), "same bits each time");
        }
    }
    cases.finish();
}

#[test]
fn nothing_and_wrong_axes() {
    for context in contexts() {
        let x = Tensor::zeros(&context, &[0, 3]).unwrap();
        assert_eq!(x.sum(&[0], false).unwrap().to_vec::<f32>().unwrap(), [0.0; 3]);
        assert!(x.mean(&[0], false).unwrap().to_vec::<f32>().unwrap().iter().all(|mean| mean.is_nan()));
        assert!(x.max(&[1], false).unwrap().to_vec::<f32>().unwrap().is_empty());
        assert!(x.argmax(&[1], true).unwrap().to_vec::<i32>().unwrap().is_empty());
        let error = x.max(&[0], false).unwrap_err().to_string();
        assert!(error.contains("max") && error.contains("[0, 3]"), "{error}");
        let y = x.sum(&[0], false).unwrap();
        assert_eq!(x.reduce_backward(ReduceOp::Sum, &[0], false, &y, &y).unwrap().shape(), [0, 3]);

        let x = Tensor::zeros(&context, &[2, 3]).unwrap();
        assert!(x.sum(&[2], false).unwrap_err().to_string().contains("axis 2"));
        assert!(x.argmax(&[1, 1], false).is_err());
        // The mean of integers is none.
        assert!(x.argmax(&[1], false).unwrap().mean(&[], false).unwrap_err().to_string().contains("i32"));
        let nothing = Tensor::zeros(&context, &[0, 3]).unwrap().cast(tilewright::DType::I32).unwrap();
        for (op, expected) in [(ReduceOp::Sum, 0), (ReduceOp::Prod, 1)] {
            assert_eq!(nothing.reduce(op, &[0], false).unwrap().to_vec::<i32>().unwrap(), [expected; 3]);
        }
        let error = x.reduce_backward(ReduceOp::Max, &[1], false, &x, &x).unwrap_err().to_string();
        assert!(error.contains("grad_y") && error.contains("[2, 3]"), "{error}");
    }
}

#[test]
fn pytorch_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("reduction").unwrap();
    for context in contexts() {
        for case in &goldens {
            let (values, shape) = case.f32("x").unwrap();
            let op = ReduceOp::ALL.into_iter().find(|op| op.name() == case.op);
            if op.is_none() && case.op != "argmax" {
                continue; // A softmax: tests/softmax.rs.
            }
            let (axes, keepdim) = (case.counts("axes").unwrap(), case.flag("keepdim").unwrap());
            for x in inputs(&context, shape, values) {
                let name = format!("{} {:?}", case.name, x.layout());
                let Some(op) = op else {
                    let (expected, y_shape) = case.i32("y").unwrap();
                    let y = x.argmax(&axes, keepdim).unwrap();
                    assert_eq!(y.shape(), y_shape);
                    let same =
                        if y.to_vec::<i32>().unwrap() == expected { Ok(()) } else { Err("other places") };
                    cases.check(name, same);
                    continue;
                };
                let (expected, y_shape) = case.f32("y").unwrap();
                let y = x.reduce(op, &axes, keepdim).unwrap();
                assert_eq!(y.shape(), y_shape);
                cases.check(&name, close(&y.to_vec().unwrap(), expected, 1e-5, 1e-6));
                let (grad, grad_shape) = case.f32("grad_y").unwrap();
                let grad_y = Tensor::from_slice(&context, grad, grad_shape).unwrap();
                let grad_x = x.reduce_backward(op, &axes, keepdim, &y, &grad_y).unwrap();
                let outcome = close(&grad_x.to_vec().unwrap(), case.f32("grad_x").unwrap().0, 1e-5, 1e-7);
                cases.check(format!("gradient of {name}"), outcome);
            }
        }
    }
    cases.finish();
}
