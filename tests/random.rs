//! Random numbers and dropout against the scalar reference: equal bits where no transcendental function is involved.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts, random};
use tilewright::{Context, ContextOptions, Layout, Tensor, ops::Dropout};
use tilewright_reference::random as reference;

const KEYS: &[(u64, u64)] =
    &[(0, 0), (1, 0), (0, 1), (u64::MAX, u64::MAX), (0x1234_5678_9abc_def0, 0x0fed_cba9_8765_4321)];

const SHAPES: &[&[usize]] = &[
    &[],
    &[1],
    &[3],
    &[4],
    &[5],
    &[257],
    &[7, 9],
    &[2, 3, 5, 7],
    &[2, 8, 4, 4],
    &[67, 128],
    &[2, 64, 4, 12],
    &[0, 3],
    &[100_003],
];

/// A device of the application's that was asked for no features: its shaders have no 64-bit integers.
fn without_features() -> Context {
    let options = ContextOptions::from_env().unwrap();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter =
        pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Context::from_device(device, queue, &options)
}

fn same_bits(actual: &[f32], expected: &[f32]) -> Result<(), String> {
    assert_eq!(actual.len(), expected.len());
    match actual.iter().zip(expected).position(|(a, e)| a.to_bits() != e.to_bits()) {
        None => Ok(()),
        Some(at) => Err(format!("element {at} is {:e}, expected {:e}", actual[at], expected[at])),
    }
}

#[test]
fn uniform_numbers_have_the_reference_bits() {
    let mut cases = Cases::new();
    for context in contexts().into_iter().chain([without_features()]) {
        for &shape in SHAPES {
            for &(seed, stream) in KEYS {
                let y = Tensor::uniform(&context, shape, seed, stream).unwrap();
                assert_eq!((y.shape(), y.layout()), (shape, Layout::RowMajor));
                let expected = reference::uniform(seed, stream, y.count());
                let outcome = same_bits(&y.to_vec().unwrap(), &expected);
                cases.check(format!("{shape:?} {seed:x} {stream:x}"), outcome);
            }
        }
    }
    cases.finish();
}

#[test]
fn normal_numbers_are_close_to_the_reference() {
    let mut cases = Cases::new();
    for context in contexts() {
        for &shape in SHAPES {
            for &(seed, stream) in KEYS {
                let y = Tensor::normal(&context, shape, seed, stream).unwrap();
                let expected = reference::normal(seed, stream, y.count());
                // A few roundings of the radius, and of a cosine near its zero.
                let outcome = close(&y.to_vec().unwrap(), &expected, 2e-6, 2e-6);
                cases.check(format!("{shape:?} {seed:x} {stream:x}"), outcome);
            }
        }
    }
    cases.finish();
}

#[test]
fn dropout_has_the_reference_bits_in_both_layouts() {
    let mut cases = Cases::new();
    for context in contexts().into_iter().chain([without_features()]) {
        for &shape in SHAPES {
            let values = random(1, shape.iter().product(), -1.0, 1.0);
            let x = Tensor::from_slice(&context, &values, shape).unwrap();
            for p in [0.0, 0.1, 0.5, 0.9, 1.0] {
                let op = Dropout { p };
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let x = x.to_layout(layout).unwrap();
                    for &(seed, stream) in KEYS {
                        let expected = reference::dropout(op, &values, seed, stream);
                        let name = format!("{shape:?} p = {p} {layout:?} {seed:x} {stream:x}");
                        let y = x.dropout(&op, seed, stream).unwrap();
                        assert_eq!((y.shape(), y.layout()), (shape, x.layout()));
                        cases.check(&name, same_bits(&y.to_vec().unwrap(), &expected));
                        let grad = x.dropout_backward(&op, seed, stream).unwrap();
                        cases.check(&name, same_bits(&grad.to_vec().unwrap(), &expected));
                    }
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn streams_differ_and_wrong_probabilities_are_errors() {
    for context in contexts() {
        let draw =
            |seed, stream| Tensor::uniform(&context, &[64], seed, stream).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        let x = Tensor::ones(&context, &[4]).unwrap();
        for p in [-0.1, 1.5, f32::NAN] {
            let error = x.dropout(&Dropout { p }, 0, 0).unwrap_err().to_string();
            assert!(error.contains("dropout") && error.contains("between 0 and 1"), "{error}");
        }
    }
}
