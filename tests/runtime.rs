//! The runtime's promises: modes, errors, memory, profiling, two contexts side by side.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "runtime/ahead.rs"]
mod ahead;
mod common;
#[path = "runtime/limits.rs"]
mod limits;

use std::str::FromStr;

use common::{own_context as context, own_contexts as contexts};
use tilewright::{
    Context, ContextOptions, Mode, Tensor,
    runtime::{AdapterChoice, Dispatch, Error, adapters},
};

/// A kernel that writes one element too many.
const STRAY: &str = "
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) { y[group.x] = 7u; }
";

#[test]
fn checked_mode_finds_a_stray_write() {
    let options = ContextOptions::from_env().unwrap().with_mode(Mode::Checked);
    let context = Context::with_options(&options).unwrap();
    let pipeline = context.pipeline_from_wgsl("stray", STRAY).unwrap();
    let buffer = context.alloc(16).unwrap();
    let launch = |groups| {
        context
            .dispatch_pipeline(&pipeline, &Dispatch { op: "stray", params: &[], buffers: &[&buffer], groups })
    };
    launch(4).unwrap();
    assert!(context.read(&buffer).is_ok(), "four words fit");
    // 256 bytes of class are data; the sentinel lies behind.
    launch(120).unwrap();
    assert!(matches!(context.read(&buffer), Err(Error::StrayWrite { bytes: 16 })));
}

#[test]
fn checked_mode_poisons_new_buffers() {
    let options = ContextOptions::from_env().unwrap().with_mode(Mode::Checked);
    let context = Context::with_options(&options).unwrap();
    let buffer = context.alloc(64).unwrap();
    let values: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read(&buffer).unwrap());
    assert!(values.iter().all(|value| value.is_nan()));
}

#[test]
fn rejected_shaders_show_the_line() {
    let context = context();
    let error = context
        .pipeline_from_wgsl("mine", "@compute @workgroup_size(1) fn main() { let x = y; }")
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("mine") && text.contains("let x = y") && text.contains("^"), "{text}");
}

#[test]
fn wrong_launches_are_errors() {
    let context = context();
    let pipeline = context.pipeline_from_wgsl("stray", STRAY).unwrap();
    let launch = |params: &[u8], count: usize| {
        let buffer = context.alloc(16).unwrap();
        let buffers = vec![&buffer; count];
        context.dispatch_pipeline(&pipeline, &Dispatch { op: "mine", params, buffers: &buffers, groups: 1 })
    };
    assert!(matches!(launch(&[], 0), Err(Error::Launch { .. })));
    assert!(matches!(launch(&[], 2), Err(Error::Launch { .. })));
    assert!(launch(&[], 1).is_ok());
}

#[test]
fn a_lost_device_is_a_typed_error() {
    let context = Context::with_options(&ContextOptions::default()).unwrap();
    let x = Tensor::ones(&context, &[4]).unwrap();
    context.device().destroy();
    let error = x.relu().and_then(|y| y.to_vec::<f32>()).unwrap_err().to_string();
    assert!(error.contains("lost") && error.contains("checkpoint"), "{error}");
    assert!(matches!(context.alloc(16), Err(Error::DeviceLost { .. })));
}

#[test]
fn no_adapter_says_how_to_get_one() {
    for choice in ["no such adapter", "4711"] {
        let adapter = AdapterChoice::from_str(choice).unwrap();
        let error = Context::with_options(&ContextOptions { adapter, ..Default::default() }).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(choice) && text.contains("mesa-vulkan-drivers"), "{text}");
    }
}

#[test]
fn adapters_are_chosen_by_index_name_and_preference() {
    let all = adapters();
    assert!(!all.is_empty(), "there is no adapter: make setup");
    for choice in ["0", &all[0].name.to_lowercase(), "high-performance", "low-power"] {
        let adapter = AdapterChoice::from_str(choice).unwrap();
        assert!(Context::with_options(&ContextOptions { adapter, ..Default::default() }).is_ok(), "{choice}");
    }
}

