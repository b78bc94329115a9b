//! Cross-entropy and its gradient, in bytes of logits per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{Tensor, ops::CrossEntropy};

fn loss(criterion: &mut Criterion) {
    let context = context();
    let op = CrossEntropy::default();
    for shape in [[128, 10], [256, 1000]] {
        let logits = tensor(&context, &shape);
        let labels: Vec<i32> = (0..shape[0]).map(|sample| (sample % shape[1]) as i32).collect();
        let labels = Tensor::from_slice(&context, &labels, &shape[..1]).unwrap();
        let one = Tensor::ones(&context, &[]).unwrap();
        let bytes = (shape[0] * shape[1] * 4) as u64;
        let name = format!("{}x{}", shape[0], shape[1]);
        let forward = format!("cross_entropy/{name}");
        bench(criterion, "loss", &forward, Work::Bytes(bytes), &context, || {
            logits.cross_entropy(&labels, None, &op).unwrap()
        });
        let backward = format!("cross_entropy_backward/{name}");
        bench(criterion, "loss", &backward, Work::Bytes(2 * bytes), &context, || {
            logits.cross_entropy_backward(&labels, None, &op, &one).unwrap()
        });
    }
}

criterion_group!(benches, loss);
criterion_main!(benches);
