//! Reductions, in bytes read per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn reduction(criterion: &mut Criterion) {
    run(criterion, "reduction", |context| works::reduction(context, Sizes::Networks));
}

criterion_group!(benches, reduction);
criterion_main!(benches);
