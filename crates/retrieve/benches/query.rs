//! Queries of an index of 512 numbers a vector: 100,000 vectors, and with `TILEWRIGHT_BENCH_MILLION=1` a million (some 4 GiB
//! of memory). What is found is held against every score in f64 before anything is timed.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tilewright_retrieve::{Index, Metric, Searcher};
use tilewright_runtime::Context;

const DIM: usize = 512;

fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn nearest(index: &Index, query: &[f32], k: usize) -> Vec<u64> {
    let score =
        |row: &[f32]| -> f64 { row.iter().zip(query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum() };
    let mut all: Vec<(f64, u64)> =
        index.rows().chunks(DIM).zip(index.ids()).map(|(row, &id)| (score(row), id)).collect();
    all.sort_by(|one, other| other.0.total_cmp(&one.0));
    all.into_iter().take(k).map(|(_, id)| id).collect()
}

fn query(criterion: &mut Criterion) {
    let context = Context::new().unwrap();
    let mut group = criterion.benchmark_group("retrieve");
    group.sample_size(10);
    let million = std::env::var_os("TILEWRIGHT_BENCH_MILLION").is_some();
    for count in [100_000, 1_000_000].into_iter().take(1 + usize::from(million)) {
        let mut index = Index::new(DIM, Metric::Cosine).unwrap();
        index.reserve(count);
        for id in 0..count {
            index.add(id as u64, "", &random(id as u64 + 1, DIM)).unwrap();
        }
        let searcher = Searcher::new(&index, &context).unwrap();
        for queries in [1, 32] {
            let asked = random(7, queries * DIM);
            let found = searcher.query(&asked, 10).unwrap();
            let ids: Vec<u64> = found[0].iter().map(|found| found.id).collect();
            assert_eq!(ids, nearest(&index, &asked[..DIM], 10), "the nearest of {count}");
            group.throughput(Throughput::Elements((count * queries) as u64));
            group.bench_function(BenchmarkId::new(format!("{queries} queries"), count), |bencher| {
                bencher.iter(|| searcher.query(&asked, 10).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, query);
criterion_main!(benches);
