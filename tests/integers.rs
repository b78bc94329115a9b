//! Arithmetic of integers, casts of what does not fit, and the rest of a division of floats, bit for bit.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, contexts, random};
use tilewright::{
    Context, DType, Tensor, Var,
    ops::{BinaryOp, Op, ReduceOp, UnaryOp},
    tensor::Error,
};
use tilewright_reference::{
    elementwise,
    golden::{self, Case},
    integers as reference,
};

fn tensor(context: &Context, values: &[i32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(context, values, shape).unwrap()
}

/// The elements of an i32 tensor, or of the truth that a comparison gives.
fn read(y: &Tensor) -> Vec<i32> {
    match y.dtype() {
        DType::I32 => y.to_vec().unwrap(),
        _ => y.to_vec::<f32>().unwrap().into_iter().map(|truth| truth as i32).collect(),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} elements and not {}", found.len(), expected.len()));
    }
    let wrong = found.iter().zip(expected).position(|(found, expected)| found != expected);
    wrong.map_or(Ok(()), |at| Err(format!("element {at} is {:?} and not {:?}", found[at], expected[at])))
}

/// Integers of every size, and of both signs.
fn numbers(seed: u64, count: usize) -> Vec<i32> {
    let floats = random(seed, count, -1.0, 1.0);
    floats
        .iter()
        .enumerate()
        .map(|(at, value)| (f64::from(*value) * 2f64.powi(1 + at as i32 % 31)) as i32)
        .collect()
}

fn of_golden(context: &Context, case: &Case) -> Vec<(&'static str, Vec<i32>, Vec<i32>)> {
    let expected = |role: &str| case.i32(role).unwrap().0.to_vec();
    if let Some(op) = BinaryOp::OF_INTEGERS.into_iter().find(|op| op.name() == case.op) {
        let ((a, a_shape), (b, b_shape)) = (case.i32("a").unwrap(), case.i32("b").unwrap());
        let (left, right) = (tensor(context, a, a_shape), tensor(context, b, b_shape));
        let y = left.binary(op, &right).unwrap();
        let gives = if op.is_comparison() { DType::F32 } else { DType::I32 };
        assert_eq!(y.dtype(), gives, "{op:?}");
        // Of one shape it is another kernel.
        let whole = |x: &Tensor| x.expand(y.shape()).unwrap();
        let alike = whole(&left).binary(op, &whole(&right)).unwrap();
        let scalar = reference::binary(op, a, a_shape, b, b_shape);
        return vec![
            ("broadcast", read(&y), expected("y")),
            ("alike", read(&alike), expected("y")),
            ("reference", scalar, expected("y")),
        ];
    }
    if let Some(op) = UnaryOp::ALL.into_iter().find(|op| op.name() == case.op) {
        let (x, shape) = case.i32("x").unwrap();
        let y = read(&tensor(context, x, shape).unary(op).unwrap());
        return vec![("device", y, expected("y")), ("reference", reference::unary(op, x), expected("y"))];
    }
    if let Some(op) = ReduceOp::ALL.into_iter().find(|op| op.name() == case.op) {
        let ((x, shape), axis) = (case.i32("x").unwrap(), case.count("axis").unwrap());
        let y = read(&tensor(context, x, shape).reduce(op, &[axis], false).unwrap());
        let scalar = reference::reduce(op, x, shape, &[axis]);
        return vec![("device", y, expected("y")), ("reference", scalar, expected("y"))];
    }
    let (bits, shape) = case.i32("x_bits").unwrap();
    let values: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits.cast_unsigned())).collect();
    let x = Tensor::from_slice(context, &values, shape).unwrap();
    let through = |dtype| read(&x.cast(dtype).unwrap().cast(DType::I32).unwrap());
    // Of a condition: a denormal number is no 0.
    let [one, zero] = [1, 0].map(|value| tensor(context, &[value], &[1]));
    let truth = read(&one.where_on(&x, &zero).unwrap());
    vec![
        ("i32", through(DType::I32), expected("i32")),
        ("i8", through(DType::I8), expected("i8")),
        ("u8", through(DType::U8), expected("u8")),
        ("truth", truth, expected("bool")),
        ("reference", elementwise::cast_to_i32(&values), expected("i32")),
    ]
}

