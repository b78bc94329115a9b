//! Products of f16 by plain kernels; those for cooperative matrices have a file of their own.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/products.rs"]
mod products;

use common::{Cases, close, context, contexts, left_out, random_tensor};
use products::{TRANSPOSES, close_f16, expect, has_f16, problem, random_f16, shapes};
use tilewright::{
    Context, ContextOptions, DType, MatMulCall, Tensor,
    kernels::{
        matmul::MatmulAlgorithm,
        select::{self, Cooperative, Device},
    },
    ops::{MatMul, UnaryOp},
    tensor::Epilogue,
};

#[test]
fn f16_by_every_algorithm() {
    let sizes = [
        [1, 1, 1],
        [3, 1, 65],
        [16, 16, 16],
        [17, 15, 33],
        [33, 31, 8],
        [64, 64, 64],
        [65, 68, 20],
        [129, 127, 5],
        [132, 132, 36],
        [8, 12, 2052],
    ];
    let activation = Some(UnaryOp::LeakyRelu { slope: 0.3 });
    let mut cases = Cases::new();
    for context in contexts() {
        if !has_f16(&context, &mut cases) {
            continue;
        }
        for (i, size) in sizes.into_iter().enumerate() {
            for (j, op) in TRANSPOSES.into_iter().enumerate() {
                if left_out(&context, i + j) {
                    continue;
                }
                let shapes = shapes(&op, [&[2], &[2]], size);
                let ((a, a_values), (b, b_values)) =
                    (random_f16(&context, 1, &shapes[0]), random_f16(&context, 2, &shapes[1]));
                let (bias, bias_values) = random_tensor(&context, 3, &[size[1]]);
                let (residual, residual_values) = random_f16(&context, 4, &[2, size[0], size[1]]);
                let addends = [Some(&bias_values[..]), Some(&residual_values[..])];
                let expected =
                    expect(&op, &shapes, [&a_values, &b_values], addends[0], addends[1], activation);
                let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation };
                let problem = problem(&op, 2, size, DType::F16);
                for algorithm in select::matmul_candidates(&Device::of(&context), &problem) {
                    let outcome = a
                        .matmul_with(
                            &b,
                            &MatMulCall {
                                algorithm: Some(algorithm),
                                ..MatMulCall::new(op).with_epilogue(epilogue)
                            },
                        )
                        .map_err(|error| error.to_string())
                        .and_then(|y| close_f16(&y, &expected, size[2]));
                    cases.check(format!("{:?} {algorithm:?} {size:?} {op:?}", context.mode()), outcome);
                }
                let chosen = a.matmul_with(&b, &MatMulCall::new(op).with_epilogue(epilogue)).unwrap();
                cases.check(format!("chosen {size:?} {op:?}"), close_f16(&chosen, &expected, size[2]));
            }
        }
    }
    cases.finish();
}

#[test]
fn mixed_and_other_types_are_typed_errors() {
    let context = context();
    let (wide, _) = random_tensor(&context, 1, &[4, 4]);
    let (half, _) = random_f16(&context, 1, &[4, 4]);
    let error = half.matmul(&wide).unwrap_err().to_string();
    assert!(error.contains("matmul") && error.contains("right") && error.contains("f16"), "{error}");
    let whole = wide.cast(DType::I32).unwrap();
    let error = whole.matmul(&whole).unwrap_err().to_string();
    assert!(error.contains("i32") && error.contains("f32 or f16"), "{error}");
    let error = Tensor::matmul_backward(&half, &half, &MatMul::default(), &half).unwrap_err().to_string();
    assert!(error.contains("matmul_backward") && error.contains("f16"), "{error}");
    let (bias, _) = random_f16(&context, 1, &[4]);
    let error = half
        .matmul_with(&half, &MatMulCall { bias: Some(&bias), ..MatMulCall::new(MatMul::default()) })
        .unwrap_err()
        .to_string();
    assert!(error.contains("bias") && error.contains("f32"), "{error}");
}

/// A device of the application's that was asked for no features.
fn without_features() -> Context {
    let options = ContextOptions::from_env().unwrap();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter =
        pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Context::from_device(device, queue, &options)
}

#[test]
fn without_f16_in_shaders_products_go_by_way_of_f32() {
    let context = without_features();
    let device = Device::of(&context);
    assert!(!device.f16 && device.cooperative == Cooperative::Absent);
    let mut cases = Cases::new();
    assert!(!has_f16(&context, &mut cases));
    let (size, op) = ([36, 40, 20], MatMul::default());
    let shapes = shapes(&op, [&[], &[]], size);
    let ((a, a_values), (b, b_values)) =
        (random_f16(&context, 1, &shapes[0]), random_f16(&context, 2, &shapes[1]));
    let (residual, residual_values) = random_f16(&context, 4, &[size[0], size[1]]);
    let expected = expect(&op, &shapes, [&a_values, &b_values], None, Some(&residual_values), None);
    let epilogue = Epilogue { residual: Some(&residual), ..Epilogue::default() };
    let y = a.matmul_with(&b, &MatMulCall::new(op).with_epilogue(epilogue)).unwrap();
    cases.check("f16", close_f16(&y, &expected, size[2]));
    // The same files without their f16.
    let (wide_a, wide_b) = (a.cast(DType::F32).unwrap(), b.cast(DType::F32).unwrap());
    let expected = expect(&op, &shapes, [&a_values, &b_values], None, None, None);
    for algorithm in [MatmulAlgorithm::Naive, MatmulAlgorithm::RegisterTiled, MatmulAlgorithm::Vec4] {
        let y = wide_a
            .matmul_with(&wide_b, &MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(op) })
            .unwrap();
        cases.check(format!("{algorithm:?}"), close(&y.to_vec().unwrap(), &expected, 1e-5, 4e-6));
    }
    let x = wide_a.reshape(&[1, 36, 4, 5]).unwrap();
    let weight = Tensor::ones(&context, &[8, 36, 3, 3]).unwrap();
    let conv = tilewright::ops::Conv2d::default();
    let y = x.conv2d(&weight, None, &conv).unwrap();
    let halves = [&x, &weight].map(|tensor| tensor.cast(DType::F16).unwrap());
    let narrow = halves[0].conv2d(&halves[1], None, &conv).unwrap();
    cases.check("conv2d", close_f16(&narrow, &y.to_vec::<f32>().unwrap(), 324));
    cases.finish();
}
