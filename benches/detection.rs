//! Boxes and regions, in boxes and in elements of the result per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works as works;

fn detection(criterion: &mut Criterion) {
    run(criterion, "detection", works::detection);
}

criterion_group!(benches, detection);
criterion_main!(benches);
