//! Exact products: an infinity reaches the sums that it is a term of, and no others, where `exact` is asked for; and no table
//! chooses what transforms its operands then.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, contexts, contexts_for_numbers, host::numbers, random};
use tilewright::{
    Context, DType, Tensor, Var,
    graph::{Compiled, Options, capture},
    kernels::{
        convolution::{Conv2dAlgorithm, Pass, Problem},
        matmul,
        select::{self, Device},
    },
    ops::{Conv2d, MatMul},
    tensor::{Conv2dCall, Error as TensorError, Hints, MatMulCall, MatmulAlgorithm},
};
use tilewright_reference::{convolution as reference, matmul as products};

/// 3 × 3 over 64 channels, which the table gives to minimal filtering in every direction.
const IMAGE: [usize; 4] = [1, 64, 32, 32];
const WEIGHT: [usize; 4] = [64, 64, 3, 3];
const CONV: Conv2d = Conv2d { padding: [1, 1], stride: [1, 1], dilation: [1, 1], groups: 1 };
/// The infinite element: a channel, a row, a column.
const AT: [usize; 3] = [5, 17, 9];

fn image(infinite: bool) -> Vec<f32> {
    let mut values = random(1, IMAGE.iter().product(), 0.1, 1.0);
    if infinite {
        values[(AT[0] * 32 + AT[1]) * 32 + AT[2]] = f32::INFINITY;
    }
    values
}

fn weight() -> Vec<f32> {
    random(2, WEIGHT.iter().product(), 0.1, 1.0)
}

/// Where an element of N C H W is not finite, and must be: the nine pixels around the infinity, in all channels.
fn seen(found: &[f32]) -> Result<(), String> {
    let near = |at: usize| (at / 32 % 32).abs_diff(AT[1]) <= 1 && (at % 32).abs_diff(AT[2]) <= 1;
    let lost = found.iter().filter(|value| !value.is_finite()).count();
    let wrong = (0..found.len()).find(|&at| found[at].is_finite() == near(at));
    wrong.map_or(Ok(()), |at| Err(format!("{} at {at}; {lost} are not finite", found[at])))
}

/// Of O I 3 3: the filters' taps on the infinite channel.
fn touched(found: &[f32]) -> Result<(), String> {
    let wrong = (0..found.len()).find(|&at| found[at].is_finite() == (at / 9 % 64 == AT[0]));
    wrong.map_or(Ok(()), |at| Err(format!("{} at {at}", found[at])))
}

fn operands(context: &Context, infinite: bool) -> [Tensor; 2] {
    [
        Tensor::from_slice(context, &image(infinite), &IMAGE).unwrap(),
        Tensor::from_slice(context, &weight(), &WEIGHT).unwrap(),
    ]
}

/// By call, by context and by graph; and the default shows that there is something to see.
#[test]
fn an_infinite_pixel_reaches_what_sees_it() {
    let mut cases = Cases::new();
    for context in contexts() {
        let name = |what: &str| format!("{what} ({:?})", context.mode());
        let [x, w] = operands(&context, true);
        let call = Conv2dCall { exact: true, ..Conv2dCall::new(CONV) };
        let y = x.conv2d_with(&w, &call).unwrap();
        assert!(!y.context().is_exact(), "a call says nothing of the next");
        cases.check(name("a call"), seen(&numbers::<f32>(&y)));
        let problem = Problem::new(&CONV, IMAGE, WEIGHT).unwrap();
        let default = select::conv2d_for(&context, Pass::Forward, &problem);
        if !default.algorithm.is_exact() {
            let spread = seen(&numbers::<f32>(&x.conv2d(&w, None, &CONV).unwrap()));
            cases.check(name("the default spreads"), spread.err().map(|_| ()).ok_or("it does not"));
        }
        let exact = context.exact();
        let [x, w] = operands(&exact, true);
        let y = x.conv2d(&w, None, &CONV).unwrap();
        cases.check(name("a context"), seen(&numbers::<f32>(&y)));
        // Two in a row: the first result is on the exact handle as well.
        assert!(y.context().is_exact() && y.context().same(&context));

        let [x, w] = operands(&context, true);
        let graph = capture(&context, &[("x", &IMAGE, DType::F32)], |inputs| {
            Ok::<_, TensorError>(vec![("y".to_owned(), inputs[0].conv2d(&w, None, &CONV)?.relu()?)])
        })
        .unwrap();
        for optimize in [false, true] {
            let options = Options { exact: true, optimize, ..Options::default() };
            let compiled = Compiled::new(&graph, &options).unwrap();
            let y = compiled.run(&[&x]).unwrap();
            cases.check(name("a graph"), seen(&numbers::<f32>(&y[0])));
        }
    }
    cases.finish();
}

