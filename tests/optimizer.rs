//! Optimizer steps against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts, random};
use tilewright::{
    DType, Layout, Tensor,
    ops::{AdamW, Sgd},
    tensor::ops::optimizer::{adamw_step, sgd_step},
};
use tilewright_reference::{golden, optimizer as reference};

const SHAPES: &[&[usize]] = &[&[], &[1], &[4], &[7], &[10, 33], &[5, 3, 3, 3], &[8, 4, 1, 1], &[0, 4]];

fn sgds() -> Vec<Sgd> {
    let plain = Sgd { lr: 0.1, ..Sgd::default() };
    let momentum = Sgd { momentum: 0.9, ..plain };
    vec![
        plain,
        Sgd { weight_decay: 0.05, ..plain },
        momentum,
        Sgd { weight_decay: 5e-4, ..momentum },
        Sgd { dampening: 0.3, ..momentum },
        Sgd { nesterov: true, weight_decay: 0.01, ..momentum },
    ]
}

#[test]
fn sgd_follows_the_reference() {
    let mut cases = Cases::new();
    for context in contexts() {
        for &shape in SHAPES {
            for op in sgds() {
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let count = shape.iter().product();
                    let mut expected = random(1, count, -1.0, 1.0);
                    let mut expected_buffer: Option<Vec<f32>> = None;
                    let uploaded = Tensor::from_slice(&context, &expected, shape).unwrap();
                    let param = uploaded.to_layout(layout).unwrap();
                    let buffer = Tensor::empty(&context, shape, DType::F32, layout).unwrap();
                    let clone = param.clone();
                    for step in 0..4 {
                        let grad = random(10 + step, count, -1.0, 1.0);
                        let on_device = Tensor::from_slice(&context, &grad, shape).unwrap();
                        sgd_step(&param, &on_device, Some(&buffer), step == 0, &op).unwrap();
                        let next = reference::sgd(&op, &expected, &grad, expected_buffer.as_deref());
                        (expected, expected_buffer) = next;
                        assert_eq!(on_device.to_vec::<f32>().unwrap(), grad, "the gradient stays");
                    }
                    let name = format!("{op:?} {shape:?} {layout:?}");
                    cases.check(&name, close(&clone.to_vec().unwrap(), &expected, 2e-6, 2e-7));
                    if let Some(expected) = expected_buffer {
                        cases.check(&name, close(&buffer.to_vec().unwrap(), &expected, 2e-6, 2e-7));
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn adamw_follows_the_reference() {
    let ops = [
        AdamW::default(),
        AdamW { lr: 0.02, beta1: 0.8, beta2: 0.95, eps: 1e-3, weight_decay: 0.1 },
        AdamW { weight_decay: 0.0, beta1: 0.0, ..AdamW::default() },
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        for &shape in SHAPES {
            for op in ops {
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let count = shape.iter().product();
                    let mut expected = reference::AdamWStep {
                        parameter: random(1, count, -1.0, 1.0),
                        first: vec![0.0; count],
                        second: vec![0.0; count],
                    };
                    let uploaded = Tensor::from_slice(&context, &expected.parameter, shape).unwrap();
                    let param = uploaded.to_layout(layout).unwrap();
                    let zeros = || Tensor::zeros(&context, shape).unwrap().to_layout(layout).unwrap();
                    let (first, second) = (zeros(), zeros());
                    for step in 1..=4 {
                        let grad = random(10 + u64::from(step), count, -1.0, 1.0);
                        let on_device = Tensor::from_slice(&context, &grad, shape).unwrap();
                        adamw_step(&param, &on_device, &first, &second, step, &op).unwrap();
                        let reference::AdamWStep { parameter, first, second } = &expected;
                        expected = reference::adamw(&op, step, parameter, &grad, first, second);
                    }
                    let name = format!("{op:?} {shape:?} {layout:?}");
                    for (found, expected) in [
                        (&param, &expected.parameter),
                        (&first, &expected.first),
                        (&second, &expected.second),
                    ] {
                        cases.check(&name, close(&found.to_vec().unwrap(), expected, 2e-6, 2e-7));
                    }
                }
            }
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
        // Another layout of the gradient is converted.
        assert!(sgd_step(&param, &turned, None, true, &Sgd::default()).is_ok());
    }
}

#[test]
fn pytorch_agrees() {
    let mut cases = Cases::new();
    let goldens = golden::family("optimizer").unwrap();
    for context in contexts() {
        for case in &goldens {
            let number = |name| case.number(name).unwrap() as f32;
            let (start, shape) = case.f32("parameter").unwrap();
            let (gradients, _) = case.f32("gradients").unwrap();
            let (after_each, _) = case.f32("parameters").unwrap();
            let param = Tensor::from_slice(&context, start, shape).unwrap();
            let (first, second) =
                (Tensor::zeros(&context, shape).unwrap(), Tensor::zeros(&context, shape).unwrap());
            for (at, grad) in gradients.chunks_exact(start.len()).enumerate() {
                let grad = Tensor::from_slice(&context, grad, shape).unwrap();
                if case.op == "sgd" {
                    let op = Sgd {
                        lr: number("lr"),
                        momentum: number("momentum"),
                        dampening: number("dampening"),
                        nesterov: case.flag("nesterov").unwrap(),
                        weight_decay: number("weight_decay"),
                    };
                    sgd_step(&param, &grad, Some(&first), at == 0, &op).unwrap();
                } else {
                    let op = AdamW {
                        lr: number("lr"),
                        beta1: number("beta1"),
                        beta2: number("beta2"),
                        eps: number("eps"),
                        weight_decay: number("weight_decay"),
                    };
                    adamw_step(&param, &grad, &first, &second, at as u32 + 1, &op).unwrap();
                }
                let expected = &after_each[at * start.len()..(at + 1) * start.len()];
                let name = format!("{} step {at}", case.name);
                cases.check(name, close(&param.to_vec().unwrap(), expected, 1e-5, 1e-6));
            }
            for (role, state) in [("buffer", &first), ("first", &first), ("second", &second)] {
                if case.tensors.contains_key(role) {
                    let expected = case.f32(role).unwrap().0;
                    let name = format!("{role} of {}", case.name);
                    cases.check(name, close(&state.to_vec().unwrap(), expected, 1e-5, 1e-6));
                }
            }
        }
    }
    cases.finish();
}
