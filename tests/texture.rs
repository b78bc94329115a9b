//! Textures as tensors and back, eagerly and at the ends of a compiled plan.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, random};
use half::f16;
use tilewright::{
    Context, ContextOptions, DType, Layout, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Error, Options, capture},
    ops::{ChannelOrder, Conv2d, TextureInput, TextureOutput, Transfer},
    runtime::Texture,
    zoo,
};
use tilewright_reference::texture as reference;
use wgpu::{TextureFormat, TextureUsages};

const READ: TextureUsages = TextureUsages::TEXTURE_BINDING.union(TextureUsages::COPY_DST);
const WRITE: TextureUsages = TextureUsages::STORAGE_BINDING.union(TextureUsages::COPY_SRC);

fn texture(context: &Context, format: TextureFormat, extent: [usize; 3], usage: TextureUsages) -> Texture {
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

fn fill(context: &Context, texture: &Texture, bytes: &[u8]) {
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
fn read(context: &Context, texture: &Texture) -> Vec<u8> {
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
fn decode(byte: u8) -> f32 {
    let stored = f32::from(byte) / 255.0;
    if stored <= 0.04045 { stored / 12.92 } else { ((stored + 0.055) / 1.055).powf(2.4) }
}

/// Random bytes of a format, and the texels that a shader loads from them.
fn image(format: TextureFormat, count: usize, seed: u64) -> (Vec<u8>, Vec<[f32; 4]>) {
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

const NORMALISED: TextureInput = TextureInput {
    scale: 2.0,
    mean: [0.5, 0.4, 0.3, 0.2],
    std: [0.2, 0.3, 0.4, 0.5],
    order: ChannelOrder::Rgb,
    transfer: Transfer::Stored,
    resize: false,
};

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

/// A network of two convolutions that gives an image of its input's extent.
fn compiled(context: &Context, shape: &[usize; 4], channels: usize) -> Compiled {
    let weights = |shape: &[usize]| {
        let values = random(4, shape.iter().product(), -0.4, 0.4);
        Tensor::from_slice(context, &values, shape).unwrap()
    };
    let (first, second) = (weights(&[8, shape[1], 3, 3]), weights(&[channels, 8, 3, 3]));
    let graph = capture(context, &[("image", &shape[..], DType::F32)], |inputs| {
        let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let y = inputs[0].conv2d(&first, None, &op)?.relu()?.conv2d(&second, None, &op)?;
        Ok::<_, tilewright::tensor::Error>(vec![("picture".to_owned(), y)])
    })
    .unwrap();
    Compiled::new(&graph, &Options::default()).unwrap()
}

#[test]
fn a_plan_reads_and_writes_textures() {
    for context in contexts() {
        for images in [1, 2] {
            let (shape, extent) = ([images, 3, 13, 17], [images, 13, 17]);
            let mut plan = compiled(&context, &shape, 3);
            let op = TextureInput::imagenet();
            let (bytes, texels) = image(TextureFormat::Rgba8Unorm, extent.iter().product(), 1);
            let numbers = reference::texture_to_tensor(&op, &texels, [13, 17], false, shape);
            plan.write(0, &numbers).unwrap();
            plan.execute().unwrap();
            let expected = plan.read::<f32>(0).unwrap();

            let input = texture(&context, TextureFormat::Rgba8Unorm, extent, READ);
            let output = texture(&context, TextureFormat::Rgba32Float, extent, WRITE);
            fill(&context, &input, &bytes);
            plan.bind_input_texture(0, &input, &op).unwrap();
            plan.bind_output_texture(0, &output, &TextureOutput::default()).unwrap();
            plan.execute().unwrap();
            let found = plan.read::<f32>(0).unwrap();
            close(&found, &expected, 1e-5, 1e-5).unwrap();
            let written: Vec<f32> = bytemuck::pod_collect_to_vec(&read(&context, &output));
            let expected = reference::tensor_to_texture(&TextureOutput::default(), &found, shape).concat();
            close(&written, &expected, 1e-6, 1e-6).unwrap();
        }
    }
}

#[test]
fn a_network_of_the_zoo_answers_as_to_the_numbers() {
    for context in contexts() {
        let extent = [2, 32, 32];
        let camera = texture(&context, TextureFormat::Bgra8UnormSrgb, extent, READ);
        let (bytes, texels) = image(TextureFormat::Bgra8UnormSrgb, extent.iter().product(), 21);
        fill(&context, &camera, &bytes);
        let op = TextureInput::imagenet();
        let numbers = reference::texture_to_tensor(&op, &texels, [32, 32], true, [2, 3, 32, 32]);
        for name in ["small_cnn", "resnet20"] {
            let options =
                zoo::Options { image: [3, 32, 32], classes: 10, shortcut: zoo::Shortcut::Projection };
            let network = zoo::build(name, &ParameterStore::new(&context, 3), options).unwrap();
            let graph = capture(&context, &[("input", &[2, 3, 32, 32][..], DType::F32)], |inputs| {
                let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::eval())?;
                Ok::<_, tilewright::nn::Error>(vec![("output".into(), y.tensor().clone())])
            })
            .unwrap();
            let mut plan = Compiled::new(&graph, &Options::default()).unwrap();
            plan.write(0, &numbers).unwrap();
            plan.execute().unwrap();
            let expected = plan.read::<f32>(0).unwrap();
            assert!(expected.iter().any(|logit| logit.abs() > 1e-3), "{name}: {expected:?}");
            plan.bind_input_texture(0, &camera, &op).unwrap();
            plan.execute().unwrap();
            close(&plan.read::<f32>(0).unwrap(), &expected, 1e-5, 1e-5).unwrap();
        }
    }
}

#[test]
fn ports_of_halves_are_bound() {
    for context in contexts() {
        if !context.features().contains(wgpu::Features::SHADER_F16) {
            // The sweep above holds such a device to an error.
            return;
        }
        let shape = [1, 3, 9, 7];
        let graph = capture(&context, &[("image", &shape[..], DType::F16)], |inputs| {
            let y = inputs[0].cast(DType::F32)?.scale(0.5)?.cast(DType::F16)?;
            Ok::<_, tilewright::tensor::Error>(vec![("half".to_owned(), y)])
        })
        .unwrap();
        let mut plan = Compiled::new(&graph, &Options::default()).unwrap();
        let input = texture(&context, TextureFormat::Rgba8Unorm, [1, 9, 7], READ);
        let output = texture(&context, TextureFormat::Rgba16Float, [1, 9, 7], WRITE);
        let (bytes, texels) = image(TextureFormat::Rgba8Unorm, 63, 2);
        fill(&context, &input, &bytes);
        plan.bind_input_texture(0, &input, &TextureInput::default()).unwrap();
        plan.bind_output_texture(0, &output, &TextureOutput::default()).unwrap();
        plan.execute().unwrap();
        let halves: Vec<f16> = bytemuck::pod_collect_to_vec(&read(&context, &output));
        let found: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
        let expected: Vec<f32> =
            texels.iter().flat_map(|&[r, g, b, _]| [r / 2.0, g / 2.0, b / 2.0, 1.0]).collect();
        close(&found, &expected, 1e-3, 1e-6).unwrap();
    }
}

#[test]
fn a_run_with_textures_makes_nothing() {
    let context = context();
    let mut plan = compiled(&context, &[1, 3, 16, 16], 3);
    let input = texture(&context, TextureFormat::Rgba8Unorm, [1, 16, 16], READ);
    let output = texture(&context, TextureFormat::Rgba8Unorm, [1, 16, 16], WRITE);
    plan.bind_input_texture(0, &input, &TextureInput::default()).unwrap();
    let op = TextureOutput { mean: [0.5; 4], ..TextureOutput::default() };
    plan.bind_output_texture(0, &output, &op).unwrap();
    let run = |seed| {
        let (bytes, _) = image(TextureFormat::Rgba8Unorm, 256, seed);
        fill(&context, &input, &bytes);
        plan.execute().unwrap();
        read(&context, &output)
    };
    let made = || (context.memory().allocations, context.bind_groups_made(), context.pipeline_report().0);
    let first = run(1);
    let (before, submissions) = (made(), context.submissions());
    let second = run(2);
    assert_eq!(run(1), first);
    assert_ne!(first, second, "the texture is read anew at every run");
    assert_eq!(made(), before);
    assert_eq!(context.submissions() - submissions, 2, "one submission for each run");
    let launches: Vec<_> = plan.plan().launches().collect();
    assert_eq!(launches.first(), Some(&("image", "texture_to_tensor")));
    assert_eq!(launches.last(), Some(&("picture", "tensor_to_texture")));
    // A profile has one time for each of them.
    if context.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
        context.start_profile().unwrap();
        plan.execute().unwrap();
        assert_eq!(context.finish_profile().unwrap().dispatches.len(), launches.len());
    }
}

#[test]
fn ports_are_bound_again_and_released() {
    for context in contexts() {
        let (shape, extent) = ([1, 3, 6, 5], [1, 6, 5]);
        let mut plan = compiled(&context, &shape, 1);
        let numbers = random(11, 90, 0.0, 1.0);
        let own = Tensor::from_slice(&context, &numbers, &shape).unwrap();
        let result = |plan: &Compiled| {
            plan.execute().unwrap();
            plan.read::<f32>(0).unwrap()
        };
        plan.bind_input(0, own.buffer().clone()).unwrap();
        let by_buffer = result(&plan);
        let input = texture(&context, TextureFormat::Rgba32Float, extent, READ);
        let output = texture(&context, TextureFormat::R32Float, extent, WRITE);
        let (bytes, texels) = image(TextureFormat::Rgba32Float, 30, 12);
        fill(&context, &input, &bytes);
        plan.bind_input_texture(0, &input, &TextureInput::default()).unwrap();
        plan.bind_output_texture(0, &output, &TextureOutput::default()).unwrap();
        let by_texture = result(&plan);
        assert_ne!(by_texture, by_buffer);
        let in_output = || bytemuck::pod_collect_to_vec::<u8, f32>(&read(&context, &output));
        assert_eq!(in_output(), by_texture);
        assert_eq!(own.to_vec::<f32>().unwrap(), numbers, "a buffer that was bound is not overwritten");
        // An input that a texture fills cannot be written as well.
        let refused = plan.write(0, &numbers).unwrap_err();
        assert!(matches!(refused, Error::FromTexture { .. }), "{refused}");
        assert!(plan.run(&[&own]).is_err());
        // The output's buffer may change, and the texture follows.
        let other = Tensor::zeros(&context, &[1, 1, 6, 5]).unwrap();
        plan.bind_output(0, other.buffer().clone()).unwrap();
        plan.bind_input(0, own.buffer().clone()).unwrap();
        assert_eq!(result(&plan), by_buffer);
        assert_eq!(in_output(), by_buffer);
        assert_eq!(other.to_vec::<f32>().unwrap(), by_buffer);
        plan.release_output_texture(0);
        plan.bind_input_texture(0, &input, &TextureInput::default()).unwrap();
        assert_eq!(result(&plan), by_texture);
        assert_eq!(in_output(), by_buffer);
        plan.release_input_texture(0);
        let numbers = reference::texture_to_tensor(&TextureInput::default(), &texels, [6, 5], false, shape);
        plan.write(0, &numbers).unwrap();
        assert_eq!(result(&plan), by_texture);
    }
}

#[test]
fn outputs_that_no_launch_writes_go_to_textures() {
    for context in contexts() {
        let known = random(3, 20, 0.0, 1.0);
        let constant = Tensor::from_slice(&context, &known, &[1, 1, 4, 5]).unwrap();
        let graph = capture(&context, &[("x", &[1, 1, 4, 5][..], DType::F32)], |inputs| {
            let outputs = [("same", inputs[0].clone()), ("constant", constant.clone())];
            let named = outputs.map(|(name, tensor)| (name.to_owned(), tensor));
            Ok::<_, tilewright::tensor::Error>(named.to_vec())
        })
        .unwrap();
        let mut plan = Compiled::new(&graph, &Options::default()).unwrap();
        let textures = [0, 1].map(|output| {
            let texture = texture(&context, TextureFormat::R32Float, [1, 4, 5], WRITE);
            plan.bind_output_texture(output, &texture, &TextureOutput::default()).unwrap();
            texture
        });
        let numbers = random(6, 20, 0.0, 1.0);
        let x = Tensor::from_slice(&context, &numbers, &[1, 1, 4, 5]).unwrap();
        let found = |texture| bytemuck::pod_collect_to_vec::<u8, f32>(&read(&context, texture));
        plan.write(0, &known).unwrap();
        plan.execute().unwrap();
        assert_eq!((found(&textures[0]), found(&textures[1])), (known.clone(), known.clone()));
        plan.bind_input(0, x.buffer().clone()).unwrap();
        plan.execute().unwrap();
        assert_eq!((found(&textures[0]), found(&textures[1])), (numbers, known));
        // Still no output that a buffer could be bound to.
        let other = Tensor::zeros(&context, &[1, 1, 4, 5]).unwrap();
        assert!(plan.bind_output(1, other.buffer().clone()).is_err());
    }
}

/// Contexts on two devices of one adapter, as an application may have.
fn two_devices() -> [Context; 2] {
    let name = context().adapter_info().name.clone();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters.into_iter().find(|adapter| adapter.get_info().name == name).unwrap();
    [0, 1].map(|_| {
        let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
        Context::from_device(device, queue, &ContextOptions::default())
    })
}

#[test]
fn what_does_not_fit_is_said() {
    use TextureFormat as F;
    let [context, other] = two_devices();
    let mut plan = compiled(&context, &[1, 3, 6, 5], 3);
    let mut cases = Cases::new();
    let mut refused = |name: &str, outcome: Result<(), Error>, word: &str| {
        let outcome = match outcome {
            Ok(()) => Err("it was accepted".to_owned()),
            Err(error) if error.to_string().contains(word) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        cases.check(name, outcome);
    };
    let read = TextureInput::default();
    let mut input = |texture: &Texture, op: &TextureInput| plan.bind_input_texture(0, texture, op);
    let of = |format, extent, usage| texture(&context, format, extent, usage);
    let extent = [1, 6, 5];
    refused("usage", input(&of(F::Rgba8Unorm, extent, WRITE), &read), "TEXTURE_BINDING");
    refused("integers", input(&of(F::Rgba8Uint, extent, READ), &read), "Rgba8Unorm");
    let depth = of(F::Depth32Float, extent, TextureUsages::TEXTURE_BINDING);
    let depth = Tensor::from_texture(&context, &depth, [1, 1, 6, 5], &read).map(drop);
    refused("depth", depth.map_err(Error::from), "does not load as floats");
    refused("components", input(&of(F::R8Unorm, extent, READ), &read), "components");
    refused("extent", input(&of(F::Rgba8Unorm, [1, 5, 6], READ), &read), "resize");
    refused("layers", input(&of(F::Rgba8Unorm, [2, 6, 5], READ), &read), "[2, 6, 5]");
    let zero = TextureInput { std: [0.0; 4], ..read };
    refused("std", input(&of(F::Rgba8Unorm, extent, READ), &zero), "std");
    refused("device", input(&texture(&other, F::Rgba8Unorm, extent, READ), &read), "device");
    let none = plan.bind_input_texture(1, &of(F::Rgba8Unorm, extent, READ), &read);
    refused("port", none, "there is no input 1");

    let write = TextureOutput::default();
    let mut output = |texture: &Texture| plan.bind_output_texture(0, texture, &write);
    refused("usage", output(&of(F::Rgba8Unorm, extent, READ)), "STORAGE_BINDING");
    refused("srgb", output(&of(F::Rgba8UnormSrgb, extent, READ)), "view_formats");
    refused("format", output(&of(F::Rg8Unorm, extent, READ)), "2 components");
    refused("format", output(&of(F::Rgba8Snorm, extent, READ)), "use Rgba8Unorm");
    refused("extent", output(&of(F::Rgba8Unorm, [1, 5, 6], WRITE)), "[1, 5, 6]");
    refused("device", output(&texture(&other, F::Rgba8Unorm, extent, WRITE)), "device");
    cases.finish();

    let wrapped = |dimension, sample_count, usage| {
        context.wrap_texture(context.device().create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d { width: 4, height: 4, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count,
            dimension,
            format: F::Rgba8Unorm,
            usage,
            view_formats: &[],
        }))
    };
    assert!(wrapped(wgpu::TextureDimension::D3, 1, READ).is_err());
    let several = TextureUsages::RENDER_ATTACHMENT | TextureUsages::TEXTURE_BINDING;
    assert!(wrapped(wgpu::TextureDimension::D2, 4, several).is_err());
    // After all of it the plan runs as before, and the device has reported nothing.
    plan.write(0, &random(1, 90, 0.0, 1.0)).unwrap();
    plan.execute().unwrap();
    context.synchronize().unwrap();
}
