//! Operations on bytes by every kernel against the scalar reference: the same integers, whatever the shape.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "quantized_ops/bytes.rs"]
mod bytes;
mod common;
#[path = "common/convolutions.rs"]
mod convolutions;
#[path = "quantized_ops/elements.rs"]
mod elements;

use bytes::{Fill, found, numbers, same, tensor};
use common::{Cases, context, contexts, contexts_for_numbers, full, left_out, random, some};
use convolutions::{PLAIN, Shape, shapes};
use tilewright::{
    Context, DType, Hints, Layout, Tensor,
    kernels::{
        convolution::Problem,
        cooperative::Trial,
        quantized::conv2d::{QConv2dAlgorithm, candidates, choose, try_dot4},
        select::Device,
    },
    ops::{
        Conv2d, Op, Pool2d, QConv2d, Quantization, Quantized, Steps, UnaryOp,
        quantized::{Addend, Residual, average_multipliers},
    },
    tensor::{QConv2dCall, Quantized as Target},
};
use tilewright_reference::quantized as reference;

/// What stands beside x and the weight.
#[derive(Clone, Copy, Debug)]
struct Form {
    x: DType,
    weight: DType,
    /// None: the sums.
    y: Option<DType>,
    weight_zero: bool,
    bias: bool,
    residual: Option<DType>,
    fill: Fill,
}

const FORMS: [Form; 5] = [
    Form {
        x: DType::I8,
        weight: DType::I8,
        y: Some(DType::I8),
        weight_zero: false,
        bias: true,
        residual: None,
        fill: Fill::Random,
    },
    Form {
        x: DType::U8,
        weight: DType::U8,
        y: Some(DType::U8),
        weight_zero: true,
        bias: true,
        residual: Some(DType::U8),
        fill: Fill::Random,
    },
    Form {
        x: DType::U8,
        weight: DType::I8,
        y: None,
        weight_zero: true,
        bias: false,
        residual: None,
        fill: Fill::Random,
    },
    Form {
        x: DType::I8,
        weight: DType::I8,
        y: None,
        weight_zero: false,
        bias: false,
        residual: None,
        fill: Fill::Least,
    },
    Form {
        x: DType::U8,
        weight: DType::I8,
        y: Some(DType::I8),
        weight_zero: false,
        bias: true,
        residual: Some(DType::I8),
        fill: Fill::Most,
    },
];

/// Runs a convolution by each algorithm that can (that of a GPU in f32 where `real` asks for it), and compares its bits.
fn convolve(context: &Context, cases: &mut Cases, (conv, x_shape, w_shape): &Shape, form: Form, real: bool) {
    let Form { x: x_type, weight: weight_type, .. } = form;
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let outputs = w_shape[0];
    let x = numbers(1, count(x_shape), x_type, form.fill);
    let weight = numbers(2, count(w_shape), weight_type, form.fill);
    let x_zero = if x_type == DType::U8 { 117 } else { -9 };
    let middle = if weight_type == DType::U8 { 128 } else { 0 };
    let zeros: Vec<i32> = (0..outputs as i32).map(|o| middle + o % 7 - 3).collect();
    let bias: Vec<i32> = (0..outputs as i32).map(|o| o * 311 - 900).collect();
    let terms = count(&w_shape[1..]).max(1) as f32;
    // So that results are spread over the whole range.
    let multiplier: Vec<f32> =
        (0..outputs).map(|o| (1.0 + 0.37 * (o % 5) as f32) / (90.0 * terms.sqrt())).collect();
    let steps = form.y.map(|dtype| {
        let steps = Steps::new(dtype, if dtype == DType::U8 { 131 } else { 5 });
        if form.bias && form.residual.is_none() { steps.relu() } else { steps }
    });
    let op = QConv2d { conv: *conv, x_zero, y: steps };
    let y_shape = conv.output_shape(*x_shape, *w_shape).unwrap();
    let residual = form.residual.map(|dtype| (numbers(3, count(&y_shape), dtype, Fill::Random), dtype));
    let means =
        Residual { zero_point: if form.residual == Some(DType::U8) { 120 } else { -4 }, multiplier: 0.21 };
    let extras = reference::Conv2dExtras {
        weight_zero: form.weight_zero.then_some(&zeros[..]),
        bias: form.bias.then_some(&bias[..]),
        multiplier: steps.map(|_| &multiplier[..]),
        residual: residual.as_ref().map(|(numbers, _)| (&numbers[..], means)),
    };
    let expected = reference::qconv2d(&op, &x, *x_shape, &weight, *w_shape, &extras);

    let x = tensor(context, &x, x_type, x_shape).to_layout(Layout::ChannelsLast).unwrap();
    let mut operands = vec![x, tensor(context, &weight, weight_type, w_shape)];
    if form.weight_zero {
        operands.push(Tensor::from_slice(context, &zeros, &[outputs]).unwrap());
    }
    if form.bias {
        operands.push(Tensor::from_slice(context, &bias, &[outputs]).unwrap());
    }
    if steps.is_some() {
        operands.push(Tensor::from_slice(context, &multiplier, &[outputs]).unwrap());
    }
    if let Some((numbers, dtype)) = &residual {
        operands.push(tensor(context, numbers, *dtype, &y_shape));
    }
    let what = Op::Quantized(Quantized::Conv2d {
        op,
        weight_zero: form.weight_zero,
        bias: form.bias,
        residual: residual.is_some().then_some(means),
    });
    let operands: Vec<_> = operands.iter().collect();
    let problem = Problem::new(conv, *x_shape, *w_shape).unwrap();
    for algorithm in candidates(&Device::of(context), &problem) {
        if algorithm == QConv2dAlgorithm::ImplicitGemmF32 && !real {
            continue;
        }
        let hints = Hints { qconv2d: Some(algorithm), ..Hints::default() };
        let outcome = match Tensor::run_one_with(&what, &operands, &hints) {
            Ok(y) => same(&found(&y), &expected),
            Err(error) => Err(error.to_string()),
        };
        cases.check(
            format!("{:?} {algorithm:?} {conv:?} {x_shape:?} {w_shape:?} {form:?}", context.mode()),
            outcome,
        );
    }
}

