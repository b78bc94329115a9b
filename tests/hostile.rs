//! Whatever numbers a user passes: an operation answers or gives a typed error, and never panics.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::context;
use tilewright::{
    DType, Layout, ParameterStore, Tensor,
    nn::layers::{BatchNorm2d, Conv2d as ConvLayer, Conv2dOptions, Linear},
    ops::{
        AdaptiveAvgPool2d, BinaryOp, Conv2d, ConvTranspose2d, CrossEntropy, Dropout, LogSoftmax, MatMul, Op,
        Pool2d, PoolKind, Pooling, ReduceOp, SliceRange, Softmax,
    },
    zoo,
};

/// Nothing, a little, and what overflows 32 bits, a product or a sum.
const NUMBERS: [usize; 7] = [0, 1, 3, 1 << 31, 1 << 32, usize::MAX / 2, usize::MAX];

/// Pairs of a number and 1, both ways round, and of a number and itself.
fn pairs() -> Vec<[usize; 2]> {
    NUMBERS.into_iter().flat_map(|n| [[n, 1], [1, n], [n, n]]).collect()
}

fn pools() -> Vec<Pool2d> {
    let plain = Pool2d::new([2, 2]);
    let with = |pair: [usize; 2]| {
        [
            Pool2d::new(pair),
            Pool2d { stride: pair, ..plain },
            Pool2d { padding: pair, ..plain },
            Pool2d { dilation: pair, ..plain },
            Pool2d { padding: pair, ceil_mode: true, ..Pool2d::new(pair) },
        ]
    };
    pairs().into_iter().flat_map(with).collect()
}

fn convolutions() -> Vec<Conv2d> {
    let plain = Conv2d::default();
    let with = |pair: [usize; 2]| {
        [
            Conv2d { stride: pair, ..plain },
            Conv2d { padding: pair, ..plain },
            Conv2d { dilation: pair, ..plain },
            Conv2d { groups: pair[0], ..plain },
            Conv2d { stride: pair, padding: pair, dilation: pair, groups: 1 },
        ]
    };
    pairs().into_iter().flat_map(with).collect()
}

fn transposed() -> Vec<ConvTranspose2d> {
    let plain = ConvTranspose2d::default();
    let with = |pair: [usize; 2]| {
        [
            ConvTranspose2d { stride: pair, ..plain },
            ConvTranspose2d { padding: pair, ..plain },
            ConvTranspose2d { output_padding: pair, ..plain },
            ConvTranspose2d { dilation: pair, ..plain },
            ConvTranspose2d { groups: pair[0], ..plain },
        ]
    };
    pairs().into_iter().flat_map(with).collect()
}

/// Operations with every number in every place.
fn operations() -> Vec<Op> {
    let mut all = vec![Op::Permute(Vec::new()), Op::Concat { axis: 0 }];
    // What fits some operands meets all the others here.
    all.extend(cases::all().iter().filter_map(|case| case.graph_op().cloned()));
    all.extend(
        pools().into_iter().flat_map(|pool| {
            [Op::MaxPool2d { pool, indices: false }, Op::AvgPool2d(pool), Op::SumPool2d(pool)]
        }),
    );
    all.extend(convolutions().into_iter().map(|op| Op::Conv2d {
        op,
        bias: false,
        residual: false,
        activation: None,
        pool: None,
    }));
    all.extend(pools().into_iter().flat_map(|pool| {
        PoolKind::ALL.map(|kind| {
            let pool = Some(Pooling { kind, pool });
            Op::Conv2d { op: Conv2d::default(), bias: false, residual: false, activation: None, pool }
        })
    }));
    all.extend(transposed().into_iter().map(Op::ConvTranspose2d));
    all.extend(pairs().into_iter().map(|output| Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output })));
    for n in NUMBERS {
        for axes in [vec![n], vec![0, n], vec![n, n]] {
            all.extend(ReduceOp::ALL.map(|op| Op::Reduce { op, axes: axes.clone(), keepdim: n % 2 == 0 }));
            all.push(Op::Argmax { axes: axes.clone(), keepdim: n % 2 == 1 });
            all.push(Op::Permute(axes));
        }
        all.push(Op::Softmax(Softmax { axis: n }));
        all.push(Op::LogSoftmax(LogSoftmax { axis: n }));
        for shape in [vec![n], vec![n, 1], vec![n, n], vec![1, n, n, n], vec![n; 9]] {
            all.push(Op::Reshape(shape.clone()));
            // What fits memory is an answer, and too large for a test.
            if shape.len() > 2 || !(1 << 31..=1 << 32).contains(&n) {
                all.push(Op::Expand(shape));
            }
        }
        for rank in [0, 1, 2, 4] {
            for range in [
                SliceRange { start: n, end: 1, step: 1 },
                SliceRange { start: 0, end: n, step: 1 },
                SliceRange { start: 0, end: 1, step: n },
                SliceRange { start: n, end: n, step: n },
            ] {
                all.push(Op::Slice(vec![range; rank]));
            }
            // A border that fits memory is an answer, and too large for a test.
            if !(1 << 31..1 << 33).contains(&n) {
                all.push(Op::Pad { padding: vec![(n, 0); rank], value: 0.0 });
                all.push(Op::Pad { padding: vec![(n, n); rank], value: 0.0 });
            }
        }
        all.extend([Op::Concat { axis: n }, Op::Resample { axis: n }, Op::Gather { axis: n }]);
    }
    all
}