#[test]
fn the_golden_files_of_pytorch() {
    let goldens = golden::family("integers").unwrap();
    let arithmetic = goldens.iter().filter(|case| case.has("y") && !case.has("indices") || case.op == "cast");
    let (mut table, mut seen) = (Cases::new(), 0);
    for case in arithmetic {
        seen += 1;
        for context in contexts() {
            for (name, found, expected) in of_golden(&context, case) {
                table.check(format!("{} {name}, {:?}", case.name, context.mode()), same(&found, &expected));
            }
        }
    }
    assert_eq!(seen, BinaryOp::OF_INTEGERS.len() + 4 + 4 * 3 + 1);
    table.finish();
}

/// Each way through the kernels: alike and broadcast, whole vec4s and not, one thread and many.
#[test]
fn every_way_through_the_kernels() {
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[1], &[1]),
        (&[7], &[7]),
        (&[4100], &[4100]),
        (&[16_384], &[16_384]),
        (&[3, 50, 64], &[64]),
        (&[3, 1, 64], &[3, 50, 64]),
        (&[2, 3, 5], &[3, 1]),
        (&[2, 3, 8], &[3, 1]),
        (&[0, 3], &[3]),
    ];
    let mut table = Cases::new();
    for context in contexts() {
        for (seed, (a_shape, b_shape)) in shapes.into_iter().enumerate() {
            let a = numbers(seed as u64, a_shape.iter().product());
            let b = numbers(seed as u64 + 20, b_shape.iter().product());
            for op in [BinaryOp::Add, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Less, BinaryOp::Remainder] {
                let y = tensor(&context, &a, a_shape).binary(op, &tensor(&context, &b, b_shape)).unwrap();
                let expected = reference::binary(op, &a, a_shape, &b, b_shape);
                table.check(
                    format!("{op:?} {a_shape:?} {b_shape:?} {:?}", context.mode()),
                    same(&read(&y), &expected),
                );
            }
        }
        for (shape, axes) in [
            (&[3, 70_000][..], &[1][..]),
            (&[300, 64], &[0]),
            (&[5, 7, 9], &[0, 2]),
            (&[5, 7, 9], &[]),
            (&[40_000], &[0]),
            (&[4, 1], &[1]),
        ] {
            let x = numbers(3, shape.iter().product());
            for op in [ReduceOp::Sum, ReduceOp::Max, ReduceOp::Min, ReduceOp::Prod] {
                let y = tensor(&context, &x, shape).reduce(op, axes, false).unwrap();
                let expected = reference::reduce(op, &x, shape, axes);
                table.check(
                    format!("{op:?} {shape:?} {axes:?} {:?}", context.mode()),
                    same(&read(&y), &expected),
                );
            }
        }
    }
    table.finish();
}

/// As NumPy: 0. PyTorch refuses it, and so does the host where it is known.
#[test]
fn a_division_by_zero_gives_zero() {
    for context in contexts() {
        let a = tensor(&context, &[5, -5, 0, i32::MIN], &[4]);
        let zero = tensor(&context, &[0], &[1]);
        for op in [BinaryOp::Div, BinaryOp::Remainder, BinaryOp::Fmod] {
            assert_eq!(read(&a.binary(op, &zero).unwrap()), [0; 4], "{op:?}");
        }
        let minus = tensor(&context, &[-1], &[1]);
        assert_eq!(read(&a.div(&minus).unwrap()), [-5, 5, 0, i32::MIN]);
    }
}

/// Integers whose bits are those of a NaN, an infinity, a denormal number come through as they are.
#[test]
fn bits_that_are_no_number_come_through() {
    let words = [0x7f80_0001, 0x7fc0_1234, 0x7f80_0000, 1, 0x0040_0000, i32::MIN, -1];
    for context in contexts() {
        let x = tensor(&context, &words, &[7]);
        let zero = tensor(&context, &[0], &[1]);
        assert_eq!(read(&x.add(&zero).unwrap()), words);
        assert_eq!(read(&x.reduce(ReduceOp::Max, &[], true).unwrap()), [0x7fc0_1234]);
        assert_eq!(read(&x.reshape(&[7, 1]).unwrap().reduce(ReduceOp::Sum, &[1], false).unwrap()), words);
        // A condition of integers is true where it is not 0: where it is 1, too, whose bits are a denormal number.
        let condition = tensor(&context, &[1, 0, i32::MIN, 0, -1, 0, 2], &[7]);
        let chosen = x.where_on(&condition, &zero).unwrap();
        assert_eq!(read(&chosen), [words[0], 0, words[2], 0, words[4], 0, words[6]]);
        // One of floats is not where it is −0, and is where it is NaN.
        let condition =
            Tensor::from_slice(&context, &[-0.0f32, f32::NAN, 0.0, 1.0, -1.0, 0.0, 1e-30], &[7]).unwrap();
        let chosen = x.where_on(&condition, &zero).unwrap();
        assert_eq!(read(&chosen), [0, words[1], 0, words[3], words[4], 0, words[6]]);
    }
}