#[test]
fn what_was_held_at_the_peak_is_known() {
    let context = Context::with_options(&ContextOptions::from_env().unwrap()).unwrap();
    let early = Tensor::ones(&context, &[300, 10]).unwrap();
    assert!(context.memory_peak().is_none());
    context.watch_memory();
    context.name_memory("first");
    let kept = early.relu().unwrap();
    let passing = Tensor::ones(&context, &[500, 10]).unwrap();
    context.name_memory("second");
    let last = passing.scale(2.0).unwrap();
    drop(passing);
    let _less = early.relu().unwrap();
    let peak = context.memory_peak().unwrap();
    assert_eq!((&*peak.part, &*peak.operation), ("second", "mul_scalar"));
    let found: Vec<_> =
        peak.held.iter().map(|held| (&*held.part, held.shape.clone(), held.buffers)).collect();
    let of = |part, shape: &[usize]| (part, Some(shape.to_vec()), 1);
    assert_eq!(found.len(), 3, "{found:?}");
    for expected in [of("first", &[300, 10]), of("first", &[500, 10]), of("second", &[500, 10])] {
        assert!(found.contains(&expected), "{found:?}");
    }
    let bytes: u64 = peak.held.iter().map(|held| held.bytes).sum();
    assert_eq!(bytes + peak.earlier, context.memory().live_high_water);
    drop((kept, last));
    context.reset_memory_peaks();
    assert_eq!(context.memory_peak().unwrap().held.len(), 1);
}

#[test]
fn the_pool_reuses_and_reports() {
    let options = ContextOptions::from_env().unwrap();
    let context = Context::with_options(&options).unwrap();
    let x = Tensor::ones(&context, &[1000]).unwrap();
    x.relu().unwrap();
    let before = context.memory();
    for _ in 0..50 {
        x.relu().unwrap();
    }
    let after = context.memory();
    assert_eq!(before.allocations, after.allocations, "dropped buffers are handed out again");
    assert_eq!(before.high_water, after.high_water);
    assert!(after.live >= 4000 && after.live_buffers == 1);
    drop(x);
    assert_eq!(context.memory().live, 0);
    context.trim().unwrap();
    assert_eq!(context.memory().pooled, 0);
}

#[test]
fn dispatches_are_batched() {
    let context = Context::with_options(&ContextOptions::default()).unwrap();
    let x = Tensor::ones(&context, &[64]).unwrap();
    let before = context.submissions();
    let mut y = x.clone();
    for _ in 0..256 {
        y = y.relu().unwrap();
    }
    context.flush().unwrap();
    assert!(context.submissions() - before <= 6, "{} submissions", context.submissions() - before);
    assert_eq!(y.to_vec::<f32>().unwrap(), vec![1.0; 64]);
}

#[test]
fn two_contexts_live_side_by_side() {
    let (a, b) = (context(), context());
    let x = Tensor::from_slice(&a, &[-1.0f32, 2.0], &[2]).unwrap();
    let y = Tensor::from_slice(&b, &[-3.0f32, 4.0], &[2]).unwrap();
    assert_eq!(x.relu().unwrap().to_vec::<f32>().unwrap(), [0.0, 2.0]);
    assert_eq!(y.relu().unwrap().to_vec::<f32>().unwrap(), [0.0, 4.0]);
    drop(a);
    assert_eq!(y.relu().unwrap().to_vec::<f32>().unwrap(), [0.0, 4.0]);
}

#[test]
fn threads_share_a_context() {
    let context = context();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let context = &context;
            scope.spawn(move || {
                for round in 0..20 {
                    let value = (seed * 100 + round) as f32;
                    let x = Tensor::full(context, value, &[333]).unwrap();
                    assert_eq!(x.add(&x).unwrap().to_vec::<f32>().unwrap(), vec![2.0 * value; 333]);
                }
            });
        }
    });
}

