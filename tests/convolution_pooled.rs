//! Convolutions whose result is pooled, in one kernel where the algorithm can: against the scalar reference, and maxima bit
//! for bit against the same convolution and a pooling of its own.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::HashSet;

use common::{
    Cases, close, contexts, contexts_for_numbers, full,
    host::{numbers, random_channels_last},
    random_tensor,
};
use tilewright::{
    Context, Conv2dAlgorithm, Conv2dCall, Layout, Mode, Tensor,
    kernels::{
        convolution::{self, Conv2dLaunch as Launch, Pass, Problem},
        select::{self, Device, DeviceClass},
    },
    ops::{Conv2d, DType, Pool2d, PoolKind, Pooling, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::{convolution as reference, elementwise, pooling};

const PLAIN: Conv2d = Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
const SAME: Conv2d = Conv2d { padding: [1, 1], ..PLAIN };

/// Parameters, x and weight.
type Shape = (Conv2d, [usize; 4], [usize; 4]);

/// Around the multiples of every tile, of the windows, and of the lanes; images of one window and of less than a tile.
fn shapes() -> Vec<Shape> {
    let mut shapes = vec![
        (SAME, [1, 3, 10, 11], [8, 3, 3, 3]),
        (SAME, [2, 4, 5, 9], [4, 4, 3, 3]),
        (PLAIN, [1, 8, 6, 6], [36, 8, 3, 3]),
        (SAME, [3, 12, 4, 4], [12, 12, 3, 3]),
        (SAME, [1, 36, 17, 6], [68, 36, 3, 3]),
        (Conv2d { padding: [2, 0], ..PLAIN }, [2, 4, 7, 9], [8, 4, 3, 3]),
        (Conv2d { stride: [2, 2], ..SAME }, [2, 3, 13, 12], [7, 3, 3, 3]),
        (Conv2d { stride: [1, 2], dilation: [2, 1], ..SAME }, [1, 5, 11, 13], [5, 5, 3, 3]),
        (PLAIN, [2, 8, 5, 7], [12, 8, 1, 1]),
        (PLAIN, [1, 1, 9, 9], [16, 1, 2, 2]),
        (Conv2d { groups: 2, ..SAME }, [2, 8, 6, 7], [12, 4, 3, 3]),
        (Conv2d { groups: 8, ..SAME }, [1, 8, 6, 5], [8, 1, 3, 3]),
        (SAME, [0, 4, 8, 8], [4, 4, 3, 3]),
    ];
    for extent in 4..=9 {
        shapes.push((SAME, [1, 4, extent, 13 - extent], [4, 4, 3, 3]));
    }
    shapes
}

/// Windows that kernels hold, and some that none does.
fn poolings() -> Vec<Pooling> {
    let of = |kind, pool| Pooling { kind, pool };
    let square = Pool2d::new([2, 2]);
    let mut all: Vec<_> = PoolKind::ALL.map(|kind| of(kind, square)).to_vec();
    all.extend([[1, 2], [2, 1], [1, 4], [4, 1], [4, 2], [4, 4], [3, 3]].map(|kernel| {
        of(if kernel[0] > kernel[1] { PoolKind::Max } else { PoolKind::Average }, Pool2d::new(kernel))
    }));
    all.extend([
        of(PoolKind::Average, Pool2d { divisor_override: Some(3), ..square }),
        of(PoolKind::Max, Pool2d { ceil_mode: true, ..square }),
        of(PoolKind::Max, Pool2d { padding: [1, 1], ..square }),
        of(PoolKind::Max, Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) }),
        of(PoolKind::Average, Pool2d { stride: [1, 1], ..square }),
    ]);
    all
}

fn expected_pool(Pooling { kind, pool }: &Pooling, y: &[f32], shape: [usize; 4]) -> Vec<f32> {
    match kind {
        PoolKind::Max => pooling::max_pool2d(pool, y, shape).0,
        PoolKind::Average => pooling::avg_pool2d(pool, y, shape),
        PoolKind::Sum => pooling::sum_pool2d(pool, y, shape),
    }
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    numbers::<f32>(tensor).into_iter().map(f32::to_bits).collect()
}

