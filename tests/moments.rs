//! Moments and what is normalised by them: means far from 0 with a small spread, infinities, every way of cutting lines.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, host::channels_last, host::numbers, random};
use tilewright::{
    DType, Tensor, Var,
    graph::{Compiled, Options, capture},
    ops::{BatchNorm, Moments},
    tensor::Error as TensorError,
};
use tilewright_reference::normalization as reference;

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

/// Equal, where NaN equals NaN and infinities are exact, and numbers to five digits.
fn same(found: &[f32], expected: &[f32]) -> Result<(), String> {
    let equal = |a: f32, b: f32| {
        (a.is_nan() && b.is_nan()) || a == b || ((a - b).abs() <= 1e-5 * b.abs() && b.is_finite())
    };
    let fits = found.len() == expected.len() && found.iter().zip(expected).all(|(&a, &b)| equal(a, b));
    if fits { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) }
}

/// `(x − mean) / √(variance + eps)` in f64, and its gradient for `grad`.
fn standardized(x: &[f32], shape: &[usize], axes: &[usize], eps: f64, grad: &[f32]) -> [Vec<f32>; 2] {
    let kept: Vec<usize> =
        shape.iter().enumerate().map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n }).collect();
    let group = |mut at: usize| {
        let (mut group, mut step) = (0, 1);
        for axis in (0..shape.len()).rev() {
            group += at % shape[axis] % kept[axis] * step;
            at /= shape[axis];
            step *= kept[axis];
        }
        group
    };
    let groups: Vec<usize> = (0..x.len()).map(group).collect();
    let of = |value: &dyn Fn(usize) -> f64| {
        let mut sums = vec![0.0; kept.iter().product()];
        (0..x.len()).for_each(|at| sums[groups[at]] += value(at));
        let count = x.len() as f64 / sums.len() as f64;
        sums.iter().map(|sum| sum / count).collect::<Vec<f64>>()
    };
    let mean = of(&|at| f64::from(x[at]));
    let variance = of(&|at| (f64::from(x[at]) - mean[groups[at]]).powi(2));
    let inverse: Vec<f64> = variance.iter().map(|v| 1.0 / (v + eps).sqrt()).collect();
    let y: Vec<f64> =
        (0..x.len()).map(|at| (f64::from(x[at]) - mean[groups[at]]) * inverse[groups[at]]).collect();
    let grad_mean = of(&|at| f64::from(grad[at]));
    let along = of(&|at| f64::from(grad[at]) * y[at]);
    let back = |at: usize| {
        (f64::from(grad[at]) - grad_mean[groups[at]] - y[at] * along[groups[at]]) * inverse[groups[at]]
    };
    [y.iter().map(|&y| y as f32).collect(), (0..x.len()).map(|at| back(at) as f32).collect()]
}

/// What is normalised: a name, the shape, the axes, eps.
type Case<'a> = (&'a str, &'a [usize], &'a [usize], f64, &'a Norm);

type Norm = dyn Fn(&Var) -> Result<Var, tilewright::autograd::Error>;