/// Backward by the input and by the weight, on a context and by hints.
#[test]
fn an_infinite_gradient_reaches_what_sees_it() {
    let mut cases = Cases::new();
    for context in contexts_for_numbers() {
        let exact = context.exact();
        let name = |what: &str| format!("{what} ({:?})", context.mode());
        let [x, w] = operands(&exact, false);
        let [grad, _] = operands(&exact, true);
        let (x, w) = (Var::leaf(x), Var::leaf(w));
        let gradients = x.conv2d(&w, None, &CONV).unwrap().backward_with(&grad).unwrap();
        cases.check(name("by the input"), seen(&numbers::<f32>(gradients.get(&x).unwrap())));

        let [infinite, w] = operands(&exact, true);
        let [grad, _] = operands(&exact, false);
        let (x, w) = (Var::leaf(infinite), Var::leaf(w));
        let gradients = x.conv2d(&w, None, &CONV).unwrap().backward_with(&grad).unwrap();
        cases.check(name("by the weight"), touched(&numbers::<f32>(gradients.get(&w).unwrap())));

        let [grad, w] = operands(&context, true);
        let hints = Hints { exact: true, ..Hints::default() };
        let op = tilewright::ops::Op::Gradient(tilewright::ops::Gradient::Conv2dInput {
            op: CONV,
            x_shape: IMAGE,
        });
        let found = Tensor::run_one_with(&op, &[&grad, &w], &hints).unwrap();
        cases.check(name("by the input, a call"), seen(&numbers::<f32>(&found)));
    }
    cases.finish();
}

/// On every kind of device, in every direction, with and without a packed weight.
#[test]
fn no_table_chooses_a_transformation() {
    let devices = [Device::SOFTWARE_VULKAN, Device::GPU, Device::COOPERATIVE_GPU, Device::APPLE_GPU]
        .map(|device| (device, Device { exact: true, ..device }));
    let (mut convolutions, mut products) = (0, 0);
    for (device, exact) in devices {
        for channels in [4, 32, 64, 128, 256, 512, 1024] {
            for edge in [4, 7, 14, 28, 56, 112] {
                let shapes = ([8, channels, edge, edge], [channels, channels, 3, 3]);
                let problem = Problem::new(&CONV, shapes.0, shapes.1).unwrap();
                for pass in Pass::ALL {
                    let without = select::conv2d(&device, pass, &problem);
                    let with = select::conv2d(&exact, pass, &problem);
                    assert!(with.algorithm.is_exact(), "{}", with.explain());
                    let all = select::conv2d_candidates(&exact, pass, &problem);
                    assert!(all.iter().all(|algorithm| algorithm.is_exact()), "{all:?}");
                    assert_eq!(without.explain().contains("`exact` avoids"), !without.algorithm.is_exact());
                    convolutions += usize::from(!without.algorithm.is_exact());
                }
                assert!(select::conv2d_packed(&exact, &problem).algorithm.is_exact());
            }
        }
        for extent in [64, 1024, 4096] {
            let [m, n, k] = [extent; 3];
            let problem = matmul::Problem { batches: 1, m, n, k, ..matmul::Problem::default() };
            let without = select::matmul(&device, &problem);
            let with = select::matmul(&exact, &problem);
            assert!(with.algorithm.is_exact(), "{}", with.explain());
            assert_eq!(without.explain().contains("`exact` avoids"), !without.algorithm.is_exact());
            let all = select::matmul_candidates(&exact, &problem);
            assert!(all.iter().all(|algorithm| algorithm.is_exact()), "{all:?}");
            products += usize::from(!without.algorithm.is_exact());
        }
    }
    assert!(convolutions > 20 && products > 0, "{convolutions} and {products} are transformed without");
}

