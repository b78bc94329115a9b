//! Every kernel that has a choice in it, at sizes that reach it: a NaN in every place stays, and of -inf alone the largest is
//! -inf.

use tilewright::{
    Conv2dCall, Tensor,
    kernels::{
        convolution::{Pass, Problem},
        select::{self, Device},
    },
    ops::{BinaryOp, Conv2d, Pool2d, PoolKind, Pooling, ReduceOp, Softmax, UnaryOp},
    tensor::Epilogue,
};
use tilewright_reference::{elementwise, pooling, reduction, softmax};

use super::same;
use crate::common::{Cases, contexts, random};

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;
const SPECIAL: [f32; 11] = [NAN, INF, -INF, -0.0, 0.0, 1.0, -1.0, 6.0, -3.0, 0.5, -7.5];

/// The first, the places around the first vec4 and run, the middle, and the last ones.
fn places(length: usize) -> Vec<usize> {
    let mut all: Vec<usize> =
        [0, 1, 3, 4, 7, 8, length / 2, length.saturating_sub(4), length.saturating_sub(1)].into();
    all.retain(|&at| at < length);
    all.sort_unstable();
    all.dedup();
    all
}

/// A row for each place with a NaN there, another with an infinity beside -inf alone, and one of -inf alone.
fn rows(length: usize) -> (Vec<f32>, usize) {
    let mut rows = vec![-INF; length];
    for (seed, place) in places(length).into_iter().enumerate() {
        for value in [NAN, INF] {
            let ordinary = value.is_nan().then(|| random(seed as u64, length, -1.0, 1.0));
            let mut row = ordinary.unwrap_or_else(|| vec![-INF; length]);
            row[place] = value;
            rows.extend(row);
        }
    }
    let count = rows.len() / length;
    (rows, count)
}

fn turned(x: &[f32], rows: usize, length: usize) -> Vec<f32> {
    (0..rows * length).map(|at| x[at % rows * length + at / rows]).collect()
}

/// Rows and columns of one part and of several, of single elements and of vec4s; short ones of which a thread has several.
#[test]
fn reductions_of_every_length() {
    let mut cases = Cases::new();
    for context in contexts() {
        for length in [1, 3, 4, 9, 64, 257, 1028, 5000] {
            let (x, count) = rows(length);
            let columns = turned(&x, count, length);
            for (axis, values, shape) in [(1, &x, [count, length]), (0, &columns, [length, count])] {
                let tensor = Tensor::from_slice(&context, values, &shape).unwrap();
                let name = |what: &str| format!("{what} of {shape:?} over {axis}, {:?}", context.mode());
                for op in [ReduceOp::Max, ReduceOp::Min] {
                    let y = tensor.reduce(op, &[axis], false).unwrap().to_vec::<f32>().unwrap();
                    let expected = reduction::reduce(op, values, &shape, &[axis]);
                    cases.check(name(op.name()), same(&y, &expected, 0.0, 0.0));
                }
                let places = tensor.argmax(&[axis], false).unwrap().to_vec::<i32>().unwrap();
                let expected = reduction::argmax(values, &shape, &[axis]);
                let outcome = if places == expected { Ok(()) } else { Err(format!("{places:?}")) };
                cases.check(name("argmax"), outcome);
                let y = tensor.softmax(axis).unwrap().to_vec::<f32>().unwrap();
                let expected = softmax::softmax(Softmax { axis }, values, &shape);
                cases.check(name("softmax"), same(&y, &expected, 1e-5, 1e-7));
            }
        }
    }
    cases.finish();
}

/// The kernels of one shape, of rows, of broadcast elements and of vec4s.
#[test]
fn pairs_by_every_way_to_broadcast() {
    let mut cases = Cases::new();
    let wide: Vec<f32> = (0..SPECIAL.len() * 16).map(|at| SPECIAL[at % SPECIAL.len()]).collect();
    for context in contexts() {
        for op in [BinaryOp::Maximum, BinaryOp::Minimum, BinaryOp::Pow] {
            for (a, a_shape, b, b_shape) in [
                (&SPECIAL[..], vec![11, 1], &SPECIAL[..], vec![11]),
                (&wide, vec![11, 16], &SPECIAL, vec![11, 1]),
                (&SPECIAL, vec![11, 1], &wide[..], vec![11, 16]),
                (&wide, vec![11, 16], &wide[..16], vec![16]),
                (&wide, vec![11, 16], &wide[3..4], vec![]),
            ] {
                let (ta, tb) = (
                    Tensor::from_slice(&context, a, &a_shape).unwrap(),
                    Tensor::from_slice(&context, b, &b_shape).unwrap(),
                );
                let y = ta.binary(op, &tb).unwrap().to_vec::<f32>().unwrap();
                let expected = elementwise::binary(op, a, &a_shape, b, &b_shape);
                let name = format!("{} of {a_shape:?} and {b_shape:?}, {:?}", op.name(), context.mode());
                cases.check(name, same(&y, &expected, 1e-5, 0.0));
            }
        }
    }
    cases.finish();
}

