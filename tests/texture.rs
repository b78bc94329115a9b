//! Textures as tensors and back, eagerly.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/textures.rs"]
mod textures;

use common::{Cases, close, contexts, random};
use half::f16;
use textures::{NORMALISED, READ, WRITE, decode, fill, image, read, texture};
use tilewright::{
    DType, Layout, Tensor,
    ops::{ChannelOrder, TextureInput, TextureOutput, Transfer},
};
use tilewright_reference::texture as reference;
use wgpu::{TextureFormat, TextureUsages};

#[test]
fn every_format_is_read() {
    use TextureFormat as F;
    let mut cases = Cases::new();
    for context in contexts() {
        for format in [
            F::Rgba8Unorm,
            F::Bgra8Unorm,
            F::Rgba8UnormSrgb,
            F::Bgra8UnormSrgb,
            F::R8Unorm,
            F::Rg8Unorm,
            F::R16Float,
            F::Rgba16Float,
            F::R32Float,
            F::Rg32Float,
            F::Rgba32Float,
        ] {
            // Around a workgroup of 64 pixels.
            for extent in [[1, 1, 1], [1, 7, 9], [1, 1, 64], [1, 5, 13], [3, 8, 11], [2, 31, 33]] {
                let texture = texture(&context, format, extent, READ);
                let (bytes, texels) = image(format, extent.iter().product(), 3);
                fill(&context, &texture, &bytes);
                for channels in 1..=format.components() as usize {
                    for order in [ChannelOrder::Rgb, ChannelOrder::Bgr] {
                        if order == ChannelOrder::Bgr && channels < 3 {
                            continue;
                        }
                        let op = TextureInput { order, ..NORMALISED };
                        let shape = [extent[0], channels, extent[1], extent[2]];
                        let y = Tensor::from_texture(&context, &texture, shape, &op).unwrap();
                        assert_eq!((y.layout(), y.shape()), (Layout::ChannelsLast, &shape[..]));
                        let expected = reference::texture_to_tensor(
                            &op,
                            &texels,
                            [extent[1], extent[2]],
                            format.is_srgb(),
                            shape,
                        );
                        let name = format!("{format:?} {shape:?} {order:?} {:?}", context.mode());
                        cases.check(name, close(&y.to_vec::<f32>().unwrap(), &expected, 1e-5, 3e-6));
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn srgb_is_read_as_stored_or_as_light() {
    for context in contexts() {
        let bytes: Vec<u8> = (0..=255).flat_map(|b| [b, b, b, b]).collect();
        let texture = texture(&context, TextureFormat::Rgba8UnormSrgb, [1, 16, 16], READ);
        fill(&context, &texture, &bytes);
        let read = |transfer| {
            let op = TextureInput { transfer, ..TextureInput::default() };
            Tensor::from_texture(&context, &texture, [1, 4, 16, 16], &op).unwrap().to_vec::<f32>().unwrap()
        };
        let stored: Vec<f32> = bytes.iter().step_by(4).map(|&byte| f32::from(byte) / 255.0).collect();
        // Bytes come back as bytes, however roughly the driver decodes them.
        close(&read(Transfer::Stored), &stored.repeat(4), 0.0, 1e-7).unwrap();
        let light: Vec<f32> = bytes.iter().step_by(4).map(|&byte| decode(byte)).collect();
        let expected = [light.repeat(3), stored].concat();
        // Vulkan asks of a driver that it decodes to within half a byte.
        close(&read(Transfer::Linear), &expected, 0.0, 0.5 / 255.0).unwrap();
    }
}

#[test]
fn another_extent_is_resized() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (from, to) in [
            ([1, 1], [5, 3]),
            ([4, 5], [8, 15]),
            ([9, 7], [4, 3]),
            ([33, 20], [11, 24]),
            ([6, 6], [6, 6]),
            ([3, 50], [50, 3]),
        ] {
            let extent = [2, from[0], from[1]];
            let texture = texture(&context, TextureFormat::Rgba8Unorm, extent, READ);
            let (bytes, texels) = image(TextureFormat::Rgba8Unorm, extent.iter().product(), 5);
            fill(&context, &texture, &bytes);
            let op = TextureInput { resize: true, ..TextureInput::imagenet() };
            let shape = [2, 3, to[0], to[1]];
            let y = Tensor::from_texture(&context, &texture, shape, &op).unwrap().to_vec::<f32>().unwrap();
            let expected = reference::texture_to_tensor(&op, &texels, from, false, shape);
            cases.check(format!("{from:?} to {to:?}"), close(&y, &expected, 2e-5, 1e-5));
        }
    }
    cases.finish();
}

#[test]
fn halves_and_both_layouts_are_filled_and_written() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (dtype, layout) in [
            (DType::F32, Layout::RowMajor),
            (DType::F16, Layout::RowMajor),
            (DType::F16, Layout::ChannelsLast),
        ] {
            if dtype == DType::F16 && !context.features().contains(wgpu::Features::SHADER_F16) {
                // Then such a kernel is an error of the pipeline, and no number is wrong.
                let y = Tensor::empty(&context, &[1, 3, 2, 2], dtype, layout).unwrap();
                let texture = texture(&context, TextureFormat::Rgba8Unorm, [1, 2, 2], READ);
                let outcome = y.fill_from_texture(&texture, &TextureInput::default());
                cases.check("f16 without the feature", outcome.err().ok_or("no error").map(drop));
                continue;
            }
            let (shape, extent) = ([2, 3, 5, 7], [2, 5, 7]);
            let texture_in = texture(&context, TextureFormat::Rgba8Unorm, extent, READ);
            let (bytes, texels) = image(TextureFormat::Rgba8Unorm, 70, 9);
            fill(&context, &texture_in, &bytes);
            let x = Tensor::empty(&context, &shape, dtype, layout).unwrap();
            x.fill_from_texture(&texture_in, &NORMALISED).unwrap();
            let found = x.cast(DType::F32).unwrap().to_vec::<f32>().unwrap();
            let expected = reference::texture_to_tensor(&NORMALISED, &texels, [5, 7], false, shape);
            let name = format!("{dtype:?} {layout:?} {:?}", context.mode());
            let relative = if dtype == DType::F16 { 1e-3 } else { 1e-5 };
            cases.check(&name, close(&found, &expected, relative, 3e-6));

            let texture_out = texture(&context, TextureFormat::Rgba32Float, extent, WRITE);
            let op =
                TextureOutput { scale: 0.5, mean: [0.1; 4], std: [0.3, 0.2, 0.1, 1.0], ..Default::default() };
            x.to_texture(&texture_out, &op).unwrap();
            let written: Vec<f32> = bytemuck::pod_collect_to_vec(&read(&context, &texture_out));
            let expected = reference::tensor_to_texture(&op, &found, shape).concat();
            cases.check(format!("{name}, written"), close(&written, &expected, 1e-5, 1e-6));
        }
    }
    cases.finish();
}

#[test]
fn every_format_is_written() {
    use TextureFormat as F;
    let mut cases = Cases::new();
    for context in contexts() {
        for format in [F::Rgba8Unorm, F::Rgba16Float, F::Rgba32Float, F::R32Float, F::Bgra8Unorm] {
            if format == F::Bgra8Unorm && !context.features().contains(wgpu::Features::BGRA8UNORM_STORAGE) {
                let output = texture(&context, format, [1, 2, 2], TextureUsages::COPY_DST);
                let x = Tensor::zeros(&context, &[1, 4, 2, 2]).unwrap();
                let error = x.to_texture(&output, &TextureOutput::default()).unwrap_err().to_string();
                let said = error.contains("BGRA8UNORM_STORAGE").then_some(()).ok_or(error);
                cases.check("Bgra8Unorm without the feature", said);
                continue;
            }
            for extent in [[1, 1, 1], [1, 7, 9], [1, 1, 65], [3, 8, 11]] {
                for channels in 1..=format.components() as usize {
                    for order in [ChannelOrder::Rgb, ChannelOrder::Bgr] {
                        let op = TextureOutput {
                            scale: 1.25,
                            mean: [0.4, 0.5, 0.6, 0.7],
                            std: [0.5, 0.6, 0.7, 0.8],
                            order,
                        };
                        if order == ChannelOrder::Bgr && channels < 3 {
                            continue;
                        }
                        let texture = texture(&context, format, extent, WRITE);
                        let shape = [extent[0], channels, extent[1], extent[2]];
                        let values = random(8, shape.iter().product(), -1.5, 1.5);
                        let x = Tensor::from_slice(&context, &values, &shape).unwrap();
                        x.to_texture(&texture, &op).unwrap();
                        let components = format.components() as usize;
                        let bytes = read(&context, &texture);
                        let found: Vec<f32> = match format {
                            F::Rgba16Float => bytemuck::pod_collect_to_vec::<u8, f16>(&bytes)
                                .iter()
                                .map(|h| h.to_f32())
                                .collect(),
                            F::Rgba8Unorm | F::Bgra8Unorm => {
                                bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect()
                            }
                            _ => bytemuck::pod_collect_to_vec(&bytes),
                        };
                        let expected: Vec<f32> = reference::tensor_to_texture(&op, &values, shape)
                            .into_iter()
                            .flat_map(|mut texel| {
                                if format == F::Bgra8Unorm {
                                    texel.swap(0, 2);
                                }
                                texel[..components].to_vec()
                            })
                            .map(|value| {
                                if components == 4 && bytes.len() == found.len() {
                                    value.clamp(0.0, 1.0)
                                } else {
                                    value
                                }
                            })
                            .collect();
                        let (relative, absolute) = match format {
                            F::Rgba16Float => (1e-3, 1e-6),
                            // Half a step, and what a driver may round the other way.
                            F::Rgba8Unorm | F::Bgra8Unorm => (0.0, 0.6 / 255.0),
                            _ => (1e-5, 1e-6),
                        };
                        let name = format!("{format:?} {shape:?} {order:?} {:?}", context.mode());
                        cases.check(name, close(&found, &expected, relative, absolute));
                    }
                }
            }
        }
    }
    cases.finish();
}
