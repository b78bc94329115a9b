//! What the benches share: a context, operands, and timing that includes the device.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::{
    cell::Cell,
    sync::Once,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use tilewright::{Context, Tensor, kernels::probe};

/// What one call does.
#[derive(Clone, Copy)]
pub enum Work {
    /// Arithmetic, and the bytes that it must move: operands read once, the result written once.
    Flops { flops: u64, bytes: u64 },
    /// Bytes read and written.
    Bytes(u64),
    /// Elements, of work that no probe measures.
    Elements(u64),
}

impl Work {
    fn throughput(self) -> Throughput {
        match self {
            Self::Flops { flops: count, .. } | Self::Elements(count) => Throughput::Elements(count),
            Self::Bytes(bytes) => Throughput::Bytes(bytes),
        }
    }

    /// The part of the roof that a call of `seconds` reaches, and what the roof is.
    fn share(self, roofline: &probe::Roofline, seconds: f64) -> Option<(f64, String)> {
        match self {
            Self::Flops { flops, bytes } => {
                let roof = roofline.attainable(flops, bytes);
                Some((roofline.share(flops, bytes, seconds), format!("{roof:.0} GFLOP/s")))
            }
            Self::Bytes(bytes) => {
                let roof = roofline.bandwidth(bytes);
                Some((bytes as f64 / seconds / 1e9 / roof, format!("{roof:.0} GB/s")))
            }
            Self::Elements(_) => None,
        }
    }
}

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

/// Times `work`, which records dispatches: `n` calls, then one wait for the device. Where the device has been probed, the
/// shortest sample's share of its roof is printed, too.
pub fn bench<T>(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    size: Work,
    context: &Context,
    mut work: impl FnMut() -> T,
) {
    let shortest = Cell::new(f64::INFINITY);
    let title = format!("{group}/{name}");
    let mut group = criterion.benchmark_group(group);
    group.throughput(size.throughput()).sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|n| {
            let begun = Instant::now();
            for _ in 0..n {
                std::hint::black_box(work());
            }
            context.synchronize().unwrap();
            let elapsed = begun.elapsed();
            shortest.set(shortest.get().min(elapsed.as_secs_f64() / n as f64));
            elapsed
        });
    });
    group.finish();
    print_share(&title, size, context, shortest.get());
}

fn print_share(title: &str, size: Work, context: &Context, seconds: f64) {
    static HINT: Once = Once::new();
    // Filtered out.
    if !seconds.is_finite() {
        return;
    }
    match probe::stored(context) {
        Some(roofline) => {
            if let Some((share, roof)) = size.share(&roofline, seconds) {
                println!("{title}: {:.0} % of the roof, {roof}, in the shortest sample", share * 100.0);
            }
        }
        None => HINT.call_once(|| {
            println!("`tilewright devices --probe` measures the roof that the kernels' share is of");
        }),
    }
}
