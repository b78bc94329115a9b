//! Top-k and sorting, in elements of the input per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    kernels::{reduction::Lines, sort},
    ops::TopK,
};

fn sort(criterion: &mut Criterion) {
    let context = context();
    for (name, lines, along, k) in [
        ("classes/k5", 128, 1000, 5),
        ("boxes/k1000", 1, 25_200, 1000),
        ("long/k100", 1, 1_000_000, 100),
        ("sort/64x4096", 64, 4096, 4096),
        ("sort/1x1m", 1, 1_000_000, 1_000_000),
    ] {
        let count = lines * along;
        // No two alike, in no order.
        let values: Vec<f32> =
            (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32).collect();
        let x = context.upload(bytemuck::cast_slice(&values)).unwrap();
        let bytes = (lines * k * 4) as u64;
        let (y, indices) = (context.alloc(bytes).unwrap(), context.alloc(bytes).unwrap());
        let op = TopK { k, axis: 1, largest: true };
        let view = Lines { before: lines, along, after: 1 };
        let size = Work::Elements(count as u64);
        bench(criterion, "sort", &format!("topk/{name}"), size, &context, || {
            sort::topk(&context, op, &x, &y, &indices, view).unwrap();
        });
        let grad_x = context.alloc((count * 4) as u64).unwrap();
        bench(criterion, "sort", &format!("topk_backward/{name}"), size, &context, || {
            sort::topk_backward(&context, k, &y, &indices, &grad_x, view).unwrap();
        });
    }
}

criterion_group!(benches, sort);
criterion_main!(benches);
