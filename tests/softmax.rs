//! Softmax and its logarithm against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{
    Cases, close, contexts,
    host::{channels_last, numbers},
    random,
};
use tilewright::{
    Layout, Tensor,
    ops::{LogSoftmax, Softmax},
};
use tilewright_reference::{golden, softmax as reference};

/// Shapes and axes, with lines around the lengths at which they are shared by several threads.
const CASES: &[(&[usize], usize)] = &[
    (&[1], 0),
    (&[10], 0),
    (&[4, 10], 1),
    (&[4, 10], 0),
    (&[5, 1], 1),
    (&[3, 4, 5], 1),
    (&[2, 5, 3, 7], 0),
    (&[2, 5, 3, 7], 1),
    (&[2, 5, 3, 7], 2),
    (&[2, 5, 3, 7], 3),
    (&[2, 3, 2, 3, 4], 2),
    (&[7, 256], 1),
    (&[7, 257], 1),
    (&[3, 1000], 1),
    (&[4, 60], 1),
    (&[4, 64], 1),
    (&[9, 100], 1),
    (&[5, 1000], 1),
    (&[2, 3, 5, 132], 3),
    (&[4, 1028], 1),
    (&[17, 66], 1),
    (&[1000, 3], 0),
    (&[1, 300, 2, 3], 1),
    (&[2, 70_001], 1),
    (&[0, 3], 1),
    (&[3, 0], 1),
];

#[test]
fn values_and_gradients() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (seed, &(shape, axis)) in CASES.iter().enumerate() {
            // Large enough for an unguarded exp to overflow.
            for scale in [1.0, 300.0] {
                let count: usize = shape.iter().product();
                let values = random(seed as u64, count, -scale, scale);
                let grad = random(99, count, -1.0, 1.0);
                let grad_y = Tensor::from_slice(&context, &grad, shape).unwrap();
                let (soft, log) = (Softmax { axis }, LogSoftmax { axis });
                let mut inputs = vec![Tensor::from_slice(&context, &values, shape).unwrap()];
                if shape.len() == 4 {
                    inputs.push(channels_last(&context, &values, shape));
                }
                for x in inputs {
                    let mut check = |what: &str, found: &Tensor, expected: &[f32], absolute: f64| {
                        assert_eq!((found.shape(), found.layout()), (shape, x.layout()));
                        let name = format!("{what} {shape:?} along {axis} ±{scale} {:?}", x.layout());
                        cases.check(name, close(&numbers::<f32>(found), expected, 1e-5, absolute));
                    };
                    let y = x.softmax(axis).unwrap();
                    // Far below the largest share an exp loses relative accuracy, as its argument rounds.
                    check("softmax", &y, &reference::softmax(soft, &values, shape), 1e-7);
                    let expected = reference::softmax_backward(soft, &numbers::<f32>(&y), shape, &grad);
                    check("softmax gradient", &y.softmax_backward(axis, &grad_y).unwrap(), &expected, 1e-6);
                    let y = x.log_softmax(axis).unwrap();
                    check("log_softmax", &y, &reference::log_softmax(log, &values, shape), 1e-6);
                    let expected = reference::log_softmax_backward(log, &numbers::<f32>(&y), shape, &grad);
                    let found = y.log_softmax_backward(axis, &grad_y).unwrap();
                    check("log_softmax gradient", &found, &expected, 1e-5);
                }
            }
        }
    }
    cases.finish();
}

/// Lines whose elements span nine magnitudes (an exp in WGSL may be off by 3 + 2 |x| units in the last place), masked
/// elements, and lines without a result.
#[test]
fn magnitudes_masks_and_nan() {
    let mut cases = Cases::new();
    for context in contexts() {
        for along in [60, 100, 1000, 1028] {
            let mut values: Vec<f32> = (0..6 * along)
                .map(|i| -20.0 * (i % along) as f32 / along as f32 + if i / along == 1 { 100.0 } else { 0.0 })
                .collect();
            values[2 * along + 7..3 * along].fill(f32::NEG_INFINITY);
            values[3 * along + along / 2] = f32::NAN;
            values[4 * along..5 * along].fill(f32::NEG_INFINITY);
            values[6 * along - 1] = f32::INFINITY;
            let shape = [6, along];
            let y = Tensor::from_slice(&context, &values, &shape).unwrap().softmax(1).unwrap();
            let found = y.to_vec::<f32>().unwrap();
            let expected = reference::softmax(Softmax { axis: 1 }, &values[..3 * along], &[3, along]);
            let name = format!("lines of {along} {:?}", context.mode());
            cases.check(&name, close(&found[..3 * along], &expected, 1e-5, 1e-20));
            let lost = found[3 * along..4 * along].iter().all(|value| value.is_nan());
            cases.check(&name, if lost { Ok(()) } else { Err("a NaN is lost".to_owned()) });
            let lost = found[4 * along..5 * along].iter().all(|value| value.is_nan());
            cases.check(&name, if lost { Ok(()) } else { Err("a line without a number has one".to_owned()) });
            cases.check(&name, if found[6 * along - 1].is_nan() { Ok(()) } else { Err("∞ − ∞".to_owned()) });
        }
    }
    cases.finish();
}

#[test]
fn wrong_operands_are_typed_errors() {
    for context in contexts() {
        let x = Tensor::zeros(&context, &[2, 3]).unwrap();
        let error = x.softmax(2).unwrap_err().to_string();
        assert!(error.contains("softmax") && error.contains("axis 2"), "{error}");
        let grad = Tensor::zeros(&context, &[3, 2]).unwrap();
        let error = x.log_softmax_backward(1, &grad).unwrap_err().to_string();
        assert!(error.contains("log_softmax") && error.contains("[3, 2]"), "{error}");
        assert!(x.argmax(&[1], false).unwrap().softmax(0).unwrap_err().to_string().contains("i32"));
    }
}

#[test]
fn pytorch_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("reduction").unwrap();
    for context in contexts() {
        for case in goldens.iter().filter(|case| case.op.contains("softmax")) {
            let (values, shape) = case.f32("x").unwrap();
            let axis = case.count("axis").unwrap();
            let upload = |role| Tensor::from_slice(&context, case.f32(role).unwrap().0, shape).unwrap();
            let grad_y = upload("grad_y");
            for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                let x = Tensor::from_slice(&context, values, shape).unwrap().to_layout(layout).unwrap();
                let (y, grad_x) = if case.op == "softmax" {
                    let y = x.softmax(axis).unwrap();
                    let grad_x = y.softmax_backward(axis, &grad_y).unwrap();
                    (y, grad_x)
                } else {
                    let y = x.log_softmax(axis).unwrap();
                    let grad_x = y.log_softmax_backward(axis, &grad_y).unwrap();
                    (y, grad_x)
                };
                for (role, found) in [("y", y), ("grad_x", grad_x)] {
                    let outcome = close(&found.to_vec().unwrap(), case.f32(role).unwrap().0, 1e-5, 1e-6);
                    cases.check(format!("{role} of {} {layout:?}", case.name), outcome);
                }
            }
        }
    }
    cases.finish();
}
