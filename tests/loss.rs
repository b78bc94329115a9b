//! Losses against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "loss/composed.rs"]
mod composed;

use common::{Cases, close, contexts, random};
use tilewright::{
    Layout, Tensor,
    ops::{CrossEntropy, Reduction},
};
use tilewright_reference::{golden, loss as reference};

/// Shapes of logits: classes around the vec4 and the lengths at which a line is shared, few and many samples.
const SHAPES: &[&[usize]] = &[
    &[1, 1],
    &[1, 10],
    &[5, 4],
    &[64, 10],
    &[65, 7],
    &[300, 3],
    &[7, 257],
    &[3, 1000],
    &[2, 5, 3],
    &[2, 4, 3, 5],
    &[3, 21, 16, 17],
    &[2, 3, 2, 2, 2],
];

fn variants() -> Vec<CrossEntropy> {
    let mut all = Vec::new();
    for reduction in Reduction::ALL {
        for label_smoothing in [0.0, 0.1, 1.0] {
            for ignore_index in [None, Some(-100), Some(0)] {
                all.push(CrossEntropy { label_smoothing, ignore_index, reduction });
            }
        }
    }
    all
}

/// Labels of all classes in turn, some of them ignored where that is a label of its own.
fn labels(op: &CrossEntropy, classes: usize, count: usize) -> Vec<i32> {
    let ignored = op.ignore_index.filter(|&label| label < 0);
    let label = |i: usize| match ignored {
        Some(label) if i % 5 == 3 => label,
        _ => (i * 7 % classes) as i32,
    };
    (0..count).map(label).collect()
}

