//! Optimizer steps, in bytes read and written per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn optimizer(criterion: &mut Criterion) {
    run(criterion, "optimizer", |context| works::optimizer(context, Sizes::Networks));
}

criterion_group!(benches, optimizer);
criterion_main!(benches);
