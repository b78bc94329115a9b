//! A photograph of 1000×750 pixels on its way into a network: read, resized, turned into numbers.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use tilewright_data::picture::{self, Filter, Preprocess};

/// Slopes, waves and noise, which a JPEG cannot leave out.
fn photograph() -> Vec<u8> {
    let (width, height) = (1000u32, 750u32);
    let mut state = 1u32;
    let mut samples = Vec::new();
    for at in 0..width * height {
        let (x, y) = ((at % width) as f32, (at / width) as f32);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 27) as f32;
        for (phase, slope) in [(0.0, 0.1), (1.0, 0.15), (2.0, 0.05)] {
            samples.push((100.0 + 80.0 * (x / 23.0 + y / 41.0 + phase).sin() + slope * y + noise) as u8);
        }
    }
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.write_image(&samples, width, height, ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn pictures(criterion: &mut Criterion) {
    let bytes = photograph();
    let read = picture::decode(&bytes).unwrap();
    let preprocess = Preprocess::of("resnet18", [3, 224, 224]);
    let mut group = criterion.benchmark_group("picture");
    group.bench_function("decode JPEG 1000x750", |bencher| bencher.iter(|| picture::decode(&bytes).unwrap()));
    for filter in [Filter::Bilinear, Filter::Lanczos] {
        group.bench_function(format!("resize 1000x750 to 341x256 {}", filter.name()), |bencher| {
            bencher.iter(|| read.resize(341, 256, filter).unwrap());
        });
    }
    group.bench_function("decode, resize, crop, normalise", |bencher| {
        bencher.iter(|| preprocess.apply(picture::decode(&bytes).unwrap()).unwrap());
    });
    group.finish();
}

criterion_group!(benches, pictures);
criterion_main!(benches);
