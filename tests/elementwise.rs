//! Elementwise kernels against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts, full, random, random_tensor};
use tilewright::{
    DType, Layout, Tensor,
    ops::{BinaryOp, UnaryOp},
};
use tilewright_reference::elementwise as reference;

/// Counts around the vec4 and the workgroup of 64 vec4s. Multiples of 128 are whole turns of runs of 64 bits, where those are
/// quicker, for one workgroup or for several.
const COUNTS: [usize; 11] = [1, 3, 4, 5, 255, 256, 257, 1023, 4099, 8_576, 24_704];

fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Operands that each function is defined on.
fn operand(op: UnaryOp, seed: u64, count: usize) -> Vec<f32> {
    match op {
        UnaryOp::Log | UnaryOp::Sqrt | UnaryOp::Rsqrt => random(seed, count, 0.01, 9.0),
        UnaryOp::Reciprocal => random(seed, count, 0.1, 4.0),
        UnaryOp::Tan | UnaryOp::Asin | UnaryOp::Acos | UnaryOp::Atanh => random(seed, count, -0.9, 0.9),
        UnaryOp::Acosh => random(seed, count, 1.1, 9.0),
        _ => random(seed, count, -7.0, 7.0),
    }
}

#[test]
fn unary_and_its_gradient() {
    let mut cases = Cases::new();
    for context in contexts() {
        for op in UnaryOp::ALL {
            for count in COUNTS {
                let values = operand(op, count as u64, count);
                let grad = random(7, count, -1.0, 1.0);
                let x = Tensor::from_slice(&context, &values, &[count]).unwrap();
                let y = x.unary(op).unwrap().to_vec::<f32>().unwrap();
                let name = format!("{} of {count}, {:?}", op.name(), context.mode());
                cases.check(&name, close(&y, &reference::unary(op, &values), 1e-5, 1e-6));
                let grad_y = Tensor::from_slice(&context, &grad, &[count]).unwrap();
                let grad_x = x.unary_backward(op, &grad_y).unwrap().to_vec::<f32>().unwrap();
                let expected = reference::unary_backward(op, &values, &grad);
                cases.check(format!("gradient of {name}"), close(&grad_x, &expected, 2e-5, 2e-6));
            }
        }
    }
    cases.finish();
}

#[test]
fn large_arguments_do_not_overflow() {
    let values = [-1e4f32, -100.0, -90.0, -20.0, 20.0, 90.0, 100.0, 1e4];
    let ops = [UnaryOp::Sigmoid, UnaryOp::Tanh, UnaryOp::Silu, UnaryOp::Gelu, UnaryOp::GeluTanh];
    let mut cases = Cases::new();
    for context in contexts() {
        let x = Tensor::from_slice(&context, &values, &[8]).unwrap();
        let ones = Tensor::ones(&context, &[8]).unwrap();
        for op in ops {
            let y = x.unary(op).unwrap().to_vec::<f32>().unwrap();
            cases.check(op.name(), close(&y, &reference::unary(op, &values), 1e-5, 1e-6));
            let grad = x.unary_backward(op, &ones).unwrap().to_vec::<f32>().unwrap();
            cases.check(
                op.name(),
                close(&grad, &reference::unary_backward(op, &values, &[1.0; 8]), 1e-5, 1e-6),
            );
        }
    }
    cases.finish();
}

