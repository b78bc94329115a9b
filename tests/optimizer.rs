//! Optimizer steps against the scalar reference and PyTorch, running means of weights, norms of gradients.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "optimizer/optim.rs"]
mod optim;
#[path = "optimizer/run.rs"]
mod run;

use common::{Cases, close, contexts, limited_contexts, random};
use run::{Host, ROLES, golden_role, on_device};
use tilewright::{
    Layout, Tensor,
    ops::{Adam, AdamW, Lamb, RmsProp, Sgd},
    tensor::ops::optimizer::{
        AdamState, RmsPropState, adam_step, adamw_step, average_step, rmsprop_step, sgd_step, total_norm,
    },
};
use tilewright_reference::{
    golden::{self, Operation},
    optimizer as reference,
};

const SHAPES: &[&[usize]] = &[&[], &[1], &[4], &[7], &[10, 33], &[5, 3, 3, 3], &[8, 4, 1, 1], &[0, 4]];

fn operations() -> Vec<Operation> {
    let plain = Sgd { lr: 0.1, ..Sgd::default() };
    let momentum = Sgd { momentum: 0.9, ..plain };
    let sgd = [
        plain,
        Sgd { weight_decay: 0.05, ..plain },
        momentum,
        Sgd { weight_decay: 5e-4, ..momentum },
        Sgd { dampening: 0.3, ..momentum },
        Sgd { nesterov: true, weight_decay: 0.01, ..momentum },
    ];
    let adamw = [
        AdamW::default(),
        AdamW { lr: 0.02, beta1: 0.8, beta2: 0.95, eps: 1e-3, weight_decay: 0.1 },
        AdamW { weight_decay: 0.0, beta1: 0.0, ..AdamW::default() },
    ];
    let adam = [
        Adam { lr: 0.02, weight_decay: 0.1, ..Adam::default() },
        Adam { lr: 0.02, beta2: 0.5, eps: 1e-3, weight_decay: 0.1, amsgrad: true, ..Adam::default() },
    ];
    let rmsprop = RmsProp { alpha: 0.8, eps: 1e-3, weight_decay: 0.1, ..RmsProp::default() };
    let rmsprop = [
        rmsprop,
        RmsProp { momentum: 0.9, ..rmsprop },
        RmsProp { centered: true, ..rmsprop },
        RmsProp { centered: true, momentum: 0.5, ..rmsprop },
    ];
    let lamb =
        [Lamb { lr: 0.05, ..Lamb::default() }, Lamb { weight_decay: 0.0, eps: 1e-3, ..Lamb::default() }];
    let mut all: Vec<_> = sgd.map(Operation::Sgd).to_vec();
    all.extend(adamw.map(Operation::AdamW));
    all.extend(adam.map(Operation::Adam));
    all.extend(rmsprop.map(Operation::RmsProp));
    all.extend(lamb.map(Operation::Lamb));
    all
}

