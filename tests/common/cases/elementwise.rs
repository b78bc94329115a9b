//! Functions of each element.

use tilewright::ops::{BinaryOp, Dropout, Op, UnaryOp};

use super::{Input, OpCase, data, fixed};

/// An operand inside the function's domain, or short of its first pole.
fn operand(op: UnaryOp) -> Input {
    let (low, high) = match op {
        UnaryOp::Asin | UnaryOp::Acos | UnaryOp::Atanh | UnaryOp::Tan => (0.2, 0.35),
        UnaryOp::Acosh => (1.3, 2.6),
        _ => return data(&[7]),
    };
    Input { low, high, ..data(&[7]) }
}

pub fn cases() -> Vec<OpCase> {
    let mut all: Vec<_> =
        UnaryOp::ALL.into_iter().map(|op| OpCase::op(Op::Unary(op), vec![operand(op)])).collect();
    all.extend(BinaryOp::ALL.into_iter().map(|op| {
        let mut inputs = vec![data(&[2, 3]), data(&[3])];
        if let BinaryOp::Remainder | BinaryOp::Fmod = op {
            // The quotient stays between two whole numbers.
            (inputs[0].low, inputs[0].high, inputs[1].low) = (5.2, 5.6, 2.2);
        }
        OpCase::op(Op::Binary { op, activation: None }, inputs)
    }));
    let fused = Op::Binary { op: BinaryOp::Add, activation: Some(UnaryOp::Silu) };
    all.push(OpCase::op(fused, vec![data(&[2, 3, 2, 2]), data(&[3, 1, 1])]));
    // Between −0.5 and 0.5: about half of the condition is not 0 once it is rounded.
    let condition = Input { low: -0.9, high: 0.9, ..fixed(&[2, 1]) };
    all.push(OpCase::op(Op::Where, vec![condition, data(&[2, 3]), data(&[3])]));
    all.push(OpCase::other("dropout", vec![data(&[2, 8])], |x| x[0].dropout(&Dropout { p: 0.4 }, 7, 3)));
    all.push(OpCase::other("x · x", vec![data(&[2, 3, 4, 5])], |x| x[0].mul(&x[0])));
    all
}
