//! Kernels that only move elements, in bytes moved per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{Layout, Tensor, ops::SliceRange};

fn movement(criterion: &mut Criterion) {
    let context = context();
    let shape = [16, 32, 56, 56];
    let bytes = 2 * shape.iter().product::<usize>() as u64 * 4;
    let x = tensor(&context, &shape);
    let channels_last = x.to_layout(Layout::ChannelsLast).unwrap();
    let mut run = |name: &str, bytes: u64, work: &dyn Fn() -> Tensor| {
        bench(criterion, "movement", name, Work::Bytes(bytes), &context, work);
    };
    run("strided_copy/to_channels_last", bytes, &|| x.to_layout(Layout::ChannelsLast).unwrap());
    run("strided_copy/to_row_major", bytes, &|| channels_last.to_layout(Layout::RowMajor).unwrap());
    run("strided_copy/permute", bytes, &|| x.permute(&[1, 0, 3, 2]).unwrap());
    let mut half = shape.map(SliceRange::full);
    half[1] = SliceRange::new(0, 16);
    run("strided_copy/slice", bytes / 2, &|| x.slice(&half).unwrap());
    run("strided_copy/concat", 2 * bytes, &|| Tensor::concat(&[&x, &x], 1).unwrap());
    run("strided_copy/pad", bytes, &|| x.pad(&[(0, 0), (0, 0), (1, 1), (1, 1)], 0.0).unwrap());
    run("strided_copy/expand", bytes, &|| x.slice(&half).unwrap().expand(&[16, 16, 56, 56]).unwrap());
}

criterion_group!(benches, movement);
criterion_main!(benches);
