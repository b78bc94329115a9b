//! Matrix products by every algorithm that can run them, in floating-point operations per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works as works;

fn matmul(criterion: &mut Criterion) {
    run(criterion, "matmul", works::matmul);
}

criterion_group!(benches, matmul);
criterion_main!(benches);
