//! Exact products: an infinity reaches the sums that it is a term of, and no others, where `exact` is asked for; and no table
//! chooses what transforms its operands then.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, contexts, host::numbers, random};
use tilewright::{
    Context, DType, Tensor, Var,
    graph::{Compiled, Options, capture},
    kernels::{
        convolution::{Conv2dAlgorithm, Pass, Problem},
        matmul,
        select::{self, Device},
    },
    ops::{Conv2d, MatMul},
    tensor::{Conv2dCall, Error as TensorError, Hints, MatMulCall},
};

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
    for context in contexts() {
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
        let algorithm = Some(tilewright::tensor::MatmulAlgorithm::SplitF16);
        let call = MatMulCall { exact: true, algorithm, ..MatMulCall::new(MatMul::default()) };
        let text = a.matmul_with(&a, &call).unwrap_err().to_string();
        assert!(text.contains("exact products are asked for"), "{text}");
    }
}
