//! What the benches share: a context, operands, and timing that includes the device.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use tilewright::{Context, Tensor};

pub fn context() -> Context {
    match Context::new() {
        Ok(context) => context,
        Err(error) => panic!("{error}"),
    }
}

/// A tensor of numbers that are not all alike.
pub fn tensor(context: &Context, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0).collect();
    Tensor::from_slice(context, &values, shape).unwrap()
}

/// Times `work`, which records dispatches: `n` calls, then one wait for the device.
pub fn bench<T>(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    throughput: Throughput,
    context: &Context,
    mut work: impl FnMut() -> T,
) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(throughput).sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|n| {
            let begun = Instant::now();
            for _ in 0..n {
                std::hint::black_box(work());
            }
            context.synchronize().unwrap();
            begun.elapsed()
        });
    });
    group.finish();
}
