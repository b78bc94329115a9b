//! Where f32 ends: means far from 0 with a small spread, squares that leave the range, infinities and NaN in norms, running
//! sums, softmax and losses. Expected values without another source are PyTorch 1.13.1's (CPU).
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, host::channels_last, host::numbers, random};
use tilewright::{
    DType, Tensor, Var,
    graph::{Compiled, Options, capture},
    ops::{CrossEntropy, CumSum, Moments, Reduction},
    tensor::Error as TensorError,
};
use tilewright_reference::{cumsum as running, normalization as reference};

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

type Rows<'a> = &'a [([f32; 2], &'a [f32], [f32; 2])];

/// For each row of two numbers the values of `function`, and the gradient of their sum.
fn rows(name: &str, rows: Rows<'_>, function: &Norm) {
    let mut cases = Cases::new();
    for context in contexts() {
        for (row, expected, gradient) in rows {
            let leaf = Var::leaf(Tensor::from_slice(&context, row, &[1, 2]).unwrap());
            let y = function(&leaf).unwrap();
            let name = format!("{name} of {row:?} ({:?})", context.mode());
            cases.check(&name, same(&numbers::<f32>(y.tensor()), expected));
            let gradients = y.sum(&[], false).unwrap().backward().unwrap();
            let found = numbers::<f32>(gradients.get(&leaf).unwrap());
            cases.check(format!("gradient of {name}"), same(&found, gradient));
        }
    }
    cases.finish();
}

/// Where PyTorch's own square overflows (±1e30) or underflows, the exact norm; infinities, NaN and zeros as PyTorch.
#[test]
fn norms_at_the_ends_of_the_range() {
    let half = 0.5f32.sqrt();
    rows(
        "l2_norm",
        &[
            ([3.0, 4.0], &[5.0], [0.6, 0.8]),
            ([0.0, 0.0], &[0.0], [0.0, 0.0]),
            ([1e30, -1e30], &[1e30 / half], [half, -half]),
            ([1e-30, 1e-30], &[1e-30 / half], [half, half]),
            ([3e38, 3e38], &[INF], [half, half]),
            ([1.0, 1e-30], &[1.0], [1.0, 1e-30]),
            ([INF, 1.0], &[INF], [NAN, 0.0]),
            ([-INF, -INF], &[INF], [NAN, NAN]),
            ([NAN, 1.0], &[NAN], [NAN, NAN]),
        ],
        &|x| x.l2_norm(&[1], false),
    );
    rows(
        "l1_norm",
        &[
            ([0.0, 0.0], &[0.0], [0.0, 0.0]),
            ([1e30, -1e30], &[2e30], [1.0, -1.0]),
            ([-INF, 1.0], &[INF], [-1.0, 1.0]),
        ],
        &|x| x.l1_norm(&[1], false),
    );
    rows(
        "lp_normalize of p 2",
        &[
            ([0.0, 0.0], &[0.0, 0.0], [0.0, 0.0]),
            ([3.0, 4.0], &[0.6, 0.8], [0.032, -0.024]),
            ([1e30, -1e30], &[half, -half], [half * 1e-30, half * 1e-30]),
            ([1e-30, 1e-30], &[half, half], [0.0, 0.0]),
            ([INF, 1.0], &[NAN, 0.0], [NAN, NAN]),
            ([NAN, 1.0], &[NAN, NAN], [NAN, NAN]),
        ],
        &|x| x.lp_normalize(2, 1),
    );
    rows(
        "lp_normalize of p 1",
        &[
            ([0.0, 0.0], &[0.0, 0.0], [0.0, 0.0]),
            ([1.0, 3.0], &[0.25, 0.75], [0.0, 0.0]),
            ([3e38, 3e38], &[0.5, 0.5], [0.0, 0.0]),
            ([1e-30, -1e-30], &[0.5, -0.5], [5e29, 5e29]),
            ([-INF, 1.0], &[NAN, 0.0], [NAN, NAN]),
        ],
        &|x| x.lp_normalize(1, 1),
    );
    rows(
        "log_sum_exp",
        &[
            ([0.0, 0.0], &[2f32.ln()], [0.5, 0.5]),
            ([1e30, -1e30], &[1e30], [1.0, 0.0]),
            ([-INF, 1.0], &[1.0], [0.0, 1.0]),
            ([-INF, -INF], &[-INF], [NAN, NAN]),
            ([INF, 1.0], &[INF], [NAN, 0.0]),
            ([INF, -INF], &[INF], [NAN, 0.0]),
            ([NAN, 1.0], &[NAN], [NAN, NAN]),
        ],
        &|x| x.log_sum_exp(&[1], false),
    );
}

#[test]
fn softmax_of_infinities() {
    let nothing = [NAN; 2];
    let lost: [([f32; 2], &[f32], [f32; 2]); 5] = [
        ([INF, 1.0], &nothing, nothing),
        ([-INF, -INF], &nothing, nothing),
        ([NAN, 1.0], &nothing, nothing),
        ([INF, -INF], &nothing, nothing),
        ([INF, INF], &nothing, nothing),
    ];
    let softmax: Rows<'_> = &[([-INF, 1.0], &[0.0, 1.0], [0.0, 0.0]), ([3e38, 3e38], &[0.5, 0.5], [0.0; 2])];
    rows("softmax", &[softmax, &lost[..]].concat(), &|x| x.softmax(1));
    let log: Rows<'_> =
        &[([-INF, 1.0], &[-INF, 0.0], [1.0, -1.0]), ([1e30, -1e30], &[0.0, -2e30], [-1.0, 1.0])];
    rows("log_softmax", &[log, &lost[..]].concat(), &|x| x.log_softmax(1));
    // The kernels of longer lines, every element of them: one +∞ leaves no number.
    let mut cases = Cases::new();
    for context in contexts() {
        for along in [60, 300, 1000, 1028] {
            for at in [0, along / 2, along - 1] {
                let mut values = random(8, 4 * along, -1.0, 1.0);
                values[2 * along + at] = INF;
                let x = Tensor::from_slice(&context, &values, &[4, along]).unwrap();
                for (what, y) in [("softmax", x.softmax(1)), ("log_softmax", x.log_softmax(1))] {
                    let y = numbers::<f32>(&y.unwrap());
                    let wrong = (0..4 * along).find(|&i| y[i].is_nan() != (i / along == 2));
                    let name = format!("{what} of {along} with ∞ at {at} ({:?})", context.mode());
                    cases.check(name, wrong.map_or(Ok(()), |i| Err(format!("{} at {i}", y[i]))));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn losses_of_infinities() {
    let mut cases = Cases::new();
    let (a, b) = (1.313_261_6, 0.313_261_66);
    type Loss<'a> = ([f32; 4], [i32; 2], f32, [f32; 2], [f32; 4]);
    let all: [Loss<'_>; 7] = [
        ([-INF, 1.0, 1.0, 2.0], [0, 1], 0.0, [INF, b], [-1.0, 1.0, 0.268_941_43, -0.268_941_43]),
        ([-INF, 1.0, 1.0, 2.0], [0, 1], 0.1, [INF, 0.363_261_64], [-0.95, 0.95, 0.218_941_43, -0.218_941_4]),
        ([1.0, 2.0, -INF, -INF], [0, 1], 0.0, [a, NAN], [-0.731_058_6, 0.731_058_6, NAN, NAN]),
        ([1.0, 2.0, INF, 1.0], [0, 1], 0.0, [a, NAN], [-0.731_058_6, 0.731_058_6, NAN, NAN]),
        ([NAN, 1.0, 1.0, 2.0], [0, 1], 0.0, [NAN, b], [NAN, NAN, 0.268_941_43, -0.268_941_43]),
        ([-INF, 1.0, 1.0, 2.0], [0, -100], 0.0, [INF, 0.0], [-1.0, 1.0, 0.0, 0.0]),
        // PyTorch's gradient of the ignored sample is NaN here; a sample that counts for nothing moves nothing.
        ([1.0, 2.0, NAN, INF], [0, -100], 0.0, [a, 0.0], [-0.731_058_6, 0.731_058_6, 0.0, 0.0]),
    ];
    for context in contexts() {
        for (logits, labels, label_smoothing, expected, gradient) in all {
            let leaf = Var::leaf(Tensor::from_slice(&context, &logits, &[2, 2]).unwrap());
            let target = Tensor::from_slice(&context, &labels, &[2]).unwrap();
            let op = CrossEntropy { label_smoothing, ignore_index: Some(-100), reduction: Reduction::None };
            let losses = leaf.cross_entropy(&target, None, &op).unwrap();
            let name = format!("{logits:?} {labels:?} {label_smoothing} ({:?})", context.mode());
            cases.check(&name, same(&numbers::<f32>(losses.tensor()), &expected));
            let gradients = losses.sum(&[], false).unwrap().backward().unwrap();
            let found = numbers::<f32>(gradients.get(&leaf).unwrap());
            cases.check(format!("gradient of {name}"), same(&found, &gradient));
        }
        // nll_loss: neither an ignored score nor another class's weight is multiplied into a loss.
        let scores = Tensor::from_slice(&context, &[-INF, 1.0, 1.0, -INF], &[2, 2]).unwrap();
        let labels = Tensor::from_slice(&context, &[0i32, 1], &[2]).unwrap();
        let found = scores.nll_loss(&labels, None, Some(1), Reduction::None).unwrap();
        cases.check("nll_loss, ignored", same(&numbers::<f32>(&found), &[INF, 0.0]));
        let scores = Tensor::from_slice(&context, &[-1.0, 1.0, 1.0, -2.0], &[2, 2]).unwrap();
        let weights = Tensor::from_slice(&context, &[1.0, INF], &[2]).unwrap();
        let found = scores.nll_loss(&labels, Some(&weights), None, Reduction::None).unwrap();
        cases.check("nll_loss, weights", same(&numbers::<f32>(&found), &[1.0, INF]));
    }
    cases.finish();
}

/// An infinity or a NaN reaches what comes behind it in its line: in each place, both ways, along each axis, however a line
/// is cut.
#[test]
fn running_sums_keep_infinities_where_they_are() {
    let mut cases = Cases::new();
    let shapes: [(&[usize], usize); 7] = [
        (&[4], 0),
        (&[2, 3, 4, 5], 1),
        (&[2, 3, 4, 5], 3),
        (&[3, 257], 1),
        (&[700, 2], 0),
        (&[2, 2, 5000], 2),
        (&[1, 3, 90, 40], 2),
    ];
    for context in contexts() {
        for (shape, axis) in shapes {
            let count: usize = shape.iter().product();
            for (which, special) in [(0, INF), (count / 2, -INF), (count - 1, NAN), (count / 3, INF)] {
                let mut values = random(9, count, -1.0, 1.0);
                values[which] = special;
                let mut inputs = vec![Tensor::from_slice(&context, &values, shape).unwrap()];
                if shape.len() == 4 {
                    inputs.push(channels_last(&context, &values, shape));
                }
                for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
                    let op = CumSum { axis, exclusive, reverse };
                    let expected = running::cumsum(op, &values, shape);
                    for x in &inputs {
                        let found = numbers::<f32>(&x.cumsum(&op).unwrap());
                        let equal = |a: f32, b: f32| {
                            (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-5 * (1.0 + b.abs())
                        };
                        let wrong = (0..count).find(|&at| !equal(found[at], expected[at]));
                        let outcome = wrong.map_or(Ok(()), |at| {
                            Err(format!("{} at {at}, expected {}", found[at], expected[at]))
                        });
                        cases.check(
                            format!("{x:?} {op:?} {special} at {which} ({:?})", context.mode()),
                            outcome,
                        );
                    }
                }
            }
        }
    }
    cases.finish();
}

/// A million equal addends: one long sum in f32 is off by 1e-3 of it, and the sums of blocks are not.
#[test]
fn running_sums_of_a_million() {
    let context = context();
    let values = vec![0.1f32; 1_000_000];
    let x = Tensor::from_slice(&context, &values, &[1_000_000]).unwrap();
    let found = numbers::<f32>(&x.cumsum(&CumSum::default()).unwrap());
    let expected = running::cumsum(CumSum::default(), &values, &[1_000_000]);
    close(&found, &expected, 3e-6, 0.0).unwrap();
    let again = numbers::<f32>(&x.cumsum(&CumSum::default()).unwrap());
    assert!(found.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    let mut serial = 0.0f32;
    let error = values.iter().map(|v| {
        serial += v;
        serial
    });
    let worst = error.zip(&expected).map(|(a, b)| ((a - b) / b).abs()).fold(0.0, f32::max);
    assert!(worst > 1e-3, "the serial sum is {worst} off");
}

/// Rows of a table that have fewer taps than others are filled up with taps of weight 0.
#[test]
fn taps_without_weight_are_none() {
    let mut cases = Cases::new();
    for context in contexts() {
        let x = Tensor::from_slice(&context, &[INF, 1.0, 2.0, NAN], &[1, 1, 1, 4]).unwrap();
        let table = [1.0, 1.0, 0.0, 0.0, 2.0, 0.5, 1.0, 0.5, 2.0, 1.0, 3.0, 0.0];
        let columns = Tensor::from_slice(&context, &table, &[3, 2, 2]).unwrap();
        let rows = Tensor::from_slice(&context, &[0.0, 1.0], &[1, 1, 2]).unwrap();
        let y = x.resample(2, &rows, &columns).unwrap();
        cases.check(format!("{:?}", context.mode()), same(&numbers::<f32>(&y), &[1.0, 1.5, 2.0]));
    }
    cases.finish();
}
