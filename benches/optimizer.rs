//! Optimizer steps, in bytes read and written per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    Tensor,
    ops::{AdamW, Sgd},
    tensor::ops::optimizer::{adamw_step, sgd_step},
};

fn optimizer(criterion: &mut Criterion) {
    let context = context();
    let shape = [1024, 1024];
    let bytes = 1024 * 1024 * 4;
    let (param, grad) = (tensor(&context, &shape), tensor(&context, &shape));
    let (first, second) =
        (Tensor::zeros(&context, &shape).unwrap(), Tensor::zeros(&context, &shape).unwrap());
    let plain = Sgd { lr: 1e-6, ..Sgd::default() };
    bench(criterion, "optimizer", "sgd", Work::Bytes(3 * bytes), &context, || {
        sgd_step(&param, &grad, None, false, &plain).unwrap();
    });
    let momentum = Sgd { momentum: 0.9, ..plain };
    bench(criterion, "optimizer", "sgd_momentum", Work::Bytes(5 * bytes), &context, || {
        sgd_step(&param, &grad, Some(&first), false, &momentum).unwrap();
    });
    let adamw = AdamW { lr: 1e-6, ..AdamW::default() };
    bench(criterion, "optimizer", "adamw", Work::Bytes(7 * bytes), &context, || {
        adamw_step(&param, &grad, &first, &second, 1, &adamw).unwrap();
    });
}

criterion_group!(benches, optimizer);
criterion_main!(benches);