/// Images large enough for every kernel, of single channels and of vec4s.
#[test]
fn maxima_of_windows() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [[1, 3, 12, 11], [1, 64, 30, 29]] {
            let count: usize = shape.iter().product();
            let mut x = random(3, count, -1.0, 1.0);
            for (at, value) in x.iter_mut().enumerate() {
                match at * 7 % 31 {
                    0 => *value = NAN,
                    1 => *value = INF,
                    _ if at / (shape[2] * shape[3]) % 3 == 1 => *value = -INF,
                    _ => {}
                }
            }
            let tensor = Tensor::from_slice(&context, &x, &shape).unwrap();
            for pool in [
                Pool2d::new([2, 2]),
                Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) },
                Pool2d { stride: [1, 1], padding: [1, 1], ..Pool2d::new([3, 3]) },
                Pool2d { stride: [1, 1], padding: [2, 2], ..Pool2d::new([5, 5]) },
                Pool2d { dilation: [2, 2], ..Pool2d::new([2, 3]) },
                Pool2d::new([shape[2], shape[3]]),
            ] {
                let (expected, places) = pooling::max_pool2d(&pool, &x, shape);
                let (y, indices) = tensor.max_pool2d(&pool).unwrap();
                let name = format!("{pool:?} of {shape:?}, {:?}", context.mode());
                cases.check(&name, same(&y.to_vec::<f32>().unwrap(), &expected, 0.0, 0.0));
                let found = indices.to_vec::<i32>().unwrap();
                let outcome = if found == places { Ok(()) } else { Err("the indices differ") };
                cases.check(&name, outcome);
                let y = tensor.max_pool2d_values(&pool).unwrap().to_vec::<f32>().unwrap();
                cases.check(format!("{name}, values alone"), same(&y, &expected, 0.0, 0.0));
            }
        }
    }
    cases.finish();
}

/// A convolution that passes its input on, with activations and maxima in its kernel: what is special stays where it was.
#[test]
fn epilogues_of_convolutions() {
    let mut cases = Cases::new();
    let (channels, extent) = (4, 8);
    let shape = [1, channels, extent, extent];
    let mut weight = vec![0.0; channels * channels];
    (0..channels).for_each(|at| weight[at * channels + at] = 1.0);
    // One channel alone is special: a product with the weight 0 would make a NaN of it in the others.
    let x: Vec<f32> = (0..channels * extent * extent)
        .map(|at| if at < extent * extent { SPECIAL[at * 3 % 5] } else { at as f32 % 13.0 - 6.0 })
        .collect();
    for context in contexts() {
        let problem = Problem::new(&Conv2d::default(), shape, [channels, channels, 1, 1]).unwrap();
        let tensor = Tensor::from_slice(&context, &x, &shape).unwrap();
        let weight = Tensor::from_slice(&context, &weight, &[channels, channels, 1, 1]).unwrap();
        let activations = [UnaryOp::Relu, UnaryOp::Relu6];
        for algorithm in select::conv2d_candidates(&Device::of(&context), Pass::Forward, &problem) {
            for activation in activations {
                for pool in [None, Some(Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) })] {
                    let epilogue = Epilogue { activation: Some(activation), ..Epilogue::default() };
                    let call =
                        Conv2dCall { pool, algorithm: Some(algorithm), ..Conv2dCall::new(Conv2d::default()) };
                    let y = tensor.conv2d_with(&weight, &call.with_epilogue(epilogue)).unwrap();
                    let plane = extent * extent / if pool.is_some() { 4 } else { 1 };
                    let found = y.to_vec::<f32>().unwrap();
                    let mut expected = elementwise::unary(activation, &x);
                    if let Some(Pooling { pool, .. }) = &pool {
                        expected = pooling::max_pool2d(pool, &expected, shape).0;
                    }
                    let name = format!("{algorithm:?} {activation:?} {pool:?}, {:?}", context.mode());
                    cases.check(name, same(&found[..plane], &expected[..plane], 0.0, 1e-6));
                }
            }
        }
    }
    cases.finish();
}
