//! Attention in one kernel beside its steps, in FLOPs per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works as works;

fn attention(criterion: &mut Criterion) {
    run(criterion, "attention", works::attention);
}

criterion_group!(benches, attention);
criterion_main!(benches);
