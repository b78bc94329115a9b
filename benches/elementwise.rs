//! Elementwise kernels, in bytes moved per second, beside the device's own copy.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright_works::{self as works, Sizes};

fn elementwise(criterion: &mut Criterion) {
    run(criterion, "elementwise", |context| {
        let mut works = works::copies(context, 6)?;
        works.extend(works::elementwise(context, Sizes::Networks)?);
        Ok(works)
    });
}

criterion_group!(benches, elementwise);
criterion_main!(benches);
