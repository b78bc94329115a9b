//! Convolutions in three directions by every algorithm that can run them, in floating-point operations per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works as works;

fn convolution(criterion: &mut Criterion) {
    run(criterion, "convolution", works::convolution);
}

criterion_group!(benches, convolution);
criterion_main!(benches);
