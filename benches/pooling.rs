//! Pooling kernels, in bytes moved per second (each operand counted once).
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Work, bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    Layout, Tensor,
    ops::{AdaptiveAvgPool2d, Pool2d},
};

fn pooling(criterion: &mut Criterion) {
    let context = context();
    let mut run = |name: &str, elements: usize, work: &mut dyn FnMut() -> Tensor| {
        bench(criterion, "pooling", name, Work::Bytes(4 * elements as u64), &context, work);
    };
    // ResNet's stem, VGG's and Inception's windows.
    let stem = Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
    let dense = Pool2d { stride: [1, 1], ..stem };
    for (label, shape, pool) in [
        ("3x3s2p1", [8, 64, 112, 112], stem),
        ("2x2s2", [8, 64, 112, 112], Pool2d::new([2, 2])),
        ("3x3s1p1", [8, 192, 28, 28], dense),
        ("2x2s2 of 6 channels", [64, 6, 28, 28], Pool2d::new([2, 2])),
    ] {
        let x = tensor(&context, &shape).to_layout(Layout::ChannelsLast).unwrap();
        let (y, indices) = x.max_pool2d(&pool).unwrap();
        let (large, small) = (x.count(), y.count());
        run(&format!("max_pool2d/{label}"), large + 2 * small, &mut || x.max_pool2d(&pool).unwrap().0);
        run(&format!("max_pool2d_values/{label}"), large + small, &mut || {
            x.max_pool2d_values(&pool).unwrap()
        });
        run(&format!("max_pool2d_backward/{label}"), large + 2 * small, &mut || {
            Tensor::max_pool2d_backward(&pool, &shape, &indices, &y).unwrap()
        });
        run(&format!("avg_pool2d/{label}"), large + small, &mut || x.avg_pool2d(&pool).unwrap());
        run(&format!("avg_pool2d_backward/{label}"), large + small, &mut || {
            Tensor::avg_pool2d_backward(&pool, &shape, &y).unwrap()
        });
    }
    for shape in [[32, 512, 7, 7], [8, 2048, 7, 7], [1, 16, 256, 256]] {
        let x = tensor(&context, &shape).to_layout(Layout::ChannelsLast).unwrap();
        let y = x.global_avg_pool2d().unwrap();
        run(&format!("global_avg_pool2d/{shape:?}"), x.count(), &mut || x.global_avg_pool2d().unwrap());
        run(&format!("global_avg_pool2d_backward/{shape:?}"), x.count(), &mut || {
            Tensor::global_avg_pool2d_backward(&shape, &y).unwrap()
        });
    }
    let shape = [8, 256, 13, 13];
    let pool = AdaptiveAvgPool2d { output: [6, 6] };
    let x = tensor(&context, &shape).to_layout(Layout::ChannelsLast).unwrap();
    let y = x.adaptive_avg_pool2d(pool).unwrap();
    let elements = x.count() + y.count();
    run("adaptive_avg_pool2d/6x6", elements, &mut || x.adaptive_avg_pool2d(pool).unwrap());
    run("adaptive_avg_pool2d_backward/6x6", elements, &mut || {
        Tensor::adaptive_avg_pool2d_backward(pool, &shape, &y).unwrap()
    });
}

criterion_group!(benches, pooling);
criterion_main!(benches);
