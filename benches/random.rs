//! Random numbers and dropout, in elements per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{Layout, Tensor, ops::Dropout};

fn random(criterion: &mut Criterion) {
    let context = context();
    let shape = [16, 32, 56, 56];
    let elements = Work::Elements(shape.iter().product::<usize>() as u64);
    bench(criterion, "random", "uniform", elements, &context, || {
        Tensor::uniform(&context, &shape, 1, 2).unwrap()
    });
    bench(criterion, "random", "normal", elements, &context, || {
        Tensor::normal(&context, &shape, 1, 2).unwrap()
    });
    let x = tensor(&context, &shape);
    for layout in [Layout::RowMajor, Layout::ChannelsLast] {
        let x = x.to_layout(layout).unwrap();
        bench(criterion, "random", &format!("dropout/{layout:?}"), elements, &context, || {
            x.dropout(&Dropout { p: 0.5 }, 1, 2).unwrap()
        });
    }
}

criterion_group!(benches, random);
criterion_main!(benches);
