//! Norms, softmax, losses and resampling where f32 ends: squares that leave the range, zeros, infinities and NaN. Expected
//! values without another source are PyTorch 1.13.1's (CPU).
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, contexts, host::numbers, random};
use tilewright::{
    Tensor, Var,
    ops::{CrossEntropy, Reduction},
    tensor::composite::LocalResponseNorm,
};

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

type Norm = dyn Fn(&Var) -> Result<Var, tilewright::autograd::Error>;

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

/// Squares that overflow take the result to 0, and an infinity is none: in the channels of its window, and in no other.
#[test]
fn response_normalisation_of_large_numbers() {
    let mut cases = Cases::new();
    for context in contexts() {
        let values = [1e15, 1.0, 2.0, 3.0, INF, 5.0, 1.0, 2.0];
        let x = Tensor::from_slice(&context, &values, &[1, 8, 1]).unwrap();
        let y = x.local_response_norm(&LocalResponseNorm::new(3)).unwrap();
        let expected = [7.208_4e-5, 7.208_4e-20, 1.999_300_2, 0.0, NAN, 0.0, 0.999_250_6, 1.999_750_2];
        let close = |(a, b): (&f32, &f32)| (a.is_nan() && b.is_nan()) || (a - b).abs() <= 2e-5 * b.abs();
        let found = numbers::<f32>(&y);
        let fits = found.iter().zip(&expected).all(close);
        cases.check(format!("{:?}", context.mode()), if fits { Ok(()) } else { Err(format!("{found:?}")) });
    }
    cases.finish();
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