#[test]
fn steps_follow_the_reference() {
    let mut cases = Cases::new();
    for context in contexts() {
        for &shape in SHAPES {
            for op in operations() {
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let count = shape.iter().product();
                    let mut expected = Host::new(random(1, count, -1.0, 1.0));
                    let uploaded = Tensor::from_slice(&context, &expected.parameter, shape).unwrap();
                    let param = uploaded.to_layout(layout).unwrap();
                    // Two channels-last tensors of zeros: a change of layout may hand out the very tensor.
                    let slots =
                        [(); 3].map(|()| Tensor::zeros(&context, shape).unwrap().to_layout(layout).unwrap());
                    let clone = param.clone();
                    for step in 1..=4 {
                        let grad = random(10 + u64::from(step), count, -1.0, 1.0);
                        let given = Tensor::from_slice(&context, &grad, shape).unwrap();
                        on_device(&op, &param, &given, &slots, step).unwrap();
                        expected.step(&op, &grad, step);
                        assert_eq!(given.to_vec::<f32>().unwrap(), grad, "the gradient stays");
                    }
                    let name = format!("{op:?} {shape:?} {layout:?}");
                    cases.check(&name, close(&clone.to_vec().unwrap(), &expected.parameter, 3e-6, 3e-7));
                    for (found, expected) in slots.iter().zip(&expected.slots) {
                        cases.check(&name, close(&found.to_vec().unwrap(), expected, 2e-6, 3e-7));
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn pytorch_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("optimizer").unwrap();
    for context in contexts() {
        for case in &goldens {
            let (start, shape) = case.f32("parameter").unwrap();
            let (gradients, _) = case.f32("gradients").unwrap();
            let (after_each, _) = case.f32("parameters").unwrap();
            let op = case.operation().unwrap();
            let param = Tensor::from_slice(&context, start, shape).unwrap();
            let slots = [(); 3].map(|()| Tensor::zeros(&context, shape).unwrap());
            for (at, grad) in gradients.chunks_exact(start.len()).enumerate() {
                let grad = Tensor::from_slice(&context, grad, shape).unwrap();
                on_device(&op, &param, &grad, &slots, at as u32 + 1).unwrap();
                let expected = &after_each[at * start.len()..(at + 1) * start.len()];
                let name = format!("{} step {at}", case.name);
                cases.check(name, close(&param.to_vec().unwrap(), expected, 1e-5, 1e-6));
            }
            let mut kept = 0;
            for role in ROLES.iter().filter(|role| case.has(role)) {
                let expected = case.f32(role).unwrap().0;
                let found: Vec<f32> = slots[golden_role(&op, role)].to_vec().unwrap();
                cases.check(format!("{role} of {}", case.name), close(&found, expected, 1e-5, 1e-6));
                kept += 1;
            }
            assert!(kept > 0 || matches!(op, Operation::Sgd(Sgd { momentum: 0.0, .. })), "{}", case.name);
        }
    }
    cases.finish();
}

/// A centred mean square that rounding makes negative is 0: the step is long, and a number.
#[test]
fn a_constant_gradient_leaves_centred_rmsprop_finite() {
    for context in contexts() {
        let op = RmsProp { lr: 1e-3, alpha: 0.5, eps: 1e-3, centered: true, ..RmsProp::default() };
        let [param, square, mean] = [(); 3].map(|()| Tensor::zeros(&context, &[64]).unwrap());
        let values: Vec<f32> = (0..64).map(|i| 1.0 + i as f32 / 7.0).collect();
        let grad = Tensor::from_slice(&context, &values, &[64]).unwrap();
        for _ in 0..60 {
            let kept = RmsPropState { square: &square, mean: Some(&mean), momentum_buffer: None };
            rmsprop_step(&param, &grad, kept, &op).unwrap();
        }
        let found: Vec<f32> = param.to_vec().unwrap();
        assert!(found.iter().all(|value| value.is_finite()), "{found:?}");
    }
}

#[test]
fn an_average_follows_the_reference() {
    let mut cases = Cases::new();
    for context in contexts() {
        for &shape in SHAPES {
            for keep in [0.0, 0.9, 0.999, 1.0] {
                let count = shape.iter().product();
                let (before, values) = (random(1, count, -1.0, 1.0), random(2, count, -1.0, 1.0));
                let average = Tensor::from_slice(&context, &before, shape).unwrap();
                let param = Tensor::from_slice(&context, &values, shape).unwrap();
                average_step(&average, &param, keep).unwrap();
                assert_eq!(param.to_vec::<f32>().unwrap(), values);
                let expected = reference::ema(keep, &before, &values);
                let found = close(&average.to_vec().unwrap(), &expected, 1e-6, 1e-7);
                cases.check(format!("{shape:?} {keep}"), found);
            }
        }
        let [a, b] = [[3], [4]].map(|shape| Tensor::zeros(&context, &shape).unwrap());
        assert!(average_step(&a, &b, 0.5).unwrap_err().to_string().contains("average"));
        assert!(average_step(&a, &a.copy().unwrap(), 1.5).unwrap_err().to_string().contains("keep"));
    }
    cases.finish();
}

/// Lengths around a part, beyond what is bound at once, and the orders that PyTorch has.
#[test]
fn norms_follow_the_reference() {
    let mut cases = Cases::new();
    let lengths = [0, 1, 3, 4, 5, 255, 256, 257, 2047, 2048, 2049, 8191, 8192, 8193, 40_003];
    let whole = contexts().into_iter().map(|context| (context, lengths.len()));
    // A limit under which parts and their sums are cut.
    let cut = limited_contexts(1024).into_iter().map(|context| (context, 10));
    for (context, most) in whole.chain(cut) {
        let values: Vec<_> =
            lengths[..most].iter().map(|&length| random(length as u64, length, -2.0, 2.0)).collect();
        let tensors: Vec<_> = values
            .iter()
            .map(|values| Tensor::from_slice(&context, values, &[values.len()]).unwrap())
            .collect();
        let mut compare = |name: &str, chosen: &[usize], norm_type: f32| {
            let found: Vec<_> = chosen.iter().map(|&at| &tensors[at]).collect();
            let found = total_norm(&context, &found, norm_type).unwrap().item().unwrap();
            let expected: Vec<_> = chosen.iter().map(|&at| &values[at][..]).collect();
            let expected = reference::total_norm(&expected, norm_type) as f32;
            cases.check(format!("{name}, {norm_type}"), close(&[found], &[expected], 1e-5, 0.0));
        };
        for (at, length) in lengths.iter().enumerate().take(most) {
            compare(&format!("{length} elements"), &[at], 2.0);
        }
        for norm_type in [2.0, 1.0, f32::INFINITY, 3.0, 0.5] {
            compare("all", &(0..most).collect::<Vec<_>>(), norm_type);
        }
        compare("none", &[], 2.0);
        for wrong in [0.0, -1.0, f32::NAN] {
            let error = total_norm(&context, &[&tensors[1]], wrong).unwrap_err().to_string();
            assert!(error.contains("norm_type"), "{error}");
        }
        let nan = Tensor::from_slice(&context, &[1.0, f32::NAN, 2.0], &[3]).unwrap();
        for norm_type in [2.0, 1.0, f32::INFINITY] {
            let found = total_norm(&context, &[&tensors[3], &nan], norm_type).unwrap().item().unwrap();
            assert!(found.is_nan(), "{norm_type}: {found}");
        }
    }
    cases.finish();
}

#[test]
fn wrong_operands_are_typed_errors() {
    for context in contexts() {
        let op = Sgd { momentum: 0.9, ..Sgd::default() };
        let param = Tensor::zeros(&context, &[2, 3, 2, 2]).unwrap();
        let other = Tensor::zeros(&context, &[2, 3]).unwrap();
        let turned = Tensor::zeros(&context, &[2, 3, 2, 2]).unwrap().to_layout(Layout::ChannelsLast).unwrap();
        let grad = Tensor::zeros(&context, &[2, 3, 2, 2]).unwrap();
        let message = |outcome: tilewright::tensor::Result<()>| outcome.unwrap_err().to_string();
        let error = message(sgd_step(&param, &other, None, true, &op));
        assert!(error.contains("sgd") && error.contains("grad") && error.contains("[2, 3]"), "{error}");
        let error = message(sgd_step(&param, &grad, None, true, &op));
        assert!(error.contains("momentum"), "{error}");
        let error = message(sgd_step(&param, &grad, Some(&turned), true, &op));
        assert!(error.contains("momentum_buffer") && error.contains("ChannelsLast"), "{error}");
        let error = message(sgd_step(&param, &param, None, true, &Sgd::default()));
        assert!(error.contains("bound twice"), "{error}");
        let negative = Sgd { lr: -1.0, ..op };
        assert!(message(sgd_step(&param, &grad, Some(&turned), true, &negative)).contains("lr"));
        let error = message(adamw_step(&param, &grad, &turned, &param, 1, &AdamW::default()));
        assert!(error.contains("first_moment"), "{error}");
        let zeros = Tensor::zeros(&context, &[2, 3, 2, 2]).unwrap();
        let error = message(adamw_step(&param, &grad, &zeros, &grad, 0, &AdamW::default()));
        assert!(error.contains("step") && error.contains("count from 1"), "{error}");
        let kept = AdamState { first_moment: &zeros, second_moment: &grad, largest_second_moment: None };
        let error = message(adam_step(&param, &grad, kept, 1, &Adam { amsgrad: true, ..Adam::default() }));
        assert!(error.contains("amsgrad") && error.contains("largest second moment"), "{error}");
        let kept = RmsPropState { square: &zeros, mean: None, momentum_buffer: None };
        let wanting = [
            (RmsProp { centered: true, ..RmsProp::default() }, "centered"),
            (RmsProp { momentum: 0.1, ..RmsProp::default() }, "momentum"),
            (RmsProp { alpha: 2.0, ..RmsProp::default() }, "alpha"),
        ];
        for (op, parameter) in wanting {
            let error = message(rmsprop_step(&param, &grad, kept, &op));
            assert!(error.contains("rmsprop") && error.contains(parameter), "{error}");
        }
        // Another layout of the gradient is converted.
        assert!(sgd_step(&param, &turned, None, true, &Sgd::default()).is_ok());
    }
}
