//! Textures at the ends of a compiled plan.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/textures.rs"]
mod textures;

use common::{Cases, close, context, contexts, random};
use half::f16;
use textures::{READ, WRITE, fill, image, read, texture};
use tilewright::{
    Context, ContextOptions, DType, ParameterStore, Pass, Tensor, Var,
    graph::{Compiled, Error, Options, Session, capture},
    ops::{Conv2d, TextureInput, TextureOutput},
    runtime::Texture,
    zoo,
};
use tilewright_reference::texture as reference;
use wgpu::{TextureFormat, TextureUsages};

/// A network of two convolutions that gives an image of its input's extent.
fn compiled(context: &Context, shape: &[usize; 4], channels: usize) -> Session {
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
    Compiled::new(&graph, &Options::default()).unwrap().session().unwrap()
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
            let options = zoo::Options::new([3, 32, 32], 10);
            let network = zoo::build(name, &ParameterStore::new(&context, 3), options).unwrap();
            let graph = capture(&context, &[("input", &[2, 3, 32, 32][..], DType::F32)], |inputs| {
                let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::eval())?;
                Ok::<_, tilewright::nn::Error>(vec![("output".into(), y.tensor().clone())])
            })
            .unwrap();
            let mut plan = Compiled::new(&graph, &Options::default()).unwrap().session().unwrap();
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
        let mut plan = Compiled::new(&graph, &Options::default()).unwrap().session().unwrap();
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
    let context = common::own_context();
    let mut plan = compiled(&context, &[1, 3, 16, 16], 3);
    let input = texture(&context, TextureFormat::Rgba8Unorm, [1, 16, 16], READ);
    let output = texture(&context, TextureFormat::Rgba8Unorm, [1, 16, 16], WRITE);
    plan.bind_input_texture(0, &input, &TextureInput::default()).unwrap();
    let op = TextureOutput { mean: [0.5; 4], ..TextureOutput::default() };
    plan.bind_output_texture(0, &output, &op).unwrap();
    let mut run = |seed| {
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
    let launches: Vec<_> = plan.replay().launches().collect();
    assert_eq!(launches.first(), Some(&("image", "texture_to_tensor")));
    assert_eq!(launches.last(), Some(&("picture", "tensor_to_texture")));
    let count = launches.len();
    // A profile has one time for each of them.
    if context.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
        context.start_profile().unwrap();
        plan.execute().unwrap();
        assert_eq!(context.finish_profile().unwrap().dispatches.len(), count);
    }
}

#[test]
fn ports_are_bound_again_and_released() {
    for context in contexts() {
        let (shape, extent) = ([1, 3, 6, 5], [1, 6, 5]);
        let mut plan = compiled(&context, &shape, 1);
        let numbers = random(11, 90, 0.0, 1.0);
        let own = Tensor::from_slice(&context, &numbers, &shape).unwrap();
        let result = |plan: &mut Session| {
            plan.execute().unwrap();
            plan.read::<f32>(0).unwrap()
        };
        plan.bind_input(0, own.buffer().clone()).unwrap();
        let by_buffer = result(&mut plan);
        let input = texture(&context, TextureFormat::Rgba32Float, extent, READ);
        let output = texture(&context, TextureFormat::R32Float, extent, WRITE);
        let (bytes, texels) = image(TextureFormat::Rgba32Float, 30, 12);
        fill(&context, &input, &bytes);
        plan.bind_input_texture(0, &input, &TextureInput::default()).unwrap();
        plan.bind_output_texture(0, &output, &TextureOutput::default()).unwrap();
        let by_texture = result(&mut plan);
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
        assert_eq!(result(&mut plan), by_buffer);
        assert_eq!(in_output(), by_buffer);
        assert_eq!(other.to_vec::<f32>().unwrap(), by_buffer);
        plan.release_output_texture(0);
        plan.bind_input_texture(0, &input, &TextureInput::default()).unwrap();
        assert_eq!(result(&mut plan), by_texture);
        assert_eq!(in_output(), by_buffer);
        plan.release_input_texture(0);
        let numbers = reference::texture_to_tensor(&TextureInput::default(), &texels, [6, 5], false, shape);
        plan.write(0, &numbers).unwrap();
        assert_eq!(result(&mut plan), by_texture);
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
        let mut plan = Compiled::new(&graph, &Options::default()).unwrap().session().unwrap();
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
    refused("port", none, "input 1 does not exist");

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
