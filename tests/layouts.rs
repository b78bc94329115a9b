//! A layout is where elements lie, not what they are: every operation and its gradients give the same numbers whichever
//! layout its operands and the incoming gradient have.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cases/mod.rs"]
mod cases;
mod common;

use common::{
    Cases, close, contexts_for_numbers, full,
    host::{channels_last, numbers},
    random,
};
use tilewright::{
    Context, Tensor, Var,
    ops::{
        AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, CrossEntropy, Dropout, MatMul, Pool2d, ReduceOp,
        Reduction, SliceRange, UnaryOp,
    },
};

type Numbers = Vec<Vec<f32>>;

/// The result and the gradients of `function` under one choice of layouts; bit `i` of `choice` is operand `i`'s, bit 7 that
/// of the incoming gradient.
fn run(
    context: &Context,
    operands: &[(Vec<f32>, Vec<usize>)],
    choice: u32,
    function: impl Fn(&[Var]) -> tilewright::autograd::Result<Var>,
) -> Result<Numbers, String> {
    let lay = |values: &[f32], shape: &[usize], bit: u32| match choice >> bit & 1 {
        1 => channels_last(context, values, shape),
        _ => Tensor::from_slice(context, values, shape).unwrap(),
    };
    let mut leaves = Vec::new();
    for (at, (values, shape)) in operands.iter().enumerate() {
        leaves.push(Var::leaf(lay(values, shape, at as u32)));
    }
    let y = function(&leaves).map_err(|error| error.to_string())?;
    let values = random(77, y.tensor().count(), -1.0, 1.0);
    let grad_y = lay(&values, y.shape(), 7);
    let gradients = y.backward_with(&grad_y).map_err(|error| error.to_string())?;
    let mut all = vec![numbers(y.tensor())];
    for leaf in &leaves {
        let gradient = gradients.get(leaf).ok_or("no gradient")?;
        if gradient.shape() != leaf.shape() {
            return Err(format!("gradient {:?} of {:?}", gradient.shape(), leaf.shape()));
        }
        all.push(numbers(gradient));
    }
    Ok(all)
}

/// Every choice of layouts against all row-major.
fn sweep(
    cases: &mut Cases,
    context: &Context,
    name: &str,
    shapes: &[&[usize]],
    function: impl Fn(&[Var]) -> tilewright::autograd::Result<Var>,
) {
    let values = |at: usize, shape: &[usize]| random(at as u64 + 1, shape.iter().product(), 0.1, 1.0);
    let operands: Vec<_> =
        shapes.iter().enumerate().map(|(at, shape)| (values(at, shape), shape.to_vec())).collect();
    sweep_of(cases, context, name, &operands, function);
}

/// As [`sweep`], of operands with their values.
fn sweep_of(
    cases: &mut Cases,
    context: &Context,
    name: &str,
    operands: &[(Vec<f32>, Vec<usize>)],
    function: impl Fn(&[Var]) -> tilewright::autograd::Result<Var>,
) {
    let shapes: Vec<_> = operands.iter().map(|(_, shape)| shape).collect();
    let expected = match run(context, operands, 0, &function) {
        Ok(expected) => expected,
        Err(error) => return cases.check(format!("{name} {shapes:?}"), Err(error)),
    };
    for layouts in 0..1_u32 << operands.len() {
        for gradient in [0, 1 << 7] {
            // The expected numbers themselves; and with several operands each choice of theirs meets one of the gradient's.
            let met = (layouts.count_ones() % 2 == 0) == (gradient == 0);
            if layouts | gradient == 0 || (!full() && shapes.len() > 1 && met) {
                continue;
            }
            let outcome = run(context, operands, layouts | gradient, &function).and_then(|actual| {
                for (actual, expected) in actual.iter().zip(&expected) {
                    close(actual, expected, 1e-5, 1e-5)?;
                }
                Ok(())
            });
            cases.check(format!("{name} {shapes:?}, layouts {layouts:b}, gradient {gradient}"), outcome);
        }
    }
}

/// Also those for which both layouts are the same bytes, and those without an element.
const SHAPES: [[usize; 4]; 8] = [
    [2, 3, 4, 5],
    [2, 4, 3, 3],
    [1, 8, 5, 4],
    [3, 1, 4, 4],
    [2, 5, 1, 1],
    [1, 1, 1, 1],
    [0, 3, 4, 4],
    [2, 1, 1, 6],
];

