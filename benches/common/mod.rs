//! What the benches share: a context, operands, and timing that includes the device.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::{
    cell::Cell,
    sync::Once,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use tilewright::{Context, Tensor, kernels::probe};
use tilewright_works::{Quantity, Work};

fn throughput(quantity: Quantity) -> Throughput {
    match quantity {
        Quantity::Flops { flops: count, .. } | Quantity::Elements(count) => Throughput::Elements(count),
        Quantity::Bytes(bytes) => Throughput::Bytes(bytes),
    }
}

/// The part of the roof that a call of `seconds` reaches, and what the roof is.
fn share(quantity: Quantity, roofline: &probe::Roofline, seconds: f64) -> Option<(f64, String)> {
    match quantity {
        Quantity::Flops { flops, bytes } => {
            let roof = roofline.attainable(flops, bytes);
            Some((roofline.share(flops, bytes, seconds), format!("{roof:.0} GFLOP/s")))
        }
        Quantity::Bytes(bytes) => {
            let roof = roofline.bandwidth(bytes);
            Some((bytes as f64 / seconds / 1e9 / roof, format!("{roof:.0} GB/s")))
        }
        Quantity::Elements(_) => None,
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

/// Times every work of a list.
pub fn run(
    criterion: &mut Criterion,
    group: &str,
    list: impl FnOnce(&Context) -> tilewright::tensor::Result<Vec<Work>>,
) {
    let context = context();
    for work in list(&context).unwrap() {
        let name = format!("{} {:?}", work.name, work.shape);
        bench(criterion, group, &name, work.quantity, &context, || (work.run)().unwrap());
    }
}

/// Times `work`, which records dispatches: `n` calls, then one wait for the device. Where the device has been probed, the
/// shortest sample's share of its roof is printed, too.
pub fn bench<T>(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    quantity: Quantity,
    context: &Context,
    mut work: impl FnMut() -> T,
) {
    let shortest = Cell::new(f64::INFINITY);
    let title = format!("{group}/{name}");
    let mut group = criterion.benchmark_group(group);
    group.throughput(throughput(quantity)).sample_size(10).warm_up_time(Duration::from_millis(300));
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
    print_share(&title, quantity, context, shortest.get());
}

fn print_share(title: &str, quantity: Quantity, context: &Context, seconds: f64) {
    static HINT: Once = Once::new();
    // Filtered out.
    if !seconds.is_finite() {
        return;
    }
    match probe::stored(context) {
        Some(roofline) => {
            if let Some((share, roof)) = share(quantity, &roofline, seconds) {
                println!("{title}: {:.0} % of the roof, {roof}, in the shortest sample", share * 100.0);
            }
        }
        None => HINT.call_once(|| {
            println!("`tilewright devices --probe` measures the roof that the kernels' share is of");
        }),
    }
}
