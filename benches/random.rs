//! Random numbers and dropout, in elements per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{bench, context, tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tilewright::{Layout, Tensor, ops::Dropout};

fn random(criterion: &mut Criterion) {
    let context = context();
    let shape = [16, 32, 56, 56];
    let elements = Throughput::Elements(shape.iter().product::<usize>() as u64);
    bench(criterion, "random", "uniform", elements.clone(), &context, || {
        Tensor::uniform(&context, &shape, 1, 2).unwrap()
    });
    bench(criterion, "random", "normal", elements.clone(), &context, || {
        Tensor::normal(&context, &shape, 1, 2).unwrap()
    });
    let x = tensor(&context, &shape);
    for layout in [Layout::RowMajor, Layout::ChannelsLast] {
        let x = x.to_layout(layout).unwrap();
        bench(criterion, "random", &format!("dropout/{layout:?}"), elements.clone(), &context, || {
            x.dropout(&Dropout { p: 0.5 }, 1, 2).unwrap()
        });
    }
}

criterion_group!(benches, random);
criterion_main!(benches);