#[test]
fn of_every_case() {
    for context in contexts_for_numbers() {
        let mut table = Cases::new();
        for case in cases::all() {
            let operands: Vec<_> =
                case.leaves().map(|(seed, input)| (input.values(seed), input.shape.clone())).collect();
            // Other ranks have one layout, and places of maxima no gradient.
            let images = operands.iter().any(|(_, shape)| shape.len() == 4);
            let leaves =
                || operands.iter().map(|(values, shape)| Var::leaf(channels_last(&context, values, shape)));
            if images && case.run(&leaves().collect::<Vec<_>>()).is_some() {
                let function = |x: &[Var]| case.run(x).unwrap_or(Err(tilewright::autograd::Error::NoTape));
                sweep_of(&mut table, &context, &case.name, &operands, function);
            }
        }
        table.finish();
    }
}

#[test]
fn of_one_operand() {
    for context in contexts_for_numbers() {
        let mut cases = Cases::new();
        for (at, shape) in SHAPES.into_iter().enumerate() {
            let mut turn = 0;
            let mut one = |name: &str, function: &dyn Fn(&Var) -> tilewright::autograd::Result<Var>| {
                // Every second shape, one function the odd ones and the next the even.
                turn += 1;
                if full() || (turn + at) % 2 == 0 {
                    sweep(&mut cases, &context, name, &[&shape], |v| function(&v[0]));
                }
            };
            let [n, c, h, w] = shape;
            one("relu", &|x| x.relu());
            one("gelu", &|x| x.unary(UnaryOp::Silu));
            for axes in [&[][..], &[0], &[1], &[3], &[2, 3], &[0, 2, 3], &[0, 1, 2, 3]] {
                for keepdim in [false, true] {
                    for op in ReduceOp::ALL {
                        // Of nothing there is no maximum, and the mean is NaN.
                        if n == 0 && op != ReduceOp::Sum {
                            continue;
                        }
                        // Which axes, a sum shows; that every reduction goes over them, two choices do.
                        if !full() && (keepdim != (axes.len() == 1) || op != ReduceOp::Sum && axes.len() != 2)
                        {
                            continue;
                        }
                        one(&format!("{op:?} {axes:?} {keepdim}"), &|x| x.reduce(op, axes, keepdim));
                    }
                }
            }
            for axis in 0..4 {
                one("softmax", &|x| x.softmax(axis));
                one("log_softmax", &|x| x.log_softmax(axis));
                one("concat with itself", &|x| Var::concat(&[x, x, x], axis));
            }
            one("reshape", &|x| x.reshape(&[w as isize, h as isize, c as isize, n as isize]));
            one("flatten", &|x| x.flatten(1));
            one("permute", &|x| x.permute(&[1, 3, 0, 2]));
            one("permute to NHWC", &|x| x.permute(&[0, 2, 3, 1]));
            one("pad", &|x| x.pad(&[(0, 1), (1, 2), (2, 0), (0, 0)], 0.5));
            one("expand", &|x| x.expand(&[2, n, c, h, w]));
            one("slice", &|x| {
                x.slice(&[
                    SliceRange::full(n),
                    SliceRange { start: c / 2, end: c, step: 2 },
                    SliceRange { start: 0, end: h, step: 3 },
                    SliceRange { start: w / 2, end: w, step: 1 },
                ])
            });
            one("dropout", &|x| x.dropout(&Dropout { p: 0.4 }, 3, 9));
            one("x + x", &|x| x.add(x));
            one("x · x", &|x| x.mul(x));
            one("x / x", &|x| x.div(x));
            one("global average", &|x| x.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] }));
            one("adaptive average", &|x| x.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [3, 2] }));
            let pool = Pool2d { stride: [2, 1], padding: [1, 0], ceil_mode: true, ..Pool2d::new([2, 1]) };
            one("max_pool2d", &|x| x.max_pool2d(&pool));
            one("avg_pool2d", &|x| x.avg_pool2d(&pool));
            one("sum_pool2d", &|x| x.sum_pool2d(&pool));
            one("im2col", &|x| x.im2col(&Conv2d { padding: [1, 1], ..Conv2d::default() }, [2, 2]));
            if n * h * w > 0 {
                let labels: Vec<i32> = (0..n * h * w).map(|i| (i % c) as i32).collect();
                let labels = Tensor::from_slice(&context, &labels, &[n, h, w]).unwrap();
                for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
                    let op = CrossEntropy { reduction, label_smoothing: 0.1, ..CrossEntropy::default() };
                    one("cross_entropy", &|x| x.cross_entropy(&labels, None, &op));
                }
            }
        }
        cases.finish();
    }
}