/// The rest of a division is exact, however large the quotient: Rust's `%` is C's fmod.
#[test]
fn the_rest_of_floats_is_exact() {
    let special = [
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-40,
        -3e-45,
        1.0,
        -1.0,
    ];
    let mut values: Vec<f32> = special.to_vec();
    values.extend((0..120).map(|at| f32::from_bits((at * 0x0212_3457) ^ (at << 31))));
    let bits = |values: Vec<f32>| -> Vec<u32> {
        values.into_iter().map(|value| if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() }).collect()
    };
    let mut table = Cases::new();
    for context in contexts() {
        let left = Tensor::from_slice(&context, &values, &[values.len(), 1]).unwrap();
        let right = Tensor::from_slice(&context, &values, &[values.len()]).unwrap();
        for op in [BinaryOp::Remainder, BinaryOp::Fmod] {
            let found = left.binary(op, &right).unwrap().to_vec::<f32>().unwrap();
            let pairs = values.iter().flat_map(|&a| values.iter().map(move |&b| (a, b)));
            let exact = |((a, b), found): ((f32, f32), f32)| {
                let rest = a % b;
                let across = op == BinaryOp::Remainder && rest != 0.0 && (rest < 0.0) != (b < 0.0);
                // b and a subnormal number: a driver may take that for 0.
                let flushed = across && a.is_subnormal() && a.abs() < b.abs() && found == b;
                match (flushed, across) {
                    (true, _) => found,
                    (false, true) => rest + b,
                    (false, false) => rest,
                }
            };
            let expected = pairs.zip(found.iter().copied()).map(exact).collect();
            table.check(format!("{op:?} {:?}", context.mode()), same(&bits(found), &bits(expected)));
        }
    }
    table.finish();
}

#[test]
fn what_integers_do_not_have_is_an_error() {
    let context = common::context();
    let (whole, real) = (tensor(&context, &[1, 2], &[2]), Tensor::ones(&context, &[2]).unwrap());
    let refused = |outcome: Result<Tensor, Error>, words: [&str; 2]| {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::DType { .. }), "{error}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    refused(whole.add(&real), ["add", "i32"]);
    refused(real.add(&whole), ["add", "f32"]);
    refused(whole.binary(BinaryOp::Prelu, &whole), ["prelu", "f32"]);
    refused(real.binary(BinaryOp::BitwiseAnd, &real), ["bitwise_and", "i32"]);
    refused(whole.add_relu(&whole), ["add", "f32"]);
    refused(whole.unary(UnaryOp::Sqrt), ["sqrt", "f32"]);
    refused(whole.mean(&[], false), ["mean", "f32"]);
    refused(whole.cast(DType::U8).unwrap().add(&whole), ["add", "f32 or i32"]);
    refused(whole.where_on(&whole, &real), ["where", "i32"]);
    refused(real.argmax(&[], false).unwrap().softmax(0), ["softmax", "f32"]);
}

/// Integers carry no gradient: what is computed with them is a constant.
#[test]
fn integers_are_constants_of_the_tape() {
    let context = common::context();
    let x = Var::leaf(Tensor::from_slice(&context, &[1.7f32, -2.2], &[2]).unwrap());
    let whole = x.cast(DType::I32).unwrap();
    assert!(!whole.needs_gradient());
    let one = Var::constant(tensor(&context, &[1], &[1]));
    let sum = whole.add(&one).unwrap();
    assert_eq!(read(sum.tensor()), [2, -1]);
    let scaled = x.mul(&sum.cast(DType::F32).unwrap()).unwrap();
    let gradients = scaled.sum(&[], false).unwrap().backward().unwrap();
    assert_eq!(gradients.get(&x).unwrap().to_vec::<f32>().unwrap(), [2.0, -1.0]);
    // An activation behind integers stays an operation of its own.
    let op = Op::Binary { op: BinaryOp::Add, activation: Some(UnaryOp::Relu) };
    assert!(Var::run(&op, &[&whole, &one]).is_err());
    assert_eq!(read(sum.relu().unwrap().tensor()), [2, 0]);
}