#[test]
fn readback_can_be_awaited() {
    for context in contexts() {
        let x = Tensor::from_slice(&context, &[1.0f32, -2.0, 3.0], &[3]).unwrap();
        let y = pollster::block_on(x.relu().unwrap().to_vec_async::<f32>()).unwrap();
        assert_eq!(y, [1.0, 0.0, 3.0]);
    }
    assert!(pollster::block_on(Context::new_async()).is_ok());
}

#[test]
fn the_profiler_times_every_dispatch() {
    let context = context();
    let x = Tensor::ones(&context, &[100_000]).unwrap();
    x.relu().unwrap();
    context.start_profile().unwrap();
    for _ in 0..200 {
        x.relu().unwrap();
    }
    x.add(&x).unwrap();
    let profile = context.finish_profile().unwrap();
    assert_eq!(profile.dispatches.len(), 201);
    assert!(profile.dispatches.iter().all(|d| d.duration_ns >= 0.0));
    let rows = profile.rows();
    assert_eq!(rows.iter().find(|row| row.op == "relu").unwrap().count, 200);
    assert!((rows.iter().map(|row| row.share).sum::<f64>() - 1.0).abs() < 1e-6);
    assert!(profile.to_string().contains("unary"));
    let path = std::env::temp_dir().join(format!("tilewright-trace-{}.json", std::process::id()));
    profile.write_trace(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(text.starts_with("{") && text.contains("traceEvents") && text.contains("\"ph\":\"X\""));
    assert!(context.finish_profile().unwrap().dispatches.is_empty());
}

#[test]
fn pipelines_are_kept_between_runs() {
    let folder = std::env::temp_dir().join(format!("tilewright-cache-{}", std::process::id()));
    let options = ContextOptions { pipeline_cache: Some(folder.clone()), ..Default::default() };
    for _ in 0..2 {
        let context = Context::with_options(&options).unwrap();
        Tensor::ones(&context, &[4]).unwrap().relu().unwrap();
        assert!(context.pipeline_report().0 >= 1);
        context.save_pipelines().unwrap();
        if context.features().contains(wgpu::Features::PIPELINE_CACHE) {
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        }
    }
    // A damaged cache is no reason to fail.
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        std::fs::write(entry.unwrap().path(), b"garbage").unwrap();
    }
    let context = Context::with_options(&options).unwrap();
    let y = Tensor::ones(&context, &[4]).unwrap().relu().unwrap();
    assert_eq!(y.to_vec::<f32>().unwrap(), [1.0; 4]);
    drop(context);
    std::fs::remove_dir_all(&folder).ok();
}

#[test]
fn the_application_brings_its_own_device_and_buffer() {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters.into_iter().next().expect("there is no adapter: make setup");
    let (device, queue) =
        pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    let context = Context::from_device(device.clone(), queue.clone(), &ContextOptions::default());
    let raw = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("mine"),
        size: 16,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&raw, 0, bytemuck::cast_slice(&[-1.0f32, 2.0, -3.0, 4.0]));
    let wrapped = context.wrap(raw).unwrap();
    let x = |shape: &[usize]| {
        Tensor::from_parts(&context, wrapped.clone(), shape, tilewright::DType::F32, Default::default())
    };
    assert!(x(&[5]).is_err(), "the buffer is too small");
    let x = x(&[4]).unwrap();
    assert_eq!(x.relu().unwrap().to_vec::<f32>().unwrap(), [0.0, 2.0, 0.0, 4.0]);
}

#[test]
fn sizes_beyond_every_machine_are_typed_errors() {
    for context in contexts() {
        for size in [u64::MAX, u64::MAX - 255, 1 << 63, context.limits().max_buffer_size + 1] {
            assert!(matches!(context.alloc(size), Err(Error::Limit { .. })), "{size} bytes");
        }
        let most = usize::MAX;
        for shape in [
            &[most][..],
            &[1 << 62],
            &[(1 << 62) - 1],
            &[most, 2, 0],
            &[0, most, most],
            &[0, 3, 1 << 40, 1 << 40],
            &[1 << 31, 1 << 31],
        ] {
            assert!(Tensor::zeros(&context, shape).is_err(), "zeros {shape:?}");
            assert!(Tensor::uniform(&context, shape, 0, 0).is_err(), "uniform {shape:?}");
            assert!(Tensor::from_slice::<f32>(&context, &[], shape).is_err(), "from_slice {shape:?}");
            let layout = tilewright::Layout::ChannelsLast;
            assert!(
                Tensor::empty(&context, shape, tilewright::DType::F32, layout).is_err(),
                "empty {shape:?}"
            );
        }
    }
}

