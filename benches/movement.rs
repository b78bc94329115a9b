//! Kernels that only move elements, in bytes moved per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn movement(criterion: &mut Criterion) {
    run(criterion, "movement", |context| works::movement(context, Sizes::Networks));
}

criterion_group!(benches, movement);
criterion_main!(benches);
