//! Softmax and its gradient, in bytes of the tensors read and written per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::Layout;

fn softmax(criterion: &mut Criterion) {
    let context = context();
    for (name, shape) in [("classes", &[256, 1000][..]), ("pixels", &[4, 21, 64, 64])] {
        let bytes = shape.iter().product::<usize>() as u64 * 4;
        let x = tensor(&context, shape).to_layout(Layout::ChannelsLast).unwrap();
        let y = x.log_softmax(1).unwrap();
        let mut time = |op: &str, moved: u64, work: &mut dyn FnMut() -> tilewright::Tensor| {
            let throughput = Work::Bytes(moved * bytes);
            bench(criterion, "softmax", &format!("{op}/{name}"), throughput, &context, work);
        };
        time("softmax", 2, &mut || x.softmax(1).unwrap());
        time("log_softmax", 2, &mut || x.log_softmax(1).unwrap());
        time("log_softmax_backward", 3, &mut || y.log_softmax_backward(1, &x).unwrap());
    }
}

criterion_group!(benches, softmax);
criterion_main!(benches);
