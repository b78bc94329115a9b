//! Random numbers in elements, and dropout in bytes, per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn random(criterion: &mut Criterion) {
    run(criterion, "random", |context| works::random(context, Sizes::Networks));
}

criterion_group!(benches, random);
criterion_main!(benches);
