//! Products, tables, and elements along an axis.

use tilewright::{
    DType, Layout, Tensor,
    ops::{Op, Quantized, Steps},
};
use tilewright_reference::quantized as reference;

use crate::{
    bytes::{Fill, found, numbers, same, tensor},
    common::{Cases, context, contexts},
};

#[test]
fn products_tables_and_elements() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (count, [a_type, b_type, y_type]) in [
            (1, [DType::I8, DType::I8, DType::I8]),
            (255, [DType::U8, DType::I8, DType::U8]),
            (1030, [DType::U8, DType::U8, DType::U8]),
            (65_536, [DType::I8, DType::U8, DType::I8]),
        ] {
            let (a, b) = (numbers(1, count, a_type, Fill::Random), numbers(5, count, b_type, Fill::Random));
            let operands = [&tensor(&context, &a, a_type, &[count]), &tensor(&context, &b, b_type, &[count])];
            // 0.5 gives halves, which are rounded to even.
            for multiplier in [0.0123, 0.5, 900.0] {
                let y = Steps::new(y_type, 7).relu();
                let op = Op::Quantized(Quantized::Mul { zeros: [3, 100], multiplier, y });
                let product = Tensor::run_one(&op, &operands).unwrap();
                let expected = reference::qmul(&a, &b, [3, 100], multiplier, &y);
                let name = format!("{:?} mul {count} {a_type} {b_type} {multiplier}", context.mode());
                cases.check(name, same(&found(&product), &expected));
            }
            let table = numbers(9, 256, y_type, Fill::Random);
            let on_device = tensor(&context, &table, y_type, &[256]);
            let y = Tensor::run_one(
                &Op::Quantized(Quantized::Lookup { dtype: y_type }),
                &[operands[0], &on_device],
            );
            let least = if a_type == DType::I8 { -128 } else { 0 };
            let name = format!("{:?} lookup {count} {a_type} {y_type}", context.mode());
            cases.check(name, same(&found(&y.unwrap()), &reference::qlookup(&a, least, &table)));
        }
        // Whole words and odd ones, in both layouts, with indices that are outside.
        for (shape, dtype) in
            [([2, 8, 5, 3], DType::I8), ([1, 3, 4, 7], DType::U8), ([3, 1, 2, 2], DType::I8)]
        {
            let x = numbers(2, shape.iter().product(), dtype, Fill::Random);
            for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                let on_device = tensor(&context, &x, dtype, &shape).to_layout(layout).unwrap();
                for axis in 0..4 {
                    let indices =
                        [0, 1, 1, -1, shape[axis] as i32 - 1, shape[axis] as i32, i32::MIN, 0, i32::MAX];
                    let operand = Tensor::from_slice(&context, &indices, &[indices.len()]).unwrap();
                    let op = Op::Quantized(Quantized::Gather { axis });
                    let y = Tensor::run_one(&op, &[&on_device, &operand]).unwrap();
                    let name = format!("{:?} gather {shape:?} {dtype} {layout:?} {axis}", context.mode());
                    cases.check(name, same(&found(&y), &reference::qgather(&x, &shape, axis, &indices)));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_nothing() {
    let context = context();
    let bytes = |shape: &[usize]| tensor(&context, &vec![1; shape.iter().product()], DType::I8, shape);
    let refused = |op: Quantized, operands: &[&Tensor], says: &str| {
        let error = Tensor::run(&Op::Quantized(op), operands).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    let (x, y) = (bytes(&[2, 3]), Steps::new(DType::I8, 0));
    let mul = |zeros, multiplier| Quantized::Mul { zeros, multiplier, y };
    for zeros in [[128, 0], [0, -129]] {
        refused(mul(zeros, 0.1), &[&x, &x], "qmul");
    }
    for multiplier in [f32::NAN, f32::INFINITY, 0.0, -1.0] {
        refused(mul([0, 0], multiplier), &[&x, &x], "multiplier");
    }
    refused(mul([0, 0], 0.1), &[&x, &bytes(&[3, 2])], "[3, 2]");
    refused(Quantized::Lookup { dtype: DType::I8 }, &[&x, &bytes(&[255])], "[255]");
    refused(Quantized::Lookup { dtype: DType::F32 }, &[&x, &bytes(&[256])], "qlookup");
    let places = Tensor::from_slice(&context, &[0i32, 1], &[2]).unwrap();
    refused(Quantized::Gather { axis: 2 }, &[&x, &places], "axis");
    refused(Quantized::Gather { axis: 0 }, &[&x, &places.reshape(&[1, 2]).unwrap()], "indices");
    let (none, table) = (bytes(&[0, 3]), bytes(&[256]));
    for (op, operands) in [
        (mul([0, 0], 0.1), vec![&none, &none]),
        (Quantized::Lookup { dtype: DType::I8 }, vec![&none, &table]),
        (Quantized::Gather { axis: 1 }, vec![&none, &places]),
    ] {
        let y = Tensor::run_one(&Op::Quantized(op), &operands).unwrap();
        assert_eq!((y.count(), found(&y)), (0, vec![]));
    }
}