/// What is named and what is asked for cannot both be.
#[test]
fn a_transformation_by_name_is_an_error() {
    for context in contexts() {
        let [x, w] = operands(&context, false);
        for algorithm in [Conv2dAlgorithm::WinogradF2, Conv2dAlgorithm::WinogradF4] {
            let call = Conv2dCall { exact: true, algorithm: Some(algorithm), ..Conv2dCall::new(CONV) };
            let text = x.conv2d_with(&w, &call).unwrap_err().to_string();
            assert!(text.contains("exact products are asked for") && text.contains("winograd"), "{text}");
        }
        let a = Tensor::zeros(&context, &[1024, 1024]).unwrap();
        let algorithm = Some(MatmulAlgorithm::SplitF16);
        let call = MatMulCall { exact: true, algorithm, ..MatMulCall::new(MatMul::default()) };
        let text = a.matmul_with(&a, &call).unwrap_err().to_string();
        assert!(text.contains("exact products are asked for"), "{text}");
    }
}

/// The elements that are no numbers are those of the definition, and so are their kinds.
fn as_defined(found: &[f32], expected: &[f32]) -> Result<(), String> {
    let kind = |value: f32| (value.is_nan(), value.is_infinite(), value.is_infinite() && value > 0.0);
    let wrong = found.iter().zip(expected).position(|(a, b)| kind(*a) != kind(*b));
    wrong.map_or(Ok(()), |at| Err(format!("{} at {at}, expected {}", found[at], expected[at])))
}

/// The gradient by the weight where the padding is part of x.
fn padded(op: &Conv2d, grad_y: &[f32], x: &[f32], [n, c, h, w]: [usize; 4], w_shape: [usize; 4]) -> Vec<f32> {
    let [rows, columns] = op.padding;
    let (height, width) = (h + 2 * rows, w + 2 * columns);
    let mut wide = vec![0.0; n * c * height * width];
    for (at, &value) in x.iter().enumerate() {
        wide[(at / (h * w) * height + at / w % h + rows) * width + at % w + columns] = value;
    }
    let op = Conv2d { padding: [0, 0], ..*op };
    reference::conv2d_backward_weight(&op, grad_y, &wide, [n, c, height, width], w_shape)
}

/// Where kernels pad tiles, they pad both factors, or leave the term out: every exact algorithm, in every direction,
/// of shapes that fill no tile.
#[test]
fn padding_multiplies_no_infinity() {
    let mut cases = Cases::new();
    let op = |stride, padding, groups| Conv2d { stride, padding, dilation: [1, 1], groups };
    let shapes = [
        (op([1, 1], [1, 1], 1), [2, 5, 7, 9], [6, 5, 3, 3]),
        (op([2, 2], [1, 2], 1), [1, 3, 11, 10], [9, 3, 5, 3]),
        (op([1, 1], [0, 0], 1), [2, 7, 5, 5], [11, 7, 1, 1]),
        (op([1, 1], [1, 1], 8), [1, 8, 9, 7], [8, 1, 3, 3]),
        (op([1, 2], [2, 1], 3), [1, 6, 8, 9], [9, 2, 3, 3]),
    ];
    for context in contexts_for_numbers() {
        for (op, x_shape, w_shape) in shapes {
            let y_shape = op.output_shape(x_shape, w_shape).unwrap();
            let values = |seed: u64, shape: [usize; 4], special: Option<f32>| {
                let count = shape.iter().product();
                let mut values = random(seed, count, 0.1, 1.0);
                if let Some(special) = special {
                    values[count - 1] = special;
                    values[count / 3] = special;
                }
                values
            };
            let device = Device::of(&context);
            for special in [f32::INFINITY, f32::NAN] {
                let [x, w] = [(x_shape, 1), (w_shape, 2)].map(|(shape, seed)| values(seed, shape, None));
                let [bad_x, bad_y] =
                    [(x_shape, 3), (y_shape, 4)].map(|(shape, seed)| values(seed, shape, Some(special)));
                let grad = values(5, y_shape, None);
                let tensor =
                    |values: &[f32], shape: [usize; 4]| Tensor::from_slice(&context, values, &shape).unwrap();
                let problem = Problem::new(&op, x_shape, w_shape).unwrap();
                for algorithm in Conv2dAlgorithm::ALL.into_iter().filter(|algorithm| algorithm.is_exact()) {
                    let runs = |pass| algorithm.obstacle(&device, pass, &problem).is_none();
                    let name = |pass: Pass| format!("{algorithm:?} {} {x_shape:?} {special}", pass.name());
                    let by = Some(algorithm);
                    if runs(Pass::Forward) {
                        let call = Conv2dCall { algorithm: by, ..Conv2dCall::new(op) };
                        let y = tensor(&bad_x, x_shape).conv2d_with(&tensor(&w, w_shape), &call).unwrap();
                        let expected = reference::conv2d(&op, &bad_x, x_shape, &w, w_shape, None);
                        cases.check(name(Pass::Forward), as_defined(&numbers::<f32>(&y), &expected));
                    }
                    if runs(Pass::BackwardInput) {
                        let (from, weight) = (tensor(&bad_y, y_shape), tensor(&w, w_shape));
                        let found = Tensor::conv2d_backward_input(&from, &weight, &x_shape, &op, by).unwrap();
                        let expected = reference::conv2d_backward_input(&op, &bad_y, x_shape, &w, w_shape);
                        cases
                            .check(name(Pass::BackwardInput), as_defined(&numbers::<f32>(&found), &expected));
                    }
                    if runs(Pass::BackwardWeight) {
                        for (g, x) in [(&bad_y, &x), (&grad, &bad_x)] {
                            let (from, other) = (tensor(g, y_shape), tensor(x, x_shape));
                            let found =
                                Tensor::conv2d_backward_weight(&from, &other, &w_shape, &op, by).unwrap();
                            let expected = reference::conv2d_backward_weight(&op, g, x, x_shape, w_shape);
                            // A zero of the padding times an infinite gradient is a NaN as well, as PyTorch has it.
                            let by_padding = padded(&op, g, x, x_shape, w_shape);
                            let found = numbers::<f32>(&found);
                            let left_out = as_defined(&found, &expected);
                            let outcome = left_out.or_else(|_| as_defined(&found, &by_padding));
                            // Its rows of dy go beyond y as zeros: a filter that sees an infinity may be NaN as a whole.
                            let depthwise = algorithm == Conv2dAlgorithm::Depthwise;
                            let filters = |values: &[f32]| {
                                let finite = |filter: &[f32]| filter.iter().all(|value| value.is_finite());
                                values.chunks(w_shape[2] * w_shape[3]).map(finite).collect::<Vec<_>>()
                            };
                            let as_a_whole = depthwise && filters(&found) == filters(&expected);
                            let outcome = if as_a_whole { Ok(()) } else { outcome };
                            cases.check(name(Pass::BackwardWeight), outcome);
                        }
                    }
                }
            }
        }
    }
    cases.finish();
}