/// f32 has eight digits: of x = 1e6 ± 1 six are the mean's, and the other two are the result's.
#[test]
fn normalisations_far_from_zero() {
    let mut cases = Cases::new();
    let image: &[usize] = &[2, 4, 9, 11];
    let all: [Case<'_>; 9] = [
        ("layer_norm", &[3, 64], &[1], 1e-5, &|x| Ok(x.layer_norm(1, None, None, 1e-5)?.y)),
        ("layer_norm", &[5, 2, 77], &[1, 2], 1e-5, &|x| Ok(x.layer_norm(1, None, None, 1e-5)?.y)),
        ("layer_norm", &[2, 9001], &[1], 1e-5, &|x| Ok(x.layer_norm(1, None, None, 1e-5)?.y)),
        ("layer_norm", &[1, 40_000], &[1], 1e-5, &|x| Ok(x.layer_norm(1, None, None, 1e-5)?.y)),
        ("instance_norm", image, &[2, 3], 1e-5, &|x| x.instance_norm(None, None, 1e-5)),
        ("group_norm", &[2, 1, 4, 99], &[2, 3], 1e-5, &|x| x.group_norm(1, None, None, 1e-5)),
        ("mean_variance_norm", image, &[0, 2, 3], 0.0, &|x| x.mean_variance_norm(&[0, 2, 3])),
        ("standardize", image, &[1, 3], 1e-5, &|x| Ok(x.standardize(&[1, 3], 1e-5)?.y)),
        ("standardize", &[6, 500, 3], &[1], 1e-5, &|x| Ok(x.standardize(&[1], 1e-5)?.y)),
    ];
    for context in contexts() {
        for (what, shape, axes, eps, norm) in all {
            for base in [0.0, 4e4, -1e6] {
                let count = shape.iter().product();
                let values: Vec<f32> = random(3, count, -1.0, 1.0).iter().map(|v| base + v).collect();
                let grads = random(4, count, -1.0, 1.0);
                let [y, grad_x] = standardized(&values, shape, axes, eps, &grads);
                let mut inputs = vec![Tensor::from_slice(&context, &values, shape).unwrap()];
                if shape.len() == 4 {
                    inputs.push(channels_last(&context, &values, shape));
                }
                for x in inputs {
                    let name = format!("{what} {x:?} of {base} ({:?})", context.mode());
                    let grad_y = Tensor::from_slice(&context, &grads, shape).unwrap();
                    let leaf = Var::leaf(x);
                    let found = norm(&leaf).unwrap();
                    cases.check(&name, close(&numbers::<f32>(found.tensor()), &y, 0.0, 1e-5));
                    let gradients = found.backward_with(&grad_y).unwrap();
                    let gradient = numbers::<f32>(gradients.get(&leaf).unwrap());
                    cases.check(format!("gradient of {name}"), close(&gradient, &grad_x, 1e-5, 1e-5));
                }
            }
        }
    }
    cases.finish();
}

/// A captured normalisation computes what the eager one does.
#[test]
fn normalisations_far_from_zero_compiled() {
    let context = context();
    let values: Vec<f32> = random(5, 6 * 200, -1.0, 1.0).iter().map(|v| 1e6 + v).collect();
    let [expected, _] = standardized(&values, &[6, 200], &[1], 1e-5, &values);
    let graph = capture(&context, &[("x", &[6, 200], DType::F32)], |inputs| {
        Ok::<_, TensorError>(vec![("y".to_owned(), inputs[0].layer_norm(1, None, None, 1e-5)?.y)])
    })
    .unwrap();
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    let x = Tensor::from_slice(&context, &values, &[6, 200]).unwrap();
    let found = compiled.run(&[&x]).unwrap();
    close(&numbers::<f32>(&found[0]), &expected, 0.0, 1e-5).unwrap();
}

