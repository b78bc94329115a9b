//! Textures to tensors and back, in pixels per second.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{bench, context, tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use tilewright::{
    Context, Layout,
    ops::{TextureInput, TextureOutput},
    runtime::Texture,
};
use tilewright_works::Quantity;
use wgpu::{TextureFormat, TextureUsages};

fn made(context: &Context, format: TextureFormat, usage: TextureUsages, side: u32) -> Texture {
    let raw = context.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: side, height: side, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    });
    context.wrap_texture(raw).unwrap()
}

fn texture(criterion: &mut Criterion) {
    let context = context();
    let pixels = Quantity::Elements(224 * 224);
    let x = tensor(&context, &[1, 3, 224, 224]);
    let input = |format, side| made(&context, format, TextureUsages::TEXTURE_BINDING, side);
    let op = TextureInput::imagenet();
    for layout in [Layout::RowMajor, Layout::ChannelsLast] {
        let x = x.to_layout(layout).unwrap();
        for format in [TextureFormat::Rgba8Unorm, TextureFormat::Rgba8UnormSrgb] {
            let name = format!("from/{format:?}/{layout:?}");
            let texture = input(format, 224);
            bench(criterion, "texture", &name, pixels, &context, || {
                x.fill_from_texture(&texture, &op).unwrap()
            });
        }
        let output = made(&context, TextureFormat::Rgba8Unorm, TextureUsages::STORAGE_BINDING, 224);
        bench(criterion, "texture", &format!("to/{layout:?}"), pixels, &context, || {
            x.to_texture(&output, &TextureOutput::default()).unwrap()
        });
    }
    let (large, op) = (input(TextureFormat::Rgba8Unorm, 640), TextureInput { resize: true, ..op });
    bench(criterion, "texture", "from/640x640", pixels, &context, || {
        x.fill_from_texture(&large, &op).unwrap()
    });
}

criterion_group!(benches, texture);
criterion_main!(benches);
