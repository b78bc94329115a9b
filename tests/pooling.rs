//! Pooling kernels against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "pooling/large.rs"]
mod large;
#[path = "pooling/specialisations.rs"]
mod specialisations;

use common::{
    Cases, close, contexts, full,
    host::{channels_last, numbers},
    random,
};
use tilewright::{
    Context, DType, Tensor,
    ops::{AdaptiveAvgPool2d, Pool2d},
};
use tilewright_reference::pooling as reference;

const SHAPES: [[usize; 4]; 8] = [
    [2, 3, 5, 7],
    [1, 1, 9, 4],
    [3, 4, 6, 6],
    [2, 8, 13, 5],
    [1, 6, 4, 17],
    [2, 12, 8, 8],
    [0, 4, 5, 5],
    [2, 0, 5, 5],
];

/// Windows that touch, overlap, leave gaps, are padded, dilated, overhang, are not square, and cover everything.
fn pools() -> Vec<Pool2d> {
    let base = Pool2d::new([2, 2]);
    vec![
        base,
        Pool2d { ceil_mode: true, ..base },
        Pool2d { ceil_mode: true, ..Pool2d::new([3, 2]) },
        Pool2d::new([4, 4]),
        Pool2d::new([5, 4]),
        Pool2d { kernel: [3, 3], padding: [1, 1], ..base },
        Pool2d { kernel: [3, 3], padding: [1, 1], ceil_mode: true, ..base },
        Pool2d { kernel: [3, 2], stride: [1, 3], padding: [0, 1], ceil_mode: true, ..base },
        Pool2d { stride: [1, 1], padding: [1, 1], ..base },
        Pool2d { stride: [1, 2], dilation: [3, 2], ..base },
        Pool2d { kernel: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [2, 1], ..base },
        Pool2d { kernel: [3, 3], stride: [2, 1], dilation: [1, 2], padding: [1, 1], ceil_mode: true, ..base },
        Pool2d { kernel: [1, 1], stride: [3, 3], ..base },
        Pool2d { kernel: [4, 4], stride: [1, 1], ..base },
    ]
}

/// The windows for images of a shape, numbered. Whole vec4s of channels meet them all; single channels, whose kernels are
/// the same text over numbers, meet some: windows that touch, overhang, are padded, dilated, or cover everything.
fn pools_of(shape: [usize; 4]) -> impl Iterator<Item = (usize, Pool2d)> {
    let wanted = move |at: usize| full() || shape[1].is_multiple_of(4) || [0, 1, 5, 9, 11, 13].contains(&at);
    pools().into_iter().enumerate().filter(move |(at, _)| wanted(*at))
}

/// As a user may hold it: in either layout. What is row-major is made channels-last before anything else, so that a few
/// shapes of it are enough.
fn layouts(context: &Context, values: &[f32], shape: &[usize]) -> Vec<Tensor> {
    let last = channels_last(context, values, shape);
    if full() || shape[1] == 3 {
        vec![Tensor::from_slice(context, values, shape).unwrap(), last]
    } else {
        vec![last]
    }
}