/// With or without bias, residual and activation.
fn run(
    context: &Context,
    (op, x_shape, w_shape): &Shape,
    pooling: &Pooling,
    algorithm: Conv2dAlgorithm,
    everything: bool,
) -> Result<(), String> {
    let problem = Problem::new(op, *x_shape, *w_shape).unwrap();
    let (x, x_values) = random_channels_last(context, 1, x_shape);
    let (w, w_values) = random_tensor(context, 2, w_shape);
    let (bias, bias_values) = random_tensor(context, 3, &w_shape[..1]);
    let (residual, residual_values) = random_channels_last(context, 4, &problem.y_shape);
    let leaky = UnaryOp::LeakyRelu { slope: 0.25 };
    let epilogue = match everything {
        true => Epilogue { bias: Some(&bias), residual: Some(&residual), activation: Some(leaky) },
        false => Epilogue::default(),
    };
    let named = Some(algorithm);
    let y = x
        .conv2d_with(
            &w,
            &Conv2dCall {
                pool: Some(*pooling),
                algorithm: named,
                ..Conv2dCall::new(*op).with_epilogue(epilogue)
            },
        )
        .map_err(|error| error.to_string())?;
    let y_shape = pooling.output_shape(problem.y_shape).unwrap();
    assert_eq!((y.shape(), y.layout()), (&y_shape[..], Layout::ChannelsLast));

    let apart = x
        .conv2d_with(&w, &Conv2dCall { algorithm: named, ..Conv2dCall::new(*op).with_epilogue(epilogue) })
        .and_then(|y| y.pool2d(pooling))
        .unwrap();
    // Drivers may contract and reorder sums, and a mean is one more of them.
    if pooling.kind == PoolKind::Max && bits(&y) != bits(&apart) {
        return Err("it differs from a convolution and a pooling".to_owned());
    }
    let bias_values = everything.then_some(&bias_values[..]);
    let mut sums = reference::conv2d(op, &x_values, *x_shape, &w_values, *w_shape, bias_values);
    if everything {
        sums.iter_mut().zip(&residual_values).for_each(|(sum, residual)| *sum += residual);
        sums = elementwise::unary(leaky, &sums);
    }
    let expected = expected_pool(pooling, &sums, problem.y_shape);
    let rounding = if algorithm == Conv2dAlgorithm::WinogradF4 { 3.2e-6 } else { 8e-7 };
    let terms = w_shape[1..].iter().product::<usize>() as f64;
    // A sum over a window has as many roundings more.
    let taps = if pooling.kind == PoolKind::Max { 1 } else { pooling.pool.kernel.iter().product::<usize>() };
    let absolute = rounding * (terms * taps as f64).sqrt().max(1.0);
    close(&numbers::<f32>(&y), &expected, 1e-5, absolute)
}

/// The algorithms that run the shape; those that pool in their own kernel, or the others.
fn algorithms(context: &Context, shape: &Shape, pooling: &Pooling, in_one: bool) -> Vec<Conv2dAlgorithm> {
    let problem = Problem::new(&shape.0, shape.1, shape.2).unwrap();
    if pooling.output_shape(problem.y_shape).is_err() {
        return Vec::new();
    }
    let candidates = select::conv2d_candidates(&Device::of(context), Pass::Forward, &problem);
    candidates.into_iter().filter(|algorithm| algorithm.pools(&problem, pooling) == in_one).collect()
}

#[test]
fn every_shape_by_every_algorithm_that_pools() {
    let mut cases = Cases::new();
    let pooling = Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) };
    for context in contexts() {
        let mut pooled = HashSet::new();
        for (at, shape) in shapes().into_iter().enumerate() {
            for algorithm in algorithms(&context, &shape, &pooling, true) {
                pooled.insert(algorithm);
                // By pairs, as in common/convolution_sweep.rs.
                if !full() && context.mode() == Mode::Checked && at / 2 % 2 != 0 {
                    continue;
                }
                // With everything behind it, it goes no other way to its sums than with nothing.
                let ways: &[bool] = if full() || at < 2 { &[false, true] } else { &[true] };
                for &everything in ways {
                    let name =
                        format!("{:?} {algorithm:?} {shape:?}, everything: {everything}", context.mode());
                    cases.check(name, run(&context, &shape, &pooling, algorithm, everything));
                }
            }
        }
        assert!(
            pooled.contains(&Conv2dAlgorithm::WinogradF2) && pooled.contains(&Conv2dAlgorithm::WinogradF4)
        );
        assert!(pooled.contains(&Conv2dAlgorithm::ImplicitGemm));
        let software = Device::of(&context).class == DeviceClass::SoftwareVulkan;
        assert_eq!(pooled.contains(&Conv2dAlgorithm::Lanes), software);
    }
    cases.finish();
}

