//! Batch normalisation, in bytes moved per second (each operand counted once for each pass that needs it).
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    BatchNormCall, Layout, Tensor,
    ops::{BatchNorm, UnaryOp},
};

fn normalization(criterion: &mut Criterion) {
    let context = context();
    let norm = BatchNorm::default();
    let mut run = |name: &str, elements: usize, work: &mut dyn FnMut() -> Tensor| {
        bench(criterion, "normalization", name, Work::Bytes(4 * elements as u64), &context, work);
    };
    // Few channels over many pixels, the reverse, and no multiple of four.
    for shape in [[16, 16, 112, 112], [16, 64, 56, 56], [16, 512, 7, 7], [16, 6, 56, 56]] {
        let x = tensor(&context, &shape).to_layout(Layout::ChannelsLast).unwrap();
        let grad_y = tensor(&context, &shape).to_layout(Layout::ChannelsLast).unwrap();
        let channels = [shape[1]];
        let (zero, one) = (Tensor::zeros(&context, &channels), Tensor::ones(&context, &channels));
        let (zero, one) = (zero.unwrap(), one.unwrap());
        let count = x.count();
        run(&format!("train/{shape:?}"), 3 * count, &mut || {
            x.batch_norm_train(&one, &zero, &zero, &one, &norm).unwrap().y
        });
        run(&format!("eval/{shape:?}"), 2 * count, &mut || {
            x.batch_norm_eval(&one, &zero, &zero, &one, &norm).unwrap()
        });
        run(&format!("eval+relu/{shape:?}"), 2 * count, &mut || {
            x.batch_norm_eval(
                &one,
                &zero,
                &zero,
                &one,
                BatchNormCall { op: norm, activation: Some(UnaryOp::Relu) },
            )
            .unwrap()
        });
        run(&format!("train_backward/{shape:?}"), 5 * count, &mut || {
            x.batch_norm_train_backward(&one, &zero, &one, None, &grad_y).unwrap().0
        });
        run(&format!("eval_backward/{shape:?}"), 5 * count, &mut || {
            x.batch_norm_eval_backward(&one, &zero, &one, &norm, None, &grad_y).unwrap().0
        });
    }
}

criterion_group!(benches, normalization);
criterion_main!(benches);
