//! Quantisation that stays in f32: forward and backward against the reference, beside the bytes that it stands for, and what
//! autograd makes of it.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, context, contexts, random};
use tilewright::{
    Context, DType, Layout, Tensor, Var,
    graph::{Compiled, Options, capture},
    onnx,
    ops::{FakeQuantize, Gradient, Op, Quantization, ShapeError},
    tensor::Error,
};
use tilewright_reference::quantized;

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

/// Around a vec4, a workgroup's words and several of each.
const COUNTS: [usize; 11] = [0, 1, 3, 4, 5, 63, 255, 256, 257, 1031, 9001];

fn same(found: &[f32], expected: &[f32]) -> Result<(), String> {
    let alike = |(a, b): (&f32, &f32)| a == b || (a.is_nan() && b.is_nan());
    let at = found.iter().zip(expected).position(|pair| !alike(pair));
    match at {
        None if found.len() == expected.len() => Ok(()),
        None => Err(format!("{} and {} numbers", found.len(), expected.len())),
        Some(at) => Err(format!("{} and {} at {at}", found[at], expected[at])),
    }
}

/// Runs forward and backward, and compares with the reference. Both divide, round and multiply once each: every bit is alike.
fn check(cases: &mut Cases, context: &Context, op: FakeQuantize, shape: &[usize], layout: Layout) {
    let count: usize = shape.iter().product();
    let mut x = random(count as u64, count, -4.0, 4.0);
    for (at, special) in [NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30].into_iter().enumerate() {
        if let Some(place) = x.get_mut(3 * at + 1) {
            *place = special;
        }
    }
    let grad_y = random(count as u64 + 1, count, -1.0, 1.0);
    let scales = op.axis.map_or(1, |axis| shape[axis]);
    let scale: Vec<f32> = (0..scales).map(|at| 0.0101 + 0.003 * at as f32).collect();
    let zero: Vec<i32> = (0..scales as i32).map(|at| (at * 7) % 11 - 5).collect();
    let numbers = op.axis.map_or(vec![], |_| vec![scales]);
    let tensor = |values: &[f32], shape: &[usize]| Tensor::from_slice(context, values, shape).unwrap();
    let turned = |values: &[f32]| tensor(values, shape).to_layout(layout).unwrap();
    let (by, zero_point) = (tensor(&scale, &numbers), Tensor::from_slice(context, &zero, &numbers).unwrap());
    let name = format!("{op:?} of {shape:?}, {layout:?}, {:?}", context.mode());
    let y = turned(&x).fake_quantize(op, &by, &zero_point).unwrap();
    let expected = quantized::fake_quantize(&op, &x, shape, &scale, &zero);
    cases.check(&name, same(&y.to_vec::<f32>().unwrap(), &expected));
    let (grad_x, grad_scale) =
        turned(&x).fake_quantize_backward(op, &by, &zero_point, &tensor(&grad_y, shape)).unwrap();
    let expected = quantized::fake_quantize_backward(&op, &x, shape, &scale, &zero, &grad_y);
    cases.check(format!("{name}, grad_x"), same(&grad_x.to_vec::<f32>().unwrap(), &expected.0));
    let found = grad_scale.to_vec::<f32>().unwrap();
    // A device may divide by up to two and a half units beside: of what rounding leaves that is much.
    let close = found.iter().zip(&expected.1).all(|(a, b)| {
        (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-4 * op.grad_factor.max(b.abs())
    });
    cases.check(format!("{name}, grad_scale"), if close { Ok(()) } else { Err(format!("{found:?}")) });
}

#[test]
fn every_size_against_the_reference() {
    let mut cases = Cases::new();
    for context in contexts() {
        for count in COUNTS {
            check(&mut cases, &context, FakeQuantize::i8(), &[count], Layout::RowMajor);
        }
        let few = FakeQuantize { axis: Some(1), low: 0, high: 15, grad_factor: 0.125 };
        for shape in [[2, 3, 5, 7], [1, 8, 4, 4], [3, 1, 1, 9], [2, 0, 3, 3]] {
            for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                check(&mut cases, &context, few, &shape, layout);
                check(&mut cases, &context, FakeQuantize::weight(0), &shape, layout);
                check(&mut cases, &context, FakeQuantize::i8(), &shape, layout);
            }
        }
        check(&mut cases, &context, FakeQuantize::weight(1), &[4, 33], Layout::RowMajor);
    }
    cases.finish();
}