#[test]
fn every_pooling_in_one_kernel_or_in_two() {
    let mut cases = Cases::new();
    for context in contexts() {
        for pooling in poolings() {
            for shape in [(SAME, [2, 4, 6, 9], [8, 4, 3, 3]), (SAME, [1, 3, 8, 7], [5, 3, 3, 3])] {
                let in_one = algorithms(&context, &shape, &pooling, true);
                // Where the pooling is a kernel of its own, it does not matter whose result it reads.
                let apart = algorithms(&context, &shape, &pooling, false).into_iter().take(1);
                for algorithm in in_one.into_iter().chain(apart) {
                    let name = format!("{:?} {algorithm:?} {shape:?} {pooling:?}", context.mode());
                    cases.check(name, run(&context, &shape, &pooling, algorithm, true));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn windows_past_the_largest_and_smallest_numbers() {
    // Where everything is below the lowest finite number or not a number, both ways of pooling still agree.
    for context in contexts_for_numbers() {
        let values: Vec<f32> = (0..4 * 64).map(|at| [f32::MIN, f32::MAX, -0.0, 0.0][at % 4]).collect();
        let x = Tensor::from_slice(&context, &values, &[1, 4, 8, 8]).unwrap();
        let (w, _) = random_tensor(&context, 2, &[4, 4, 3, 3]);
        let problem = Problem::new(&SAME, [1, 4, 8, 8], [4, 4, 3, 3]).unwrap();
        for algorithm in select::conv2d_candidates(&Device::of(&context), Pass::Forward, &problem) {
            for kind in PoolKind::ALL {
                let pooling = Pooling { kind, pool: Pool2d::new([2, 2]) };
                let named = Some(algorithm);
                let epilogue = Epilogue { activation: Some(UnaryOp::Relu), ..Epilogue::default() };
                let y = x
                    .conv2d_with(
                        &w,
                        &Conv2dCall {
                            pool: Some(pooling),
                            algorithm: named,
                            ..Conv2dCall::new(SAME).with_epilogue(epilogue)
                        },
                    )
                    .unwrap();
                let apart = x
                    .conv2d_with(
                        &w,
                        &Conv2dCall { algorithm: named, ..Conv2dCall::new(SAME).with_epilogue(epilogue) },
                    )
                    .unwrap()
                    .pool2d(&pooling)
                    .unwrap();
                let numbers = |y: &Tensor| y.to_vec::<f32>().unwrap();
                for (a, b) in numbers(&y).into_iter().zip(numbers(&apart)) {
                    // A NaN has many patterns.
                    assert!(
                        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
                        "{algorithm:?}: {a} {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_choice_says_where_the_pooling_runs() {
    let pooling = Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) };
    let problem = Problem::new(&SAME, [1, 64, 56, 56], [64, 64, 3, 3]).unwrap();
    let choice = select::conv2d_pooled(&Device::SOFTWARE_VULKAN, &problem, &pooling);
    assert!(choice.fused, "{}", choice.explain());
    assert!(choice.explain().contains("max_pool2d of [2, 2] in the same kernel"), "{}", choice.explain());
    let overlapping = Pooling { pool: Pool2d { stride: [1, 1], ..pooling.pool }, ..pooling };
    let choice = select::conv2d_pooled(&Device::SOFTWARE_VULKAN, &problem, &overlapping);
    assert!(!choice.fused && choice.explain().contains("a kernel of its own"), "{}", choice.explain());
}

#[test]
fn what_cannot_be_pooled_is_an_error() {
    for context in contexts() {
        let (x, _) = random_tensor(&context, 1, &[1, 4, 8, 8]);
        let (w, _) = random_tensor(&context, 2, &[4, 4, 3, 3]);
        let problem = Problem::new(&SAME, [1, 4, 8, 8], [4, 4, 3, 3]).unwrap();
        let pooling = Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) };
        let large = Pooling { pool: Pool2d::new([9, 9]), ..pooling };
        let error = x
            .conv2d_with(
                &w,
                &Conv2dCall { pool: Some(large), ..Conv2dCall::new(SAME).with_epilogue(Epilogue::default()) },
            )
            .unwrap_err()
            .to_string();
        assert!(error.contains("max_pool2d") && error.contains("[9, 9]"), "{error}");
        // The launcher itself refuses what its kernel cannot hold, and a residual in the result's place.
        let x = x.to_layout(Layout::ChannelsLast).unwrap();
        let y = Tensor::empty(&context, &[1, 4, 4, 4], DType::F32, Layout::ChannelsLast).unwrap();
        let launch = |residual, algorithm| {
            let call = Launch {
                residual,
                pooling: Some(pooling),
                algorithm: Some(algorithm),
                ..Launch::new(&problem, x.buffer(), w.buffer())
            };
            convolution::forward(&context, &call, y.buffer())
        };
        let error = launch(None, Conv2dAlgorithm::Direct).unwrap_err().to_string();
        assert!(error.contains("direct") && error.contains("whole windows"), "{error}");
        let error = launch(Some(y.buffer()), Conv2dAlgorithm::WinogradF2).unwrap_err().to_string();
        assert!(error.contains("residual"), "{error}");
    }
}