#[test]
fn convolutions_by_every_kernel() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (at, shape) in shapes().into_iter().enumerate() {
            if left_out(&context, at) {
                continue;
            }
            for (which, form) in FORMS.into_iter().enumerate() {
                // One form for a shape: each meets a fifth of them, and a kernel takes a second to compile on a CPU.
                if !full() && at % FORMS.len() != which {
                    continue;
                }
                // Products in f32 differ from those of four bytes in one loop, and compile as long.
                let real = full() || at % 4 == 0;
                convolve(&context, &mut cases, &shape, form, real);
            }
        }
    }
    cases.finish();
}

/// A GPU whose driver emulates products of four bytes is given f32 by what this measures.
#[test]
fn products_of_four_bytes_are_tried() {
    let trial = try_dot4(&context()).unwrap();
    assert!(
        matches!(trial, Trial::Right { plain_ms, tried_ms } if plain_ms > 0.0 && tried_ms > 0.0),
        "{trial:?}"
    );
    let problem = Problem::new(&PLAIN, [1, 64, 8, 8], [64, 64, 1, 1]).unwrap();
    let kernel = |dot4_pays| choose(&Device { dot4_pays, ..Device::GPU }, &problem);
    assert_eq!(kernel(true).algorithm, QConv2dAlgorithm::ImplicitGemm);
    let other = kernel(false);
    assert_eq!(other.algorithm, QConv2dAlgorithm::ImplicitGemmF32);
    assert!(other.why.contains("f32"), "{}", other.why);
}

/// More terms than f32 adds exactly: sums are moved to integers in between.
#[test]
fn long_sums_are_exact() {
    let mut cases = Cases::new();
    let same = Conv2d { padding: [1, 1], ..PLAIN };
    for context in contexts_for_numbers() {
        for shape in [
            (PLAIN, [3, 1028, 1, 1], [5, 1028, 1, 1]),
            (PLAIN, [1, 4104, 1, 2], [33, 4104, 1, 1]),
            (same, [1, 136, 4, 5], [16, 136, 3, 3]),
            (Conv2d { groups: 2, ..same }, [1, 264, 3, 3], [12, 132, 3, 3]),
        ] {
            for form in some(FORMS.to_vec(), 2) {
                convolve(&context, &mut cases, &shape, form, true);
            }
        }
    }
    cases.finish();
}

#[test]
fn sums_of_two_tensors() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (count, [a_type, b_type, y_type]) in [
            (1, [DType::I8, DType::I8, DType::I8]),
            (255, [DType::U8, DType::I8, DType::U8]),
            (1030, [DType::U8, DType::U8, DType::U8]),
            (65_536, [DType::I8, DType::U8, DType::I8]),
        ] {
            let (a, b) = (numbers(1, count, a_type, Fill::Random), numbers(5, count, b_type, Fill::Random));
            // The second gives halves, which are rounded to even.
            for multipliers in [[0.731, 0.018], [0.5, 0.5], [90.0, 70.0]] {
                let addends = [
                    Addend { zero_point: 3, multiplier: multipliers[0] },
                    Addend { zero_point: 100, multiplier: multipliers[1] },
                ];
                let y = Steps::new(y_type, 7);
                let expected = reference::qadd(&a, &b, addends, &y);
                let operands =
                    [&tensor(&context, &a, a_type, &[count]), &tensor(&context, &b, b_type, &[count])];
                let op = Op::Quantized(Quantized::Add { addends, y });
                let sum = Tensor::run_one(&op, &operands).unwrap();
                let name = format!("{:?} {count} {a_type} {b_type} {multipliers:?}", context.mode());
                cases.check(name, same(&found(&sum), &expected));
            }
        }
    }
    cases.finish();
}