#[test]
fn binary_broadcasts_and_sums_its_gradients_back() {
    let shapes: [(&[usize], &[usize]); 11] = [
        (&[5], &[5]),
        (&[67, 128], &[67, 128]),
        (&[257], &[1]),
        (&[2, 3, 5], &[3, 1]),
        (&[4, 1, 3], &[2, 1]),
        (&[2, 3, 4, 5], &[1, 3, 1, 1]),
        (&[2, 3, 4, 5], &[5]),
        (&[3, 1, 1], &[2, 3, 4, 5]),
        (&[2, 3, 4, 5], &[2, 3, 4, 5]),
        (&[2, 1, 3, 1, 2], &[1, 4, 1, 3, 1]),
        (&[], &[3, 2]),
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        for (turn, op) in BinaryOp::ALL.into_iter().enumerate() {
            for (at, (a_shape, b_shape)) in shapes.into_iter().enumerate() {
                // A division meets every way to broadcast, another operation every fourth.
                if !full() && op != BinaryOp::Div && (at + turn) % 4 != 0 {
                    continue;
                }
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let rank = a_shape.len().max(b_shape.len());
                    if !full() && layout == Layout::ChannelsLast && rank != 4 {
                        continue;
                    }
                    let (low, high) = if op == BinaryOp::Pow { (0.2, 2.0) } else { (-2.0, 2.0) };
                    let a = random(1, a_shape.iter().product(), low, high);
                    // A divisor is kept away from zero.
                    let low = if op == BinaryOp::Div { 0.3 } else { low };
                    let b = random(2, b_shape.iter().product(), low, high);
                    let ta = Tensor::from_slice(&context, &a, a_shape).unwrap().to_layout(layout).unwrap();
                    let tb = Tensor::from_slice(&context, &b, b_shape).unwrap();
                    let name =
                        format!("{} {a_shape:?} {b_shape:?} {layout:?} {:?}", op.name(), context.mode());
                    let y = ta.binary(op, &tb).unwrap();
                    let expected = reference::binary(op, &a, a_shape, &b, b_shape);
                    cases.check(&name, close(&y.to_vec().unwrap(), &expected, 1e-5, 1e-6));
                    let grad = random(3, y.count(), -1.0, 1.0);
                    let grad_y =
                        Tensor::from_slice(&context, &grad, y.shape()).unwrap().to_layout(layout).unwrap();
                    let [grad_a, grad_b] = ta.binary_backward(op, &tb, &grad_y, [true, true]).unwrap();
                    let (want_a, want_b) = reference::binary_backward(op, &a, a_shape, &b, b_shape, &grad);
                    cases.check(&name, close(&grad_a.unwrap().to_vec().unwrap(), &want_a, 1e-4, 1e-5));
                    cases.check(&name, close(&grad_b.unwrap().to_vec().unwrap(), &want_b, 1e-4, 1e-5));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn an_operand_that_stands_for_many_rows() {
    // Whole vec4s, and around the rows and columns that a thread takes: 8 and 64 rows, up to four columns.
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[7, 8], &[8]),
        (&[8], &[70, 8]),
        (&[65, 12], &[1, 12]),
        (&[130, 64], &[64]),
        (&[3, 5, 96], &[3, 1, 96]),
        (&[2, 1, 128], &[2, 67, 128]),
        (&[2, 64, 9, 9], &[1, 64, 1, 1]),
        (&[2, 64, 9, 8], &[2, 64, 1, 1]),
        (&[1, 20, 1, 1], &[3, 20, 5, 6]),
    ];
    let mut cases = Cases::new();
    for context in contexts() {
        for op in [BinaryOp::Sub, BinaryOp::Div] {
            for (a_shape, b_shape) in shapes {
                let a = random(1, a_shape.iter().product(), -2.0, 2.0);
                let b = random(2, b_shape.iter().product(), 0.3, 2.0);
                let ta = Tensor::from_slice(&context, &a, a_shape).unwrap();
                let tb = Tensor::from_slice(&context, &b, b_shape).unwrap();
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let y = ta.to_layout(layout).unwrap().binary(op, &tb.to_layout(layout).unwrap()).unwrap();
                    let expected = reference::binary(op, &a, a_shape, &b, b_shape);
                    let name = format!("{} {a_shape:?} {b_shape:?} {layout:?} {context:?}", op.name());
                    cases.check(name, close(&y.to_vec().unwrap(), &expected, 1e-5, 1e-6));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn a_fused_activation_is_the_activation_of_the_result() {
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[1], &[1]),
        (&[67, 128], &[67, 128]),
        (&[70, 64], &[64]),
        (&[1027], &[1027]),
        (&[2, 8, 9, 7], &[2, 8, 9, 7]),
        (&[2, 3, 4, 5], &[1, 3, 1, 1]),
        (&[5], &[2, 3, 4, 5]),
        (&[3, 1], &[1, 5]),
        (&[0, 4], &[0, 4]),
    ];
    let activations = [UnaryOp::Relu, UnaryOp::LeakyRelu { slope: 0.25 }, UnaryOp::Silu];
    let mut cases = Cases::new();
    for context in contexts() {
        for (a_shape, b_shape) in shapes {
            for op in [BinaryOp::Add, BinaryOp::Mul] {
                for activation in activations {
                    let (a, b) = (random(1, count(a_shape), -2.0, 2.0), random(2, count(b_shape), -2.0, 2.0));
                    let ta = Tensor::from_slice(&context, &a, a_shape).unwrap();
                    let tb = Tensor::from_slice(&context, &b, b_shape).unwrap();
                    let y = ta.binary_fused(op, &tb, Some(activation)).unwrap();
                    let sum = reference::binary(op, &a, a_shape, &b, b_shape);
                    let name = format!("{} {} {a_shape:?} {b_shape:?}", op.name(), activation.name());
                    let expected = reference::unary(activation, &sum);
                    cases.check(name, close(&y.to_vec().unwrap(), &expected, 1e-5, 1e-6));
                }
            }
        }
        // Both operands in one buffer, and the two layouts together.
        let (x, values) = random_tensor(&context, 5, &[2, 8, 3, 5]);
        let expected: Vec<_> = values.iter().map(|value| (value + value).max(0.0)).collect();
        let turned = x.to_layout(Layout::ChannelsLast).unwrap();
        for other in [&x, &turned] {
            let y = x.add_relu(other).unwrap().to_vec::<f32>().unwrap();
            cases.check("one operand twice", close(&y, &expected, 0.0, 0.0));
        }
        let wrong = UnaryOp::Clamp { min: 1.0, max: 0.0 };
        assert!(x.binary_fused(BinaryOp::Add, &x, Some(wrong)).is_err());
    }
    cases.finish();
}

#[test]
fn pow_keeps_the_sign_rule() {
    for context in contexts() {
        let a = Tensor::from_slice(&context, &[-2.0f32, -2.0, 0.0, 0.0, -1.5], &[5]).unwrap();
        let b = Tensor::from_slice(&context, &[3.0f32, 2.0, 0.0, 2.0, 0.0], &[5]).unwrap();
        let y = a.binary(BinaryOp::Pow, &b).unwrap().to_vec::<f32>().unwrap();
        close(&y, &[-8.0, 4.0, 1.0, 0.0, 1.0], 1e-5, 1e-6).unwrap();
    }
}

#[test]
fn where_chooses_and_broadcasts() {
    let mut cases = Cases::new();
    for context in contexts() {
        for count in COUNTS {
            let condition: Vec<f32> = random(1, count, -1.0, 1.0).iter().map(|x| x.max(0.0)).collect();
            let (a, b) = (random(2, count, -1.0, 1.0), random(3, count, -1.0, 1.0));
            let [c, ta, tb] =
                [&condition, &a, &b].map(|v| Tensor::from_slice(&context, v, &[count]).unwrap());
            let y = ta.where_on(&c, &tb).unwrap().to_vec::<f32>().unwrap();
            cases.check(format!("{count}"), close(&y, &reference::where_on(&condition, &a, &b), 0.0, 0.0));
        }
        for layout in [Layout::RowMajor, Layout::ChannelsLast] {
            let c = Tensor::from_slice(&context, &[1.0f32, 0.0, 0.0], &[3, 1, 1]).unwrap();
            let values = random(4, 2 * 3 * 4 * 5, -1.0, 1.0);
            let a = Tensor::from_slice(&context, &values, &[2, 3, 4, 5]).unwrap().to_layout(layout).unwrap();
            let nothing = Tensor::full(&context, f32::NAN, &[]).unwrap();
            let y = a.where_on(&c, &nothing).unwrap();
            assert_eq!(y.layout(), layout);
            // What is not chosen may be anything.
            let kept = y.where_on(&c, &Tensor::full(&context, 7.0, &[]).unwrap()).unwrap();
            let expected: Vec<f32> =
                values.iter().enumerate().map(|(at, &x)| if at / 20 % 3 == 0 { x } else { 7.0 }).collect();
            cases.check(format!("{layout:?}"), close(&kept.to_vec().unwrap(), &expected, 0.0, 0.0));
        }
        let empty = Tensor::zeros(&context, &[0, 2]).unwrap();
        assert_eq!(empty.where_on(&empty, &empty).unwrap().shape(), [0, 2]);
        assert!(Tensor::zeros(&context, &[3]).unwrap().where_on(&empty, &empty).is_err());
    }
    cases.finish();
}

#[test]
fn layout_changes_keep_the_values() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [[2, 3, 5, 7], [1, 1, 4, 4], [3, 4, 1, 1], [2, 8, 3, 1]] {
            let values = random(1, shape.iter().product(), -1.0, 1.0);
            let x = Tensor::from_slice(&context, &values, &shape).unwrap();
            let there = x.to_layout(Layout::ChannelsLast).unwrap();
            assert_eq!(there.layout(), Layout::ChannelsLast);
            cases.check(format!("{shape:?}"), close(&there.to_vec().unwrap(), &values, 0.0, 0.0));
            if shape[1] > 1 && shape[2] * shape[3] > 1 {
                let raw: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read(there.buffer()).unwrap());
                assert_eq!(raw[1], values[shape[2] * shape[3]], "the second number is the second channel");
            }
        }
    }
    cases.finish();
}

#[test]
fn casts_truncate_round_and_come_back() {
    for context in contexts() {
        let x = Tensor::from_slice(&context, &[-2.7f32, -0.5, 0.0, 0.4, 1.0, 3.9, 65504.0], &[7]).unwrap();
        assert_eq!(x.cast(DType::I32).unwrap().to_vec::<i32>().unwrap(), [-2, 0, 0, 0, 1, 3, 65504]);
        let half = x.cast(DType::F16).unwrap();
        let back = half.cast(DType::F32).unwrap().to_vec::<f32>().unwrap();
        let expected: Vec<f32> =
            x.to_vec::<f32>().unwrap().iter().map(|&v| half::f16::from_f32(v).to_f32()).collect();
        assert_eq!(back, expected);
        assert_eq!(half.cast(DType::I32).unwrap().to_vec::<i32>().unwrap()[5], 3);
    }
}

/// Every exponent with digits around each rounding of a half, both signs: infinities, NaN and denormals among them.
fn every_kind_of_float() -> Vec<f32> {
    let digits = [
        0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x2fff, 0x3000, 0x3001, 0x7f_efff, 0x7f_f000, 0x7f_ffff,
    ];
    let more = random(7, 64, 0.0, 8_388_608.0);
    let digits: Vec<u32> = digits.into_iter().chain(more.into_iter().map(|digits| digits as u32)).collect();
    (0..512u32)
        .flat_map(|top| {
            digits.iter().map(move |&digits| f32::from_bits(top << 23 | digits)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn casts_of_every_kind_of_float() {
    let values = every_kind_of_float();
    for context in contexts() {
        let x = Tensor::from_slice(&context, &values, &[values.len()]).unwrap();
        let halves = x.cast(DType::F16).unwrap().to_vec::<half::f16>().unwrap();
        let signed = x.cast(DType::I32).unwrap().to_vec::<i32>().unwrap();
        let unsigned = x.cast(DType::U32).unwrap().to_vec::<u32>().unwrap();
        let mode = context.mode();
        // One rule for what does not fit, and for NaN, on every device.
        assert!(signed == reference::cast_to_i32(&values), "{mode:?}");
        assert!(unsigned == reference::cast_to_u32(&values), "{mode:?}");
        for (i, &value) in values.iter().enumerate() {
            let expected = half::f16::from_f32(value);
            assert_eq!(halves[i].is_nan(), expected.is_nan(), "{value:e} to f16, {mode:?}");
            if !expected.is_nan() {
                let (found, expected) = (halves[i].to_bits(), expected.to_bits());
                assert_eq!(found, expected, "{value:e} to f16, {mode:?}");
            }
        }
    }
}

#[test]
fn the_operations_run_every_cast_and_fill() {
    let context = common::own_context();
    context.start_profile().unwrap();
    let x = Tensor::full(&context, 1.5, &[8]).unwrap();
    x.cast(DType::F16).unwrap().cast(DType::F32).unwrap().cast(DType::I32).unwrap();
    let profile = context.finish_profile().unwrap();
    for stem in ["fill", "cast", "cast_to_f16", "cast_from_f16"] {
        assert!(profile.dispatches.iter().any(|dispatch| dispatch.kernel == stem), "nothing ran {stem}");
    }
}

#[test]
fn wrong_operands_are_typed_errors() {
    let all = contexts();
    let context = &all[0];
    let x = Tensor::zeros(context, &[2, 3]).unwrap();
    let error = x.add(&Tensor::zeros(context, &[4]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("add") && error.contains("[2, 3]") && error.contains("[4]"), "{error}");
    let error = x.cast(DType::I32).unwrap().unary(UnaryOp::Exp).unwrap_err().to_string();
    assert!(error.contains("exp") && error.contains("i32"), "{error}");
    let other = tilewright::Context::new().unwrap();
    let error = x.add(&Tensor::zeros(&other, &[2, 3]).unwrap()).unwrap_err().to_string();
    assert!(error.contains("different contexts"), "{error}");
    assert!(Tensor::from_slice(context, &[1.0f32], &[2]).is_err());
    assert!(x.unary(UnaryOp::Clamp { min: 1.0, max: 0.0 }).is_err());
    assert!(x.binary(BinaryOp::Pow, &x).is_ok(), "one tensor twice is allowed");
}

#[test]
fn empty_tensors_pass_through() {
    for context in contexts() {
        let x = Tensor::zeros(&context, &[0, 3]).unwrap();
        assert!(x.relu().unwrap().to_vec::<f32>().unwrap().is_empty());
        assert_eq!(x.add(&Tensor::ones(&context, &[3]).unwrap()).unwrap().shape(), [0, 3]);
    }
}

#[test]
fn a_nan_stays_one() {
    // A network that has diverged is not to look healthy behind its first activation.
    for context in contexts() {
        let mut cases = Cases::new();
        let x = Tensor::from_slice(&context, &[f32::NAN, -1.0, 7.0, f32::NAN, 0.5], &[5]).unwrap();
        for &op in &UnaryOp::ALL {
            let y = x.unary(op).unwrap().to_vec::<f32>().unwrap();
            let kept = y[0].is_nan() && y[3].is_nan();
            cases.check(op.name(), if kept { Ok(()) } else { Err(format!("{y:?}")) });
        }
        cases.finish();
    }
}
