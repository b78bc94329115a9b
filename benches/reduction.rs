//! Reductions, in bytes read per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::Layout;

fn reduction(criterion: &mut Criterion) {
    let context = context();
    let shape = [16, 32, 56, 56];
    let bytes = shape.iter().product::<usize>() as u64 * 4;
    let row_major = tensor(&context, &shape);
    let channels_last = row_major.to_layout(Layout::ChannelsLast).unwrap();
    for (name, x) in [("row_major", &row_major), ("channels_last", &channels_last)] {
        let mut time = |op: &str, work: &mut dyn FnMut() -> tilewright::Tensor| {
            let name = format!("{op}/{name}");
            bench(criterion, "reduction", &name, Work::Bytes(bytes), &context, work);
        };
        time("sum_to_shape", &mut || x.sum_to_shape(&[1, 32, 1, 1]).unwrap());
        time("mean_hw", &mut || x.mean(&[2, 3], true).unwrap());
        time("max_all", &mut || x.max(&[], false).unwrap());
    }
    let x = tensor(&context, &[4096, 512]);
    let bytes = Work::Bytes(4096 * 512 * 4);
    bench(criterion, "reduction", "sum_to_shape/n_f", bytes, &context, || x.sum_to_shape(&[512]).unwrap());
    let x = tensor(&context, &[256, 1000]);
    let bytes = Work::Bytes(256 * 1000 * 4);
    bench(criterion, "reduction", "argmax/classes", bytes, &context, || x.argmax(&[1], false).unwrap());
}

criterion_group!(benches, reduction);
criterion_main!(benches);