#[test]
fn windows_are_pooled() {
    let mut cases = Cases::new();
    let ceil = Pool2d { stride: [2, 3], padding: [1, 1], ceil_mode: true, ..Pool2d::new([3, 2]) };
    let dilated = Pool2d { dilation: [2, 1], stride: [1, 2], ..Pool2d::new([2, 3]) };
    let pools = [
        Pool2d::new([2, 2]),
        ceil,
        Pool2d { count_include_pad: false, ..ceil },
        Pool2d { divisor_override: Some(5), ..ceil },
        dilated,
        Pool2d::new([7, 9]),
    ];
    for context in contexts() {
        for (at, pool) in pools.into_iter().enumerate() {
            for (shape, dtype) in [([2, 8, 7, 9], DType::I8), ([1, 5, 7, 9], DType::U8)] {
                let x = numbers(at, shape.iter().product(), dtype, Fill::Random);
                let on_device = tensor(&context, &x, dtype, &shape);
                let name = format!("{:?} {pool:?} {shape:?} {dtype}", context.mode());
                let max = Op::Quantized(Quantized::MaxPool2d(pool));
                let outcome = same(
                    &found(&Tensor::run_one(&max, &[&on_device]).unwrap()),
                    &reference::qmax_pool2d(&pool, &x, shape),
                );
                cases.check(format!("max {name}"), outcome);
                let (y, x_zero) = (Steps::new(DType::U8, 90), 4);
                let multipliers = average_multipliers(&pool, 0.83);
                let expected = reference::qavg_pool2d(&pool, x_zero, &multipliers, &y, &x, shape);
                let table = Tensor::from_slice(&context, &multipliers, &[multipliers.len()]).unwrap();
                let average = Op::Quantized(Quantized::AvgPool2d { pool, x_zero, y });
                let outcome =
                    same(&found(&Tensor::run_one(&average, &[&on_device, &table]).unwrap()), &expected);
                cases.check(format!("average {name}"), outcome);
            }
        }
    }
    cases.finish();
}

#[test]
fn to_numbers_and_back() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [[2, 3, 5, 7], [1, 8, 4, 4]] {
            let count = shape.iter().product();
            let mut values = random(4, count, -3.0, 3.0);
            values[..5].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -0.0]);
            let scales: Vec<f32> = (0..shape[1]).map(|at| 0.01 * (at + 1) as f32).collect();
            let zeros: Vec<i32> = (0..shape[1] as i32).map(|at| at * 5).collect();
            for quantization in [
                Quantization::per_tensor(0.02, 7).unwrap(),
                Quantization::per_channel(1, scales, zeros).unwrap(),
            ] {
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let x = Tensor::from_slice(&context, &values, &shape).unwrap().to_layout(layout).unwrap();
                    for dtype in [DType::I8, DType::U8] {
                        let range = Quantization::range(dtype).unwrap();
                        let expected = reference::quantize(&values, &shape, &quantization, range);
                        let q = x.quantize(&quantization, dtype).unwrap();
                        let name =
                            format!("{:?} {shape:?} {quantization:?} {layout:?} {dtype}", context.mode());
                        cases.check(&name, same(&found(&q), &expected));
                        let back = q.dequantize().unwrap().to_vec::<f32>().unwrap();
                        let right = back == reference::dequantize(&expected, &shape, &quantization);
                        cases.check(&name, if right { Ok(()) } else { Err("other real numbers") });
                    }
                }
            }
        }
    }
    cases.finish();
}

