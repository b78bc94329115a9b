//! Textures with known contents, for the tests of both ways.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use half::f16;
use tilewright::{
    Context,
    ops::{ChannelOrder, TextureInput, Transfer},
    runtime::Texture,
};
use wgpu::{TextureFormat, TextureUsages};

use crate::common::random;

pub const READ: TextureUsages = TextureUsages::TEXTURE_BINDING.union(TextureUsages::COPY_DST);
pub const WRITE: TextureUsages = TextureUsages::STORAGE_BINDING.union(TextureUsages::COPY_SRC);

pub fn texture(
    context: &Context,
    format: TextureFormat,
    extent: [usize; 3],
    usage: TextureUsages,
) -> Texture {
    let [layers, height, width] = extent.map(|extent| extent as u32);
    let raw = context.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width, height, depth_or_array_layers: layers },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    });
    context.wrap_texture(raw).unwrap()
}

pub fn fill(context: &Context, texture: &Texture, bytes: &[u8]) {
    let raw = texture.raw();
    let size = raw.format().block_copy_size(None).unwrap();
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(size * raw.width()),
        rows_per_image: Some(raw.height()),
    };
    context.queue().write_texture(raw.as_image_copy(), bytes, layout, raw.size());
}

/// What lies in a texture, row by row.
pub fn read(context: &Context, texture: &Texture) -> Vec<u8> {
    context.flush().unwrap();
    let raw = texture.raw();
    let row = raw.format().block_copy_size(None).unwrap() * raw.width();
    let pitch = row.next_multiple_of(256);
    let size = u64::from(pitch * raw.height() * raw.depth_or_array_layers());
    let buffer = context.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(pitch),
        rows_per_image: Some(raw.height()),
    };
    let mut encoder = context.device().create_command_encoder(&Default::default());
    let to = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    encoder.copy_texture_to_buffer(raw.as_image_copy(), to, raw.size());
    context.queue().submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |outcome| outcome.unwrap());
    context.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let mapped = buffer.slice(..).get_mapped_range().unwrap();
    mapped.chunks_exact(pitch as usize).flat_map(|line| line[..row as usize].to_vec()).collect()
}

/// sRGB's light of a byte.
pub fn decode(byte: u8) -> f32 {
    let stored = f32::from(byte) / 255.0;
    if stored <= 0.04045 { stored / 12.92 } else { ((stored + 0.055) / 1.055).powf(2.4) }
}

/// Random bytes of a format, and the texels that a shader loads from them.
pub fn image(format: TextureFormat, count: usize, seed: u64) -> (Vec<u8>, Vec<[f32; 4]>) {
    use TextureFormat as F;
    let components = format.components() as usize;
    let numbers = random(seed, count * components, -1.0, 1.0);
    let (bytes, values): (Vec<u8>, Vec<f32>) = match format {
        F::R32Float | F::Rg32Float | F::Rgba32Float => (bytemuck::cast_slice(&numbers).to_vec(), numbers),
        F::R16Float | F::Rgba16Float => {
            let halves: Vec<f16> = numbers.iter().map(|&x| f16::from_f32(x)).collect();
            (bytemuck::cast_slice(&halves).to_vec(), halves.iter().map(|half| half.to_f32()).collect())
        }
        _ => {
            let bytes: Vec<u8> = numbers.iter().map(|x| ((x + 1.0) * 128.0) as u8).collect();
            let value = |(at, &byte): (usize, &u8)| match format.is_srgb() && at % 4 < 3 {
                true => decode(byte),
                false => f32::from(byte) / 255.0,
            };
            let values = bytes.iter().enumerate().map(value).collect();
            (bytes, values)
        }
    };
    let texel = |values: &[f32]| {
        let mut texel = [0.0, 0.0, 0.0, 1.0];
        texel[..components].copy_from_slice(values);
        if matches!(format, F::Bgra8Unorm | F::Bgra8UnormSrgb) {
            texel.swap(0, 2);
        }
        texel
    };
    (bytes, values.chunks_exact(components).map(texel).collect())
}

pub const NORMALISED: TextureInput = TextureInput {
    scale: 2.0,
    mean: [0.5, 0.4, 0.3, 0.2],
    std: [0.2, 0.3, 0.4, 0.5],
    order: ChannelOrder::Rgb,
    transfer: Transfer::Stored,
    resize: false,
};