/// The same of matrix products, each operand transposed or not.
#[test]
fn padding_of_products_multiplies_no_infinity() {
    let mut cases = Cases::new();
    for context in contexts_for_numbers() {
        let device = Device::of(&context);
        for [m, n, k] in [[5, 7, 9], [33, 34, 35], [65, 3, 130], [4, 66, 17]] {
            for (transpose_left, transpose_right) in [(false, false), (true, false), (false, true)] {
                let op = MatMul { transpose_left, transpose_right };
                let a_shape = if transpose_left { [k, m] } else { [m, k] };
                let b_shape = if transpose_right { [n, k] } else { [k, n] };
                for special in [f32::INFINITY, f32::NAN] {
                    let mut a = random(1, m * k, 0.1, 1.0);
                    let mut b = random(2, k * n, 0.1, 1.0);
                    (a[m * k - 1], b[k * n - 1]) = (special, special);
                    let [left, right] = [(&a, a_shape), (&b, b_shape)]
                        .map(|(values, shape)| Tensor::from_slice(&context, values, &shape).unwrap());
                    let expected = products::matmul(op, &a, &a_shape, &b, &b_shape);
                    let problem = matmul::Problem {
                        batches: 1,
                        m,
                        n,
                        k,
                        transpose_left,
                        transpose_right,
                        ..matmul::Problem::default()
                    };
                    for algorithm in MatmulAlgorithm::ALL.into_iter().filter(|algorithm| algorithm.is_exact())
                    {
                        if algorithm.obstacle(&device, &problem).is_some() {
                            continue;
                        }
                        let call = MatMulCall { algorithm: Some(algorithm), ..MatMulCall::new(op) };
                        let y = left.matmul_with(&right, &call).unwrap();
                        let name = format!("{algorithm:?} {problem} {special} ({:?})", context.mode());
                        cases.check(name, as_defined(&numbers::<f32>(&y), &expected));
                    }
                }
            }
        }
    }
    cases.finish();
}