#[test]
fn a_wrong_mode_says_which() {
    let error = Mode::from_str("chekced").unwrap_err();
    assert!(matches!(error, Error::Option { option: "TILEWRIGHT_MODE", .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("chekced") && text.contains("`fast` or `checked`"), "{text}");
}

#[test]
fn buffers_stay_on_their_context() {
    let (context, other) = (context(), context());
    let pipeline = context.pipeline_from_wgsl("stray", STRAY).unwrap();
    let foreign = other.alloc(16).unwrap();
    let dispatch = Dispatch { op: "mine", params: &[], buffers: &[&foreign], groups: 1 };
    assert!(matches!(context.dispatch_pipeline(&pipeline, &dispatch), Err(Error::OtherContext { .. })));
    assert!(matches!(context.read(&foreign), Err(Error::OtherContext { .. })));
    assert!(matches!(context.write(&foreign, &[0; 16]), Err(Error::OtherContext { .. })));
}

#[test]
fn an_applications_buffer_says_what_it_lacks() {
    let context = context();
    let make = |size, usage| {
        let descriptor =
            wgpu::BufferDescriptor { label: Some("mine"), size, usage, mapped_at_creation: false };
        context.wrap(context.device().create_buffer(&descriptor))
    };
    let storage = wgpu::BufferUsages::STORAGE;
    assert!(matches!(make(16, wgpu::BufferUsages::COPY_SRC), Err(Error::Wrap { .. })));
    assert!(matches!(make(18, storage), Err(Error::Wrap { .. })));
    let buffer = make(16, storage).unwrap();
    assert!(matches!(context.read(&buffer), Err(Error::Wrap { .. })));
    assert!(matches!(context.write(&buffer, &[0; 16]), Err(Error::Wrap { .. })));
}

#[test]
fn threads_read_back_while_others_record() {
    for context in contexts() {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let context = &context;
                scope.spawn(move || {
                    for round in 0..60 {
                        let value = (thread * 1000 + round) as f32;
                        let x = Tensor::full(context, value, &[97]).unwrap();
                        let y = x.add(&Tensor::ones(context, &[97]).unwrap()).unwrap().scale(2.0).unwrap();
                        let y = if round % 3 == 0 {
                            pollster::block_on(y.to_vec_async::<f32>()).unwrap()
                        } else {
                            y.to_vec::<f32>().unwrap()
                        };
                        assert_eq!(y, [2.0 * (value + 1.0); 97], "thread {thread}, round {round}");
                    }
                });
            }
        });
        context.synchronize().unwrap();
        context.verify_retired().unwrap();
        assert_eq!(context.memory().live_buffers, 0);
    }
}

#[test]
fn buffers_are_copied_in_order_and_within_their_bounds() {
    for context in contexts() {
        let from = context.upload(&[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let to = context.upload(&[0; 12]).unwrap();
        context.copy(&from, 4, &to, 8, 4).unwrap();
        context.copy(&from, 0, &to, 0, 8).unwrap();
        assert_eq!(context.read(&to).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8]);
        for (from_offset, to_offset, size) in
            [(4, 0, 8), (0, 8, 8), (2, 0, 4), (0, 0, 3), (u64::MAX - 3, 0, 8)]
        {
            assert!(context.copy(&from, from_offset, &to, to_offset, size).is_err());
        }
        assert!(context.copy(&to, 0, &to, 8, 4).is_err() && !context.can_copy(&to, &to));
        context.synchronize().unwrap();
    }
}