#[test]
fn max_pooling_and_its_gradient() {
    let mut cases = Cases::new();
    let mut skipped = 0;
    for context in contexts() {
        for (seed, shape) in SHAPES.into_iter().enumerate() {
            // Few distinct values: most windows have several equal maxima.
            let count = shape.iter().product();
            let values: Vec<f32> = random(seed as u64, count, -3.0, 3.0).iter().map(|v| v.round()).collect();
            for (_, pool) in pools_of(shape) {
                let Ok(y_shape) = pool.output_shape(shape) else {
                    skipped += 1;
                    continue;
                };
                let (expected, places) = reference::max_pool2d(&pool, &values, shape);
                let grads = random(99, y_shape.iter().product(), -1.0, 1.0);
                let gradient = reference::max_pool2d_backward(&pool, &grads, &places, shape);
                for x in layouts(&context, &values, &shape) {
                    let name = format!("{x:?} {pool:?} {context:?}");
                    let (y, indices) = x.max_pool2d(&pool).unwrap();
                    assert_eq!(y.shape(), y_shape, "{name}");
                    cases.check(&name, close(&numbers::<f32>(&y), &expected, 0.0, 0.0));
                    let found = numbers::<i32>(&indices);
                    cases.check(&name, if found == places { Ok(()) } else { Err("indices differ") });
                    let alone = numbers::<f32>(&x.max_pool2d_values(&pool).unwrap());
                    cases.check(format!("values {name}"), close(&alone, &expected, 0.0, 0.0));
                    for grad_y in layouts(&context, &grads, &y_shape) {
                        let grad_x = Tensor::max_pool2d_backward(&pool, &shape, &indices, &grad_y).unwrap();
                        let outcome = close(&numbers::<f32>(&grad_x), &gradient, 1e-5, 1e-6);
                        cases.check(format!("backward {name}"), outcome);
                    }
                }
            }
        }
        context.trim().unwrap();
    }
    assert!(skipped < 30, "{skipped} pools do not fit their shapes");
    cases.finish();
}

/// Windows of more taps than a kernel writes out, and tiles of as many pixels.
#[test]
fn large_tiles_of_many_channels() {
    let tiles = Pool2d::new([5, 4]);
    let pools = [
        tiles,
        Pool2d { divisor_override: Some(3), ..tiles },
        Pool2d { stride: [2, 3], padding: [2, 2], ceil_mode: true, ..tiles },
        Pool2d { stride: [2, 3], padding: [2, 2], count_include_pad: false, ..tiles },
        Pool2d { dilation: [1, 2], padding: [0, 1], ..tiles },
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        // A thread takes one to four vec4s of a pixel on a CPU.
        let shapes = [[2, 64, 10, 8], [1, 96, 5, 8], [2, 128, 10, 12], [3, 12, 10, 12], [2, 3, 15, 8]];
        for shape in shapes {
            let values = random(16, shape.iter().product(), -3.0, 3.0);
            let x = channels_last(&context, &values, &shape);
            for pool in pools {
                let name = format!("{shape:?} {pool:?} {context:?}");
                let y_shape = pool.output_shape(shape).unwrap();
                let y = numbers::<f32>(&x.avg_pool2d(&pool).unwrap());
                let expected = reference::avg_pool2d(&pool, &values, shape);
                cases.check(format!("average {name}"), close(&y, &expected, 1e-5, 1e-6));
                let grads = random(17, y_shape.iter().product(), -1.0, 1.0);
                let grad_y = channels_last(&context, &grads, &y_shape);
                let gradient = reference::avg_pool2d_backward(&pool, &grads, shape);
                let grad_x = numbers::<f32>(&Tensor::avg_pool2d_backward(&pool, &shape, &grad_y).unwrap());
                cases.check(format!("its gradient {name}"), close(&grad_x, &gradient, 1e-5, 1e-6));
            }
        }
        context.trim().unwrap();
    }
    cases.finish();
}

