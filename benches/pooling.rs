//! Pooling kernels, in bytes moved per second (each operand counted once).
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn pooling(criterion: &mut Criterion) {
    run(criterion, "pooling", |context| works::pooling(context, Sizes::Networks));
}

criterion_group!(benches, pooling);
criterion_main!(benches);
