//! Losses, in bytes of logits per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works as works;

fn loss(criterion: &mut Criterion) {
    run(criterion, "loss", works::loss);
}

criterion_group!(benches, loss);
criterion_main!(benches);