#[test]
fn maxima_of_what_is_no_number_or_infinite() {
    let mut cases = Cases::new();
    let same = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan());
    for context in contexts() {
        for (seed, shape) in [[1, 3, 9, 7], [2, 4, 8, 10], [1, 64, 13, 12]].into_iter().enumerate() {
            // Most elements are not a number or the lowest one, so that whole windows are.
            let count = shape.iter().product();
            let kinds = random(seed as u64, count, 0.0, 6.0);
            let kind = [f32::NAN, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::MIN, 1.0, f32::INFINITY];
            let value = |at: f32| kind[at as usize];
            let values: Vec<f32> = kinds.into_iter().map(value).collect();
            for (_, pool) in pools_of(shape) {
                let Ok(_) = pool.output_shape(shape) else { continue };
                let (expected, places) = reference::max_pool2d(&pool, &values, shape);
                for x in layouts(&context, &values, &shape) {
                    let (y, indices) = x.max_pool2d(&pool).unwrap();
                    let alone = x.max_pool2d_values(&pool).unwrap();
                    let right = |y: &Tensor| {
                        let found = numbers::<f32>(y);
                        found.into_iter().zip(&expected).all(|(a, &b)| same(a, b))
                    };
                    let fits = if right(&y) && right(&alone) { Ok(()) } else { Err("maxima differ") };
                    cases.check(format!("{x:?} {pool:?} {context:?}"), fits);
                    let found = numbers::<i32>(&indices);
                    let fits = if found == places { Ok(()) } else { Err("indices differ") };
                    cases.check(format!("{x:?} {pool:?} {context:?}"), fits);
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn average_and_sum_pooling_and_their_gradients() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (seed, shape) in SHAPES.into_iter().enumerate() {
            let values = random(seed as u64, shape.iter().product(), -1.0, 1.0);
            for (at, base) in pools_of(shape) {
                let Ok(y_shape) = base.output_shape(shape) else { continue };
                let grads = random(77, y_shape.iter().product(), -1.0, 1.0);
                // What an average divides by is found in three ways, whatever the windows: two turns of four for each.
                for (turn, (count_include_pad, divisor_override)) in
                    [(true, None), (false, None), (true, Some(5)), (false, Some(3))].into_iter().enumerate()
                {
                    if !full() && at % 2 != turn % 2 {
                        continue;
                    }
                    let pool = Pool2d { count_include_pad, divisor_override, ..base };
                    let expected = reference::avg_pool2d(&pool, &values, shape);
                    let gradient = reference::avg_pool2d_backward(&pool, &grads, shape);
                    for x in layouts(&context, &values, &shape) {
                        let name = format!("{x:?} {pool:?} {context:?}");
                        let y = x.avg_pool2d(&pool).unwrap();
                        assert_eq!(y.shape(), y_shape, "{name}");
                        cases.check(&name, close(&numbers::<f32>(&y), &expected, 1e-5, 1e-6));
                    }
                    for grad_y in layouts(&context, &grads, &y_shape) {
                        let grad_x = Tensor::avg_pool2d_backward(&pool, &shape, &grad_y).unwrap();
                        let outcome = close(&numbers::<f32>(&grad_x), &gradient, 1e-5, 1e-6);
                        cases.check(format!("backward {shape:?} {pool:?} {context:?}"), outcome);
                    }
                }
                // What an average divides by does not matter to a sum.
                let pool = Pool2d { divisor_override: Some(7), ..base };
                let x = channels_last(&context, &values, &shape);
                let y = numbers::<f32>(&x.sum_pool2d(&pool).unwrap());
                let name = format!("sum {shape:?} {pool:?} {context:?}");
                cases.check(&name, close(&y, &reference::sum_pool2d(&pool, &values, shape), 1e-5, 1e-6));
                let grad_y = channels_last(&context, &grads, &y_shape);
                let grad_x = numbers::<f32>(&Tensor::sum_pool2d_backward(&pool, &shape, &grad_y).unwrap());
                let gradient = reference::sum_pool2d_backward(&pool, &grads, shape);
                cases.check(format!("backward {name}"), close(&grad_x, &gradient, 1e-5, 1e-6));
            }
        }
        context.trim().unwrap();
    }
    cases.finish();
}

#[test]
fn pixels_of_many_channels() {
    let base = Pool2d::new([2, 2]);
    let pools = [
        Pool2d { ceil_mode: true, ..base },
        Pool2d { kernel: [3, 3], padding: [1, 1], ..base },
        Pool2d { kernel: [3, 2], stride: [1, 3], padding: [0, 1], ceil_mode: true, ..base },
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        // A thread takes one to four vec4s of a pixel on a CPU.
        for shape in [[2, 64, 6, 5], [1, 96, 5, 8], [2, 128, 4, 4]] {
            let values: Vec<f32> =
                random(6, shape.iter().product(), -3.0, 3.0).iter().map(|v| v.round()).collect();
            let x = channels_last(&context, &values, &shape);
            for pool in pools {
                let name = format!("{shape:?} {pool:?} {context:?}");
                let y_shape = pool.output_shape(shape).unwrap();
                let grads = random(98, y_shape.iter().product(), -1.0, 1.0);
                let grad_y = channels_last(&context, &grads, &y_shape);

                let (expected, places) = reference::max_pool2d(&pool, &values, shape);
                let (y, indices) = x.max_pool2d(&pool).unwrap();
                cases.check(&name, close(&numbers::<f32>(&y), &expected, 0.0, 0.0));
                let found = numbers::<i32>(&indices);
                cases.check(&name, if found == places { Ok(()) } else { Err("indices differ") });
                let gradient = reference::max_pool2d_backward(&pool, &grads, &places, shape);
                let grad_x = Tensor::max_pool2d_backward(&pool, &shape, &indices, &grad_y).unwrap();
                cases.check(
                    format!("gradient {name}"),
                    close(&numbers::<f32>(&grad_x), &gradient, 1e-5, 1e-6),
                );

                let y = numbers::<f32>(&x.avg_pool2d(&pool).unwrap());
                let expected = reference::avg_pool2d(&pool, &values, shape);
                cases.check(format!("average {name}"), close(&y, &expected, 1e-5, 1e-6));
                let gradient = reference::avg_pool2d_backward(&pool, &grads, shape);
                let grad_x = numbers::<f32>(&Tensor::avg_pool2d_backward(&pool, &shape, &grad_y).unwrap());
                cases.check(format!("its gradient {name}"), close(&grad_x, &gradient, 1e-5, 1e-6));
            }
        }
        context.trim().unwrap();
    }
    cases.finish();
}

#[test]
fn adaptive_pooling_and_its_gradient() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (seed, shape) in SHAPES.into_iter().enumerate() {
            let values = random(seed as u64, shape.iter().product(), -1.0, 1.0);
            // Fewer windows than pixels, as many, and more.
            for output in [[1, 1], [2, 2], [3, 5], [1, 4], [shape[2], shape[3]], [11, 3], [7, 19]] {
                let pool = AdaptiveAvgPool2d { output };
                let y_shape = pool.output_shape(shape).unwrap();
                let expected = reference::adaptive_avg_pool2d(pool, &values, shape);
                let grads = random(55, y_shape.iter().product(), -1.0, 1.0);
                let gradient = reference::adaptive_avg_pool2d_backward(pool, &grads, shape);
                for x in layouts(&context, &values, &shape) {
                    let name = format!("{x:?} {pool:?} {context:?}");
                    let y = x.adaptive_avg_pool2d(pool).unwrap();
                    assert_eq!(y.shape(), y_shape, "{name}");
                    cases.check(&name, close(&numbers::<f32>(&y), &expected, 1e-5, 1e-6));
                }
                for grad_y in layouts(&context, &grads, &y_shape) {
                    let grad_x = Tensor::adaptive_avg_pool2d_backward(pool, &shape, &grad_y).unwrap();
                    let outcome = close(&numbers::<f32>(&grad_x), &gradient, 1e-5, 1e-6);
                    cases.check(format!("backward {shape:?} {pool:?} {context:?}"), outcome);
                }
            }
        }
        context.trim().unwrap();
    }
    cases.finish();
}

