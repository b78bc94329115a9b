//! Softmax and its gradient, in bytes of the tensors read and written per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn softmax(criterion: &mut Criterion) {
    run(criterion, "softmax", |context| works::softmax(context, Sizes::Networks));
}

criterion_group!(benches, softmax);
criterion_main!(benches);