/// Lines of every width that is read and cut otherwise, along every axis, against sums in f64.
#[test]
fn moments_of_any_axes() {
    let mut cases = Cases::new();
    let shapes: [(&[usize], &[usize]); 14] = [
        (&[], &[]),
        (&[7], &[0]),
        (&[5, 1], &[1]),
        (&[2, 3, 4, 5], &[]),
        (&[2, 3, 4, 5], &[1]),
        (&[2, 3, 4, 5], &[0, 2]),
        (&[2, 8, 4, 5], &[2, 3]),
        (&[2, 6, 4, 5], &[0, 2, 3]),
        (&[3, 256], &[1]),
        (&[3, 1028], &[1]),
        (&[2, 1031], &[1]),
        (&[1030, 8], &[0]),
        (&[700, 3], &[0]),
        (&[1, 300_000], &[1]),
    ];
    for context in contexts() {
        for (shape, axes) in shapes {
            let count = shape.iter().product();
            let values: Vec<f32> = random(6, count, -2.0, 2.0).iter().map(|v| 3e5 + v).collect();
            let op = Moments { axes: axes.to_vec() };
            let expected = reference::moments(&op, &values, shape);
            let mut inputs = vec![Tensor::from_slice(&context, &values, shape).unwrap()];
            if shape.len() == 4 {
                inputs.push(channels_last(&context, &values, shape));
            }
            for x in inputs {
                let [mean, rest, variance] = x.split_moments(axes).unwrap();
                let name = format!("{x:?} over {axes:?} ({:?})", context.mode());
                assert_eq!(mean.shape(), op.output_shape(shape).unwrap());
                // Either neighbour may be the mean: the two together are what is meant.
                let whole = |mean: &[f32], rest: &[f32]| -> Vec<f32> {
                    mean.iter().zip(rest).map(|(m, r)| (f64::from(*m) - 3e5 + f64::from(*r)) as f32).collect()
                };
                let found = whole(&numbers::<f32>(&mean), &numbers::<f32>(&rest));
                cases.check(&name, close(&found, &whole(&expected[0], &expected[1]), 1e-6, 1e-6));
                cases.check(&name, close(&numbers::<f32>(&variance), &expected[2], 1e-5, 1e-9));
            }
        }
        let empty = Tensor::zeros(&context, &[3, 0]).unwrap();
        let (mean, variance) = empty.moments(&[1]).unwrap();
        let lost = |tensor: &Tensor| numbers::<f32>(tensor).iter().all(|value| value.is_nan());
        assert!(lost(&mean) && lost(&variance), "the moments of nothing are NaN, as PyTorch's");
    }
    cases.finish();
}

/// An infinity is in the statistics of its line alone.
#[test]
fn moments_of_infinities() {
    let mut cases = Cases::new();
    for context in contexts() {
        for at in 0..4 {
            let mut values = vec![1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0];
            values[at] = INF;
            let x = Tensor::from_slice(&context, &values, &[2, 4]).unwrap();
            let (mean, variance) = x.moments(&[1]).unwrap();
            let name = format!("at {at} ({:?})", context.mode());
            cases.check(&name, same(&numbers::<f32>(&mean), &[INF, 2.5]));
            cases.check(&name, same(&numbers::<f32>(&variance), &[NAN, 1.25]));
            let y = x.layer_norm(1, None, None, 0.0).unwrap().y;
            let line = [-1.341_640_8, -0.447_213_6, 0.447_213_6, 1.341_640_8];
            cases.check(&name, same(&numbers::<f32>(&y), &[&[NAN; 4][..], &line].concat()));
        }
        // The squares overflow and the result does not.
        let x = Tensor::from_slice(&context, &[1e30, -1e30], &[1, 2]).unwrap();
        let y = x.layer_norm(1, None, None, 1e-5).unwrap().y;
        cases.check("1e30", same(&numbers::<f32>(&y), &[0.0, 0.0]));
    }
    cases.finish();
}

/// An infinity where a pivot would be: NaN in the whole of its channel, as PyTorch, and in no other.
#[test]
fn batch_statistics_of_an_infinity() {
    for context in contexts() {
        for at in [0, 40] {
            let mut values = random(7, 4 * 8 * 9, -1.0, 1.0);
            values[at] = INF;
            let x = Tensor::from_slice(&context, &values, &[4, 8, 3, 3]).unwrap();
            let (ones, zeros) =
                (Tensor::ones(&context, &[8]).unwrap(), Tensor::zeros(&context, &[8]).unwrap());
            let y = x.batch_norm_train(&ones, &zeros, &zeros, &ones, &BatchNorm::default()).unwrap().y;
            let y = numbers::<f32>(&y);
            let wrong = (0..y.len()).find(|&i| y[i].is_nan() != (i / 9 % 8 == at / 9 % 8));
            assert_eq!(wrong, None, "{:?}", context.mode());
        }
    }
}
