//! Batch normalisation, in bytes moved per second (each operand counted once for each pass that needs it).
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn normalization(criterion: &mut Criterion) {
    run(criterion, "normalization", |context| works::normalization(context, Sizes::Networks));
}

criterion_group!(benches, normalization);
criterion_main!(benches);