/// Runs `work`, and says what it was where it panics.
fn survives<T>(failures: &mut Vec<String>, what: impl FnOnce() -> String, work: impl FnOnce() -> T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        failures.push(format!("{}: {}", what(), message.unwrap_or_default()));
    }
}

fn finish(failures: &[String]) {
    assert!(failures.is_empty(), "{} panics\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_panic_is_noticed() {
    let mut failures = Vec::new();
    survives(&mut failures, || "quiet".to_owned(), || ());
    survives(&mut failures, || "loud".to_owned(), || panic!("for the test"));
    assert_eq!(failures, ["loud: for the test"]);
}

#[test]
fn no_operation_panics() {
    let context = context();
    let tensor = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
    let whole = tensor(&[2, 3]).cast(DType::I32).unwrap();
    let lists: Vec<Vec<Tensor>> = vec![
        Vec::new(),
        vec![tensor(&[])],
        vec![tensor(&[5])],
        vec![tensor(&[0, 3])],
        vec![tensor(&[1, 2, 4, 4])],
        vec![tensor(&[0, 0, 0, 0])],
        vec![tensor(&[1, 2, 1, 2, 1, 2])],
        vec![whole.clone()],
        vec![tensor(&[]), tensor(&[])],
        vec![tensor(&[2, 3]), tensor(&[3, 2])],
        vec![tensor(&[1, 2, 4, 4]), tensor(&[2, 2, 1, 1])],
        vec![tensor(&[1, 2, 4, 4]), tensor(&[0, 2, 0, 3])],
        vec![tensor(&[1, 2, 4, 4]), whole.clone()],
        vec![tensor(&[2, 3]), tensor(&[3, 2]), tensor(&[2])],
        vec![tensor(&[4]), tensor(&[]), tensor(&[0])],
        vec![tensor(&[2, 3]), tensor(&[3, 2]), tensor(&[2]), tensor(&[2, 2])],
        vec![tensor(&[1, 2, 4, 4]), tensor(&[2]), tensor(&[2]), tensor(&[2]), tensor(&[0])],
    ];
    let mut failures = Vec::new();
    for op in operations() {
        for list in &lists {
            let inputs: Vec<_> = list.iter().collect();
            let shapes: Vec<_> = list.iter().map(Tensor::shape).collect();
            survives(
                &mut failures,
                || format!("{op:?} of {shapes:?}"),
                || Tensor::run(&op, &inputs).map(drop),
            );
        }
    }
    context.synchronize().unwrap();
    finish(&failures);
}

#[test]
fn no_gradient_or_constructor_panics() {
    let context = context();
    let mut failures = Vec::new();
    let tensor = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
    let tensors =
        [&[][..], &[3], &[2, 3], &[0, 2], &[1, 2, 4, 4], &[2, 2, 1, 1], &[1, 2, 3, 4, 5]].map(tensor);
    let extents: Vec<Vec<usize>> =
        NUMBERS.into_iter().flat_map(|n| [vec![n], vec![1, n, n, n], vec![n; 9], Vec::new()]).collect();
    for shape in &extents {
        // What fits memory is an answer, and too large for a test.
        if shape.len() == 1 && (1 << 31..=1 << 32).contains(&shape[0]) {
            continue;
        }
        let mut check =
            |name: &str, work: &dyn Fn()| survives(&mut failures, || format!("{name} {shape:?}"), work);
        check("zeros", &|| drop(Tensor::zeros(&context, shape)));
        check("empty", &|| drop(Tensor::empty(&context, shape, DType::F16, Layout::ChannelsLast)));
        check("from_slice", &|| drop(Tensor::from_slice(&context, &[1.0f32], shape)));
        check("uniform", &|| drop(Tensor::uniform(&context, shape, 1, 2)));
        for x in &tensors {
            check("sum_to_shape", &|| drop(x.sum_to_shape(shape)));
            check("expand", &|| drop(x.expand(shape)));
            let signed: Vec<isize> = shape.iter().map(|&n| n as isize).collect();
            check("reshape", &|| drop(x.reshape(&signed)));
            check("col2im", &|| drop(x.col2im(&Conv2d::default(), [1, 1], shape)));
            check("slice_backward", &|| drop(Tensor::slice_backward(shape, &[SliceRange::new(0, 1)], x)));
            check("global", &|| drop(Tensor::global_avg_pool2d_backward(shape, x)));
        }
    }
    for x in &tensors {
        for y in &tensors {
            let what = |name: &str| format!("{name} of {:?} and {:?}", x.shape(), y.shape());
            let mut check = |name: &str, work: &dyn Fn()| survives(&mut failures, || what(name), work);
            for op in convolutions() {
                let name = format!("{op:?}");
                check(&name, &|| {
                    drop(Tensor::conv2d_backward_input(x, y, &[1, 2, 4, 4], &op, None));
                    drop(Tensor::conv2d_backward_weight(x, y, &[2, 2, 1, 1], &op, None));
                    drop(x.im2col(&op, [usize::MAX, 1]));
                });
            }
            for pool in pools() {
                let name = format!("{pool:?}");
                check(&name, &|| {
                    drop(Tensor::max_pool2d_backward(&pool, &[1, 2, 4, 4], x, y));
                    drop(Tensor::avg_pool2d_backward(&pool, x.shape(), y));
                    drop(Tensor::sum_pool2d_backward(&pool, &[usize::MAX; 4], y));
                });
            }
            for axis in NUMBERS {
                check(&format!("axis {axis}"), &|| {
                    drop(x.softmax_backward(axis, y));
                    drop(x.log_softmax_backward(axis, y));
                    drop(x.flatten(axis));
                    drop(Tensor::concat(&[x, y], axis));
                    drop(x.gather(axis, y));
                });
            }
            for transposes in [false, true] {
                let op = MatMul { transpose_left: transposes, transpose_right: !transposes };
                check("products", &|| {
                    drop(Tensor::matmul_backward(x, y, &op, x));
                    drop(x.linear(y, Some(x)));
                });
            }
            check("losses", &|| {
                drop(x.cross_entropy(y, Some(x), &CrossEntropy::default()));
                drop(x.dropout(&Dropout { p: f32::NAN }, 1, 2));
                drop(x.dropout(&Dropout { p: 2.0 }, 1, 2));
                drop(x.where_on(y, x));
                drop(Tensor::conv2d_backward_bias(x));
                drop(x.item());
                drop(x.to_vec::<i32>());
            });
            for op in BinaryOp::ALL {
                check("binary_backward", &|| drop(x.binary_backward(op, y, x, [true; 2])));
            }
        }
    }
    context.synchronize().unwrap();
    finish(&failures);
}

#[test]
fn no_layer_or_network_panics() {
    let context = context();
    let mut failures = Vec::new();
    // What the device may hold is an answer, and too large for a test.
    let numbers = NUMBERS.into_iter().filter(|n| !(1 << 31..=1 << 32).contains(n));
    for n in numbers {
        for [a, b] in [[n, 1], [1, n], [n, n]] {
            let mut check = |name: &str, work: &dyn Fn(&ParameterStore)| {
                let store = ParameterStore::new(&context, 1);
                survives(&mut failures, || format!("{name} {a} {b}"), || work(&store));
            };
            check("Linear", &|store| drop(Linear::new(&store.root(), a, b)));
            check("BatchNorm2d", &|store| drop(BatchNorm2d::new(&store.root(), a)));
            for groups in [1, n] {
                let op = Conv2d { groups, ..Conv2d::default() };
                let options = Conv2dOptions { op, ..Conv2dOptions::default() };
                check("Conv2d", &|store| {
                    drop(ConvLayer::new(&store.root(), a, b, [1, 1], options));
                    drop(ConvLayer::new(&store.root(), 0, 4, [a, b], options));
                });
            }
            // The small network alone depends on the image.
            let options = |image, classes| zoo::Options::new(image, classes);
            check("small_cnn", &|store| {
                drop(zoo::build("small_cnn", store, options([1, a, b], 10)));
                drop(zoo::build("small_cnn", store, options([a, 28, 28], b)));
            });
        }
    }
    finish(&failures);
}