/// What it stands for: to bytes and back.
#[test]
fn the_numbers_are_those_of_bytes() {
    for context in contexts() {
        let x = random(7, 4099, -3.0, 3.0);
        let x = Tensor::from_slice(&context, &x, &[4099]).unwrap();
        let bytes = x.quantize(&Quantization::per_tensor(0.017, 9).unwrap(), DType::I8).unwrap();
        let (scale, zero) = (Tensor::full(&context, 0.017, &[]), Tensor::from_slice(&context, &[9i32], &[]));
        let fake = x.fake_quantize(FakeQuantize::i8(), &scale.unwrap(), &zero.unwrap()).unwrap();
        assert_eq!(fake.to_vec::<f32>().unwrap(), bytes.dequantize().unwrap().to_vec::<f32>().unwrap());
    }
}

/// The gradients of variables: summed by scale, and only those that are wanted.
#[test]
fn autograd_sums_by_scale() {
    let context = context();
    let op = FakeQuantize { axis: Some(0), low: -7, high: 7, grad_factor: 0.5 };
    let x = Tensor::from_slice(&context, &[0.3f32, 10.0, -10.0, 0.6, 0.9, -0.2], &[2, 3]).unwrap();
    let scale = Tensor::from_slice(&context, &[0.5f32, 0.25], &[2]).unwrap();
    let zero = Tensor::from_slice(&context, &[0i32, 0], &[2]).unwrap();
    let grad_y = Tensor::from_slice(&context, &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]).unwrap();
    let (a, by) = (Var::leaf(x.clone()), Var::leaf(scale.clone()));
    let y = a.fake_quantize(op, &by, &zero).unwrap();
    assert_eq!(y.tensor().to_vec::<f32>().unwrap(), [0.5, 3.5, -3.5, 0.5, 1.0, -0.25]);
    let found = y.backward_with(&grad_y).unwrap();
    assert_eq!(found.get(&a).unwrap().to_vec::<f32>().unwrap(), [1.0, 0.0, 0.0, 4.0, 5.0, 6.0]);
    // (1 − 0.6) + 2 · 7 − 3 · 7, and 4 · (2 − 2.4) + 5 · (4 − 3.6) + 6 · (−1 + 0.8), half of each.
    let slopes = found.get(&by).unwrap().to_vec::<f32>().unwrap();
    assert!((slopes[0] + 3.3).abs() < 1e-5 && (slopes[1] + 0.4).abs() < 1e-5, "{slopes:?}");
    // One number each: nothing is summed.
    let each = FakeQuantize { axis: Some(0), ..op };
    let line = Var::leaf(Tensor::from_slice(&context, &[0.3f32, 0.6], &[2]).unwrap());
    let y = line.fake_quantize(each, &by, &zero).unwrap();
    let found = y.backward_with(&Tensor::full(&context, 1.0, &[2]).unwrap()).unwrap();
    assert_eq!(found.get(&by).unwrap().shape(), [2]);
    // The scale alone, and a gradient that lies otherwise than x.
    let y = Var::constant(x).fake_quantize(op, &by, &zero).unwrap();
    assert!(y.backward_with(&grad_y).unwrap().get(&by).is_some());
    let image = Var::leaf(Tensor::full(&context, 0.3, &[1, 2, 3, 2]).unwrap());
    let whole = FakeQuantize::i8();
    let one = Var::leaf(Tensor::full(&context, 0.25, &[]).unwrap());
    let none = Tensor::from_slice(&context, &[0i32], &[]).unwrap();
    let y = image.fake_quantize(whole, &one, &none).unwrap();
    let grad_y = Tensor::full(&context, 1.0, &[1, 2, 3, 2]).unwrap().to_layout(Layout::ChannelsLast).unwrap();
    let found = y.backward_with(&grad_y).unwrap();
    let slope = found.get(&one).unwrap().to_vec::<f32>().unwrap();
    assert!(slope.len() == 1 && (slope[0] + 12.0 * 0.2).abs() < 1e-5, "{slope:?}");
}