#[test]
fn of_several_operands() {
    for context in contexts_for_numbers() {
        let mut cases = Cases::new();
        let pairs: [[&[usize]; 2]; 9] = [
            [&[2, 3, 4, 5], &[2, 3, 4, 5]],
            [&[2, 3, 4, 5], &[1, 3, 1, 1]],
            [&[1, 3, 1, 1], &[2, 3, 4, 5]],
            [&[2, 1, 4, 1], &[1, 3, 1, 5]],
            [&[2, 3, 4, 5], &[5]],
            [&[4, 1], &[2, 3, 4, 5]],
            [&[], &[2, 4, 3, 3]],
            [&[0, 3, 4, 4], &[1, 3, 1, 1]],
            [&[2, 4, 1, 1], &[2, 1, 5, 5]],
        ];
        for shapes in pairs {
            for op in BinaryOp::ALL {
                // How operands are read does not depend on what is computed of them.
                if !full() && ![BinaryOp::Add, BinaryOp::Mul, BinaryOp::Maximum].contains(&op) {
                    continue;
                }
                sweep(&mut cases, &context, op.name(), &shapes, |v| v[0].binary(op, &v[1]));
            }
        }
        for (x, weight, groups) in [
            ([2, 3, 5, 6], [4, 3, 3, 2], 1),
            ([2, 4, 5, 6], [8, 4, 1, 1], 1),
            ([2, 4, 5, 5], [8, 2, 3, 3], 2),
            ([1, 4, 5, 5], [4, 1, 3, 3], 4),
            ([1, 4, 5, 5], [8, 1, 3, 3], 4),
            ([2, 1, 5, 5], [8, 1, 3, 3], 1),
            ([2, 6, 1, 1], [5, 6, 1, 1], 1),
            ([0, 4, 5, 5], [8, 4, 3, 3], 1),
        ] {
            for op in [
                Conv2d { groups, ..Conv2d::default() },
                Conv2d { groups, stride: [4, 3], padding: [1, 2], dilation: [1, 2] },
                Conv2d { groups, padding: [3, 3], dilation: [2, 2], ..Conv2d::default() },
            ] {
                if op.output_shape(x, weight).is_err() {
                    continue;
                }
                let shapes: [&[usize]; 3] = [&x, &weight, &[weight[0]]];
                sweep(&mut cases, &context, &format!("{op:?}"), &shapes, |v| {
                    v[0].conv2d(&v[1], Some(&v[2]), &op)
                });
            }
        }
        for (left, right) in [
            (&[2, 3, 4, 5][..], &[2, 3, 5, 6][..]),
            (&[2, 3, 4, 5], &[5, 6]),
            (&[4, 5], &[2, 3, 5, 6]),
            (&[2, 1, 4, 5], &[1, 3, 5, 6]),
            (&[2, 3, 4, 0], &[2, 3, 0, 6]),
            (&[0, 3, 4, 5], &[3, 5, 6]),
        ] {
            let shapes = [left, right];
            sweep(&mut cases, &context, "matmul", &shapes, |v| v[0].matmul(&v[1]));
            let swap = |shape: &[usize]| {
                let mut shape = shape.to_vec();
                let rank = shape.len();
                shape.swap(rank - 2, rank - 1);
                shape
            };
            let (left, right) = (swap(left), swap(right));
            let op = MatMul { transpose_left: true, transpose_right: true };
            sweep(&mut cases, &context, "matmul transposed", &[&left, &right], |v| {
                v[0].matmul_with(&v[1], op)
            });
        }
        for shape in SHAPES {
            let [n, c, h, w] = shape;
            let running = [Tensor::zeros(&context, &[c]).unwrap(), Tensor::ones(&context, &[c]).unwrap()];
            let shapes: [&[usize]; 3] = [&shape, &[c], &[c]];
            let op = BatchNorm::default();
            sweep(&mut cases, &context, "batch_norm_eval", &shapes, |v| {
                v[0].batch_norm_eval(&v[1], &v[2], &running[0], &running[1], &op)
            });
            if n * h * w > 1 {
                sweep(&mut cases, &context, "batch_norm_train", &shapes, |v| {
                    Ok(v[0].batch_norm_train(&v[1], &v[2], &running[0], &running[1], &op)?.y)
                });
            }
            let shapes: [&[usize]; 3] = [&shape, &[n, 2, h, w], &shape];
            sweep(&mut cases, &context, "concat", &shapes, |v| Var::concat(&[&v[0], &v[1], &v[2]], 1));
        }
        cases.finish();
    }
}
