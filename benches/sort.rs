//! Top-k and sorting, in elements of the input per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works as works;

fn sort(criterion: &mut Criterion) {
    run(criterion, "sort", works::sort);
}

criterion_group!(benches, sort);
criterion_main!(benches);