/// As a pair of QuantizeLinear and DequantizeLinear, which is read as a step to bytes and one back.
#[test]
fn it_is_exported_where_onnx_has_the_type() {
    let context = context();
    let x = Tensor::from_slice(&context, &random(3, 2 * 3 * 4 * 5, -3.0, 3.0), &[2, 3, 4, 5]).unwrap();
    let whole = (Tensor::full(&context, 0.03, &[]), Tensor::from_slice(&context, &[-7i32], &[]));
    let channels = (
        Tensor::from_slice(&context, &[0.01f32, 0.02, 0.03], &[3]),
        Tensor::from_slice(&context, &[1i32, 128, 200], &[3]),
    );
    let u8 = FakeQuantize { axis: Some(1), low: 0, high: 255, grad_factor: 1.0 };
    let graph = |op, scale: &Tensor, zero: &Tensor| {
        capture(&context, &[("x", x.shape(), DType::F32)], |inputs| {
            let y = inputs[0].fake_quantize(op, scale, zero)?;
            Ok::<_, Error>(vec![("y".to_owned(), y)])
        })
        .unwrap()
    };
    for (op, (scale, zero)) in [(FakeQuantize::i8(), whole), (u8, channels)] {
        let (scale, zero) = (scale.unwrap(), zero.unwrap());
        let bytes = onnx::export(&graph(op, &scale, &zero), "fake").unwrap();
        let model = onnx::Model::from_bytes(&bytes).unwrap();
        let read = onnx::Import::new(&model).graph(&context).unwrap().graph;
        let y = Compiled::new(&read, &Options::default()).unwrap().run(&[&x]).unwrap();
        let expected = x.fake_quantize(op, &scale, &zero).unwrap();
        assert_eq!(y[0].to_vec::<f32>().unwrap(), expected.to_vec::<f32>().unwrap(), "{op:?}");
    }
    let ones = Tensor::full(&context, 1.0, &[3]).unwrap();
    let zeros = Tensor::from_slice(&context, &[0i32; 3], &[3]).unwrap();
    let narrow = FakeQuantize::weight(1);
    let error = onnx::export(&graph(narrow, &ones, &zeros), "fake").unwrap_err().to_string();
    assert!(error.contains("i8 or of u8"), "{error}");
}

#[test]
fn what_does_not_fit_is_a_typed_error() {
    let context = context();
    let x = Tensor::zeros(&context, &[2, 3]).unwrap();
    let (scale, zero) =
        (Tensor::full(&context, 1.0, &[]).unwrap(), Tensor::from_slice(&context, &[0i32], &[]).unwrap());
    let found = |op, x: &Tensor, scale: &Tensor, zero: &Tensor| x.fake_quantize(op, scale, zero).unwrap_err();
    let op = FakeQuantize::i8();
    for (low, high) in [(3, 3), (4, 3), (-8_000_000, 3), (0, 8_000_000)] {
        let error = found(FakeQuantize { low, high, ..op }, &x, &scale, &zero);
        assert!(
            matches!(error, Error::Shape(ShapeError::Parameter { parameter: "low and high", .. })),
            "{error}"
        );
    }
    let error = found(FakeQuantize { grad_factor: NAN, ..op }, &x, &scale, &zero);
    assert!(matches!(error, Error::Shape(ShapeError::Parameter { parameter: "grad_factor", .. })), "{error}");
    let error = found(FakeQuantize::weight(2), &x, &scale, &zero);
    assert!(matches!(error, Error::Shape(ShapeError::Axis { axis: 2, .. })), "{error}");
    let error = found(FakeQuantize::weight(1), &x, &scale, &zero);
    assert!(matches!(error, Error::Shape(ShapeError::Operand { operand: "scale", .. })), "{error}");
    let error = found(op, &x, &scale, &Tensor::from_slice(&context, &[0i32; 2], &[2]).unwrap());
    assert!(matches!(error, Error::Shape(ShapeError::Operand { operand: "zero_point", .. })), "{error}");
    let error = found(op, &x, &scale, &scale);
    assert!(matches!(error, Error::DType { operand: "zero_point", .. }), "{error}");
    let error = found(op, &x.cast(DType::I32).unwrap(), &scale, &zero);
    assert!(matches!(error, Error::DType { operand: "x", .. }), "{error}");
    let gradient = Op::Gradient(Gradient::FakeQuantize { op, wants: [false; 2] });
    let error = Tensor::run(&gradient, &[&x, &scale, &zero, &x]).unwrap_err();
    assert!(matches!(error, Error::Shape(ShapeError::Parameter { parameter: "wants", .. })), "{error}");
}