/// The methods of quantised tensors: scales become multipliers, activations limits.
#[test]
fn quantised_tensors_are_convolved_and_added() {
    for context in contexts() {
        let (x_values, w_values) = (random(1, 2 * 6 * 25, -2.0, 2.0), random(2, 8 * 6 * 9, -1.0, 1.0));
        let x = Tensor::from_slice(&context, &x_values, &[2, 6, 5, 5]).unwrap();
        let w = Tensor::from_slice(&context, &w_values, &[8, 6, 3, 3]).unwrap();
        let scales: Vec<f32> = (0..8).map(|o| 0.008 + 0.0003 * o as f32).collect();
        let q = x.quantize(&Quantization::per_tensor(0.016, 3).unwrap(), DType::I8).unwrap();
        let qw = w.quantize(&Quantization::per_channel(0, scales, vec![0; 8]).unwrap(), DType::I8).unwrap();
        let op = Conv2d { padding: [1, 1], ..PLAIN };
        let target = Target::new(DType::U8, 0.05, 20).unwrap().with_activation(Some(UnaryOp::Relu6));
        let y = q.qconv2d(&qw, &QConv2dCall::new(op, target.clone())).unwrap();
        assert_eq!(y.quantization(), Some(&target.quantization));
        // In f32 the same to half a step, for all products are exact there.
        let plain = q.dequantize().unwrap().conv2d(&qw.dequantize().unwrap(), None, &op).unwrap();
        let plain = plain.unary(UnaryOp::Relu6).unwrap().to_vec::<f32>().unwrap();
        let real = y.dequantize().unwrap().to_vec::<f32>().unwrap();
        for (at, (real, plain)) in real.iter().zip(&plain).enumerate() {
            assert!((real - plain).abs() <= 0.0251, "{at}: {real} {plain}");
        }
        let other = Target::new(DType::I8, 0.1, -10).unwrap();
        let sum = y.qadd(&y, &other).unwrap().dequantize().unwrap().to_vec::<f32>().unwrap();
        let twice = y.dequantize().unwrap().to_vec::<f32>().unwrap();
        assert!(sum.iter().zip(&twice).all(|(sum, one)| (sum - 2.0 * one).abs() <= 0.0501));
        let pooled = y.qmax_pool2d(&Pool2d::new([5, 5])).unwrap();
        let most = |plane: usize| real[25 * plane..][..25].iter().copied().fold(f32::MIN, f32::max);
        let maxima = pooled.dequantize().unwrap().to_vec::<f32>().unwrap();
        assert_eq!(maxima, (0..16).map(most).collect::<Vec<_>>());
        let mean = y.qavg_pool2d(&Pool2d::new([5, 5]), &target).unwrap().dequantize().unwrap();
        for (plane, mean) in mean.to_vec::<f32>().unwrap().into_iter().enumerate() {
            let exact = real[25 * plane..][..25].iter().sum::<f32>() / 25.0;
            assert!((mean - exact).abs() <= 0.0251, "{mean} {exact}");
        }
    }
}

#[test]
fn what_does_not_fit_is_a_typed_error() {
    let context = &contexts()[0];
    let bytes = |shape: &[usize]| {
        tensor(context, &numbers(1, shape.iter().product(), DType::I8, Fill::Random), DType::I8, shape)
    };
    let target = Target::new(DType::I8, 0.1, 0).unwrap();
    let call = QConv2dCall::new(PLAIN, target.clone());
    let plain = bytes(&[1, 4, 3, 3]);
    let text = plain.qconv2d(&bytes(&[2, 4, 1, 1]), &call).unwrap_err().to_string();
    assert!(text.contains("qconv2d") && text.contains("with_quantization"), "{text}");
    let q = plain.with_quantization(Quantization::per_tensor(0.1, 0).unwrap()).unwrap();
    let inputs = Quantization::per_channel(1, vec![0.1; 4], vec![0; 4]).unwrap();
    let wrong = bytes(&[2, 4, 1, 1]).with_quantization(inputs.clone()).unwrap();
    let text = q.qconv2d(&wrong, &call).unwrap_err().to_string();
    assert!(text.contains("axis 0"), "{text}");
    let per_channel = plain.with_quantization(inputs).unwrap();
    assert!(per_channel.qadd(&q, &target).is_err());
    let gelu = target.with_activation(Some(UnaryOp::Gelu));
    let text = q.qadd(&q, &gelu).unwrap_err().to_string();
    assert!(text.contains("gelu") && text.contains("relu6"), "{text}");
    let op = QConv2d { conv: PLAIN, x_zero: 0, y: Some(Steps::new(DType::I8, 200)) };
    let op = Op::Quantized(Quantized::Conv2d { op, weight_zero: false, bias: false, residual: None });
    let multiplier = Tensor::ones(context, &[2]).unwrap();
    let text = Tensor::run(&op, &[&plain, &bytes(&[2, 4, 1, 1]), &multiplier]).unwrap_err().to_string();
    assert!(text.contains("zero_point = 200"), "{text}");
    let outside = QConv2d { conv: PLAIN, x_zero: 128, y: Some(Steps::new(DType::I8, 0)) };
    let outside =
        Op::Quantized(Quantized::Conv2d { op: outside, weight_zero: false, bias: false, residual: None });
    let text = Tensor::run(&outside, &[&plain, &bytes(&[2, 4, 1, 1]), &multiplier]).unwrap_err().to_string();
    assert!(text.contains("x_zero = 128"), "{text}");
    let floats = Tensor::ones(context, &[1, 4, 3, 3]).unwrap();
    let text = Tensor::run(&op, &[&floats, &bytes(&[2, 4, 1, 1]), &multiplier]).unwrap_err().to_string();
    assert!(text.contains("i8 or u8"), "{text}");
}