#[test]
fn losses_and_gradients() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (seed, &shape) in SHAPES.iter().enumerate() {
            let count: usize = shape.iter().product();
            let logits = random(seed as u64, count, -8.0, 8.0);
            let label_shape: Vec<usize> = [&shape[..1], &shape[2..]].concat();
            let class_weights = random(7, shape[1], 0.1, 2.0);
            let mut inputs = vec![Tensor::from_slice(&context, &logits, shape).unwrap()];
            if shape.len() == 4 {
                inputs.push(inputs[0].to_layout(Layout::ChannelsLast).unwrap());
            }
            let class_weights_on_device = Tensor::from_slice(&context, &class_weights, &shape[1..2]).unwrap();
            for op in variants() {
                let labels = labels(&op, shape[1], count / shape[1]);
                let labels_on_device = Tensor::from_slice(&context, &labels, &label_shape).unwrap();
                if op.reduction == Reduction::Mean && labels.iter().all(|&l| Some(l) == op.ignore_index) {
                    continue; // The mean of nothing has its own test: NaN is close to nothing.
                }
                for weighted in [false, true] {
                    let weights = weighted.then_some(&class_weights[..]);
                    let expected = reference::cross_entropy(&op, &logits, shape, &labels, weights);
                    let grad = random(8, expected.len(), -1.0, 1.0);
                    let expected_grad =
                        reference::cross_entropy_backward(&op, &logits, shape, &labels, weights, &grad);
                    // A gradient is a difference of probabilities times its scale.
                    let largest = expected_grad.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
                    let absolute = 1e-6 * f64::from(largest);
                    for x in &inputs {
                        let weights = weighted.then_some(&class_weights_on_device);
                        let y = x.cross_entropy(&labels_on_device, weights, &op).unwrap();
                        let name = format!("{op:?} of {shape:?}, weighted: {weighted}, {:?}", x.layout());
                        cases.check(&name, close(&y.to_vec().unwrap(), &expected, 5e-6, 1e-6));
                        let grad_y = Tensor::from_slice(&context, &grad, y.shape()).unwrap();
                        let grad_x =
                            x.cross_entropy_backward(&labels_on_device, weights, &op, &grad_y).unwrap();
                        assert_eq!((grad_x.shape(), grad_x.layout()), (shape, x.layout()));
                        let outcome = close(&grad_x.to_vec().unwrap(), &expected_grad, 1e-5, absolute);
                        cases.check(format!("gradient of {name}"), outcome);
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn large_logits_and_many_samples() {
    let op = CrossEntropy::default();
    for context in contexts() {
        let logits = [1000.0, -1000.0, 0.0, 990.0, 1000.0, 995.0];
        let x = Tensor::from_slice(&context, &logits, &[2, 3]).unwrap();
        let labels = Tensor::from_slice(&context, &[1, 1], &[2]).unwrap();
        let expected = reference::cross_entropy(&op, &logits, &[2, 3], &[1, 1], None);
        let found = x.cross_entropy(&labels, None, &op).unwrap();
        close(&found.to_vec().unwrap(), &expected, 1e-6, 0.0).unwrap();

        let shape = [70_000, 3];
        let logits = random(1, 210_000, -2.0, 2.0);
        let labels: Vec<i32> = (0..70_000).map(|i| i % 3).collect();
        let x = Tensor::from_slice(&context, &logits, &shape).unwrap();
        let on_device = Tensor::from_slice(&context, &labels, &[70_000]).unwrap();
        let expected = reference::cross_entropy(&op, &logits, &shape, &labels, None);
        let found = x.cross_entropy(&on_device, None, &op).unwrap().to_vec::<f32>().unwrap();
        close(&found, &expected, 1e-6, 0.0).unwrap();
        let again = x.cross_entropy(&on_device, None, &op).unwrap().item().unwrap();
        assert_eq!(found[0].to_bits(), again.to_bits(), "same bits each time");
    }
}

#[test]
fn a_label_that_is_no_class_is_not_a_number() {
    for context in contexts() {
        let x = Tensor::ones(&context, &[4, 3]).unwrap();
        for bad in [-1, 3, i32::MAX, i32::MIN] {
            let labels = Tensor::from_slice(&context, &[0, bad, -100, 2], &[4]).unwrap();
            for reduction in Reduction::ALL {
                let op = CrossEntropy { reduction, ..CrossEntropy::default() };
                let losses = x.cross_entropy(&labels, None, &op).unwrap();
                let values = losses.to_vec::<f32>().unwrap();
                if reduction == Reduction::None {
                    let which: Vec<bool> = values.iter().map(|loss| loss.is_nan()).collect();
                    assert_eq!(which, [false, true, false, false], "{values:?}");
                } else {
                    assert!(values[0].is_nan(), "{values:?}");
                }
                let grad_y = Tensor::ones(&context, losses.shape()).unwrap();
                let grad = x.cross_entropy_backward(&labels, None, &op, &grad_y).unwrap();
                let grad = grad.to_vec::<f32>().unwrap();
                assert!(grad[3..6].iter().all(|g| g.is_nan()) && grad[0].is_finite(), "{grad:?}");
                assert_eq!(grad[6..9], [0.0; 3], "an ignored sample has no gradient");
            }
        }
    }
}

#[test]
fn nothing_to_average() {
    for context in contexts() {
        let op = CrossEntropy::default();
        let sum = CrossEntropy { reduction: Reduction::Sum, ..op };
        let one = Tensor::ones(&context, &[]).unwrap();
        let ignored = Tensor::from_slice(&context, &[-100, -100], &[2]).unwrap();
        let x = Tensor::ones(&context, &[2, 3]).unwrap();
        assert!(x.cross_entropy(&ignored, None, &op).unwrap().item().unwrap().is_nan());
        assert_eq!(x.cross_entropy(&ignored, None, &sum).unwrap().item().unwrap(), 0.0);
        let grad = x.cross_entropy_backward(&ignored, None, &op, &one).unwrap();
        assert_eq!(grad.to_vec::<f32>().unwrap(), [0.0; 6]);

        let empty = Tensor::zeros(&context, &[0, 3]).unwrap();
        let labels = Tensor::from_slice::<i32>(&context, &[], &[0]).unwrap();
        assert!(empty.cross_entropy(&labels, None, &op).unwrap().item().unwrap().is_nan());
        assert_eq!(empty.cross_entropy(&labels, None, &sum).unwrap().item().unwrap(), 0.0);
        assert_eq!(empty.cross_entropy_backward(&labels, None, &op, &one).unwrap().shape(), [0, 3]);
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    for context in contexts() {
        let op = CrossEntropy::default();
        let x = Tensor::zeros(&context, &[2, 3]).unwrap();
        let labels = Tensor::from_slice(&context, &[0, 1], &[2]).unwrap();
        let message = |outcome: tilewright::tensor::Result<Tensor>| outcome.unwrap_err().to_string();
        let error = message(x.cross_entropy(&x, None, &op));
        assert!(error.contains("labels") && error.contains("f32") && error.contains("i32"), "{error}");
        let three = Tensor::from_slice(&context, &[0, 1, 2], &[3]).unwrap();
        assert!(message(x.cross_entropy(&three, None, &op)).contains("[3]"));
        let error = message(x.cross_entropy(&labels, Some(&Tensor::ones(&context, &[2]).unwrap()), &op));
        assert!(error.contains("weights") && error.contains("[2]"), "{error}");
        let error = message(x.cross_entropy_backward(&labels, None, &op, &x));
        assert!(error.contains("grad_y") && error.contains("[2, 3]"), "{error}");
        let wide = Tensor::zeros(&context, &[1, 65_001]).unwrap();
        let label = Tensor::from_slice(&context, &[0], &[1]).unwrap();
        let smooth = CrossEntropy { label_smoothing: 0.1, ..op };
        assert!(message(wide.cross_entropy(&label, None, &smooth)).contains("65001"));
        let loss = wide.cross_entropy(&label, None, &op).unwrap().item().unwrap();
        assert!((loss - 65_001_f32.ln()).abs() < 1e-5);
    }
}

#[test]
fn pytorch_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("loss").unwrap();
    for context in contexts() {
        for case in &goldens {
            assert_eq!(case.op, "cross_entropy");
            let reduction = case.parameters["reduction"].as_str();
            let op = CrossEntropy {
                label_smoothing: case.number("label_smoothing").unwrap() as f32,
                ignore_index: case.parameters["ignore_index"].as_i64().map(|label| label as i32),
                reduction: Reduction::ALL.into_iter().find(|r| Some(r.name()) == reduction).unwrap(),
            };
            let upload = |role| {
                let (values, shape) = case.f32(role).unwrap();
                Tensor::from_slice(&context, values, shape).unwrap()
            };
            let (labels, label_shape) = case.i32("target").unwrap();
            let labels = Tensor::from_slice(&context, labels, label_shape).unwrap();
            let weights = case.tensors.contains_key("weight").then(|| upload("weight"));
            for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                let x = upload("x").to_layout(layout).unwrap();
                let y = x.cross_entropy(&labels, weights.as_ref(), &op).unwrap();
                assert_eq!(y.shape(), case.f32("y").unwrap().1);
                let grad_x =
                    x.cross_entropy_backward(&labels, weights.as_ref(), &op, &upload("grad_y")).unwrap();
                for (role, found) in [("y", y), ("grad_x", grad_x)] {
                    let outcome = close(&found.to_vec().unwrap(), case.f32(role).unwrap().0, 1e-5, 1e-6);
                    cases.check(format!("{role} of {} {layout:?}", case.name), outcome);
                }
            }
        }
    }
    cases.finish();
}