#[test]
fn global_averages_of_any_size() {
    let mut cases = Cases::new();
    for context in contexts() {
        // Around the lengths where a sum is split: 64, 256, and squares beside them; up to an image of 256 × 256.
        for shape in [
            [3, 8, 8, 8],
            [3, 5, 5, 13],
            [2, 512, 7, 7],
            [64, 512, 9, 8],
            [2, 16, 16, 16],
            [32, 512, 1, 257],
            [1, 3, 257, 129],
            [1, 8, 256, 256],
            [1, 1, 300, 300],
        ] {
            // A mean far from zero, so that a sum that loses digits shows.
            let values = random(3, shape.iter().product(), 0.0, 2.0);
            let x = channels_last(&context, &values, &shape);
            let y = x.global_avg_pool2d().unwrap();
            assert_eq!(y.shape(), [shape[0], shape[1], 1, 1]);
            let pool = AdaptiveAvgPool2d { output: [1, 1] };
            let expected = reference::adaptive_avg_pool2d(pool, &values, shape);
            cases.check(format!("{shape:?} {context:?}"), close(&numbers::<f32>(&y), &expected, 2e-6, 0.0));
            let grads = random(4, shape[0] * shape[1], -1.0, 1.0);
            let grad_y = channels_last(&context, &grads, y.shape());
            let grad_x = Tensor::global_avg_pool2d_backward(&shape, &grad_y).unwrap();
            let gradient = reference::adaptive_avg_pool2d_backward(pool, &grads, shape);
            let outcome = close(&numbers::<f32>(&grad_x), &gradient, 1e-6, 0.0);
            cases.check(format!("backward {shape:?} {context:?}"), outcome);
        }
    }
    cases.finish();
}

