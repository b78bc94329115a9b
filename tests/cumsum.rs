//! Running sums against the reference: lines of every cut, infinities and NaN, accuracy, wrong operands.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, host::channels_last, host::numbers, random};
use tilewright::{
    Tensor,
    ops::{CumSum, ShapeError},
    tensor::Error,
};
use tilewright_reference::cumsum as running;

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;

/// Around the longest line of one thread, the first blocks and the first blocks of blocks.
#[test]
fn lengths() {
    let mut cases = Cases::new();
    for context in contexts() {
        for along in [0, 1, 2, 127, 128, 129, 255, 256, 257, 4096, 32_767, 32_768, 32_769, 33_000] {
            for (shape, axis) in [([2, along], 1), ([along, 3], 0)] {
                let values = random(along as u64, shape.iter().product(), -1.0, 1.0);
                let x = Tensor::from_slice(&context, &values, &shape).unwrap();
                for (exclusive, reverse) in [(false, false), (true, true)] {
                    let op = CumSum { axis, exclusive, reverse };
                    let y = x.cumsum(&op).unwrap();
                    assert_eq!((y.shape(), y.layout()), (x.shape(), x.layout()));
                    let expected = running::cumsum(op, &values, &shape);
                    let absolute = 8e-7 * (along as f64).sqrt().max(1.0);
                    let name = format!("{shape:?} {op:?} ({:?})", context.mode());
                    cases.check(name, close(&numbers::<f32>(&y), &expected, 1e-6, absolute));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = context();
    let x = Tensor::zeros(&context, &[2, 3]).unwrap();
    let outside = x.cumsum(&CumSum { axis: 2, ..CumSum::default() });
    assert!(matches!(outside, Err(Error::Shape(ShapeError::Axis { op: "cumsum", axis: 2, .. }))));
    let whole = Tensor::from_slice(&context, &[1i32, 2], &[2]).unwrap();
    assert!(matches!(whole.cumsum(&CumSum::default()), Err(Error::DType { .. })));
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