#[test]
fn an_index_that_names_no_pixel_takes_no_gradient() {
    for context in contexts() {
        let pool = Pool2d::new([2, 2]);
        let indices = Tensor::from_slice(&context, &[-1, 16, i32::MAX, 15], &[1, 1, 2, 2]).unwrap();
        let grad_y = Tensor::ones(&context, &[1, 1, 2, 2]).unwrap();
        let grad_x = Tensor::max_pool2d_backward(&pool, &[1, 1, 4, 4], &indices, &grad_y).unwrap();
        let mut expected = [0.0; 16];
        expected[15] = 1.0;
        assert_eq!(numbers::<f32>(&grad_x), expected);
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = common::own_context();
    let pool = Pool2d::new([3, 3]);
    let says = |outcome: tilewright::tensor::Result<Tensor>, words: &[&str]| {
        let message = outcome.unwrap_err().to_string();
        for word in words {
            assert!(message.contains(word), "{message}");
        }
    };
    let x = Tensor::zeros(&context, &[1, 2, 8, 8]).unwrap();
    let flat = Tensor::zeros(&context, &[2, 8, 8]).unwrap();
    says(flat.max_pool2d_values(&pool), &["max_pool2d", "[2, 8, 8]", "N C H W"]);
    says(flat.global_avg_pool2d(), &["adaptive_avg_pool2d", "[2, 8, 8]"]);
    says(x.cast(DType::I32).unwrap().avg_pool2d(&pool), &["avg_pool2d", "i32"]);
    says(x.sum_pool2d(&Pool2d::new([9, 9])), &["sum_pool2d", "[9, 9]"]);
    says(x.avg_pool2d(&Pool2d { padding: [2, 2], ..pool }), &["padding", "[2, 2]"]);
    says(x.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [0, 1] }), &["output"]);
    says(Tensor::avg_pool2d_backward(&pool, &[1, 2, 8, 8], &x), &["grad_y", "[1, 2, 2, 2]"]);
    says(Tensor::avg_pool2d_backward(&pool, &[2, 8, 8], &x), &["x_shape", "[2, 8, 8]"]);
    says(Tensor::max_pool2d_backward(&pool, &[1, 2, 8, 8], &x, &x), &["indices", "i32"]);
    let (y, indices) = x.max_pool2d(&pool).unwrap();
    says(Tensor::max_pool2d_backward(&pool, &[1, 2, 8, 9], &x.cast(DType::I32).unwrap(), &y), &["indices"]);
    says(Tensor::max_pool2d_backward(&pool, &[1, 2, 8, 8], &indices, &x), &["grad_y"]);
    let other = tilewright::Context::new().unwrap();
    let elsewhere = Tensor::zeros(&other, &[1, 2, 2, 2]).unwrap();
    says(Tensor::max_pool2d_backward(&pool, &[1, 2, 8, 8], &indices, &elsewhere), &["different contexts"]);
}
