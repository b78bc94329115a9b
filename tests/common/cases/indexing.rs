//! Elements by index, and to their index; one index is outside its axis wherever the export may say so.

use tilewright::ops::{BinaryOp, Op, ReduceOp, ScatterReduction, UnaryOp};

use super::{OpCase, data, fixed, integers};

pub fn cases() -> Vec<OpCase> {
    let (replace, add) = (ScatterReduction::Replace, ScatterReduction::Add);
    let lines = || integers(&[2, 3], &[3, -4, 1, 2, 0, 9]);
    let tuples = || integers(&[3, 2], &[1, -1, 0, 2, 1, 5]);
    let mut all = vec![
        OpCase::op(Op::Gather { axis: 1 }, vec![data(&[2, 4, 3]), integers(&[2, 2], &[1, -1, 1, 7])]),
        OpCase::op(Op::GatherElements { axis: 1 }, vec![data(&[3, 4]), lines()]),
        OpCase::op(Op::GatherNd { batch: 0 }, vec![data(&[2, 3, 2]), tuples()]),
        OpCase::op(Op::GatherNd { batch: 1 }, vec![data(&[2, 3, 2]), integers(&[2, 2, 1], &[0, 2, -1, -1])]),
        OpCase::op(
            Op::Scatter { axis: 1, reduction: add },
            vec![data(&[2, 4, 3]), integers(&[3], &[1, -1, 1]), data(&[2, 3, 3])],
        ),
        OpCase::op(
            Op::ScatterElements { axis: 1, reduction: add },
            vec![data(&[3, 4]), integers(&[2, 3], &[3, -4, 3, 2, 0, 2]), data(&[2, 3])],
        ),
        // Each place once: else PyTorch's gradient is not that of the function.
        OpCase::op(
            Op::ScatterElements { axis: 0, reduction: replace },
            vec![data(&[3, 4]), integers(&[2, 3], &[2, 0, -1, 0, 1, 1]), data(&[2, 3])],
        ),
        OpCase::op(
            Op::ScatterNd { batch: 0, reduction: replace },
            vec![data(&[2, 3, 2]), integers(&[2, 2], &[1, -1, 0, 2]), data(&[2, 2])],
        ),
        OpCase::op(
            Op::ScatterNd { batch: 0, reduction: add },
            vec![data(&[4]), integers(&[3, 1], &[1, -1, 1]), data(&[3])],
        ),
    ];
    // Integers have no gradient, but are captured and exported as what they are.
    let (a, b) = (|| integers(&[2, 3], &[7, -7, 6, -6, 5, 0]), || integers(&[3], &[2, 3, -4]));
    let written = [
        BinaryOp::Add,
        BinaryOp::Sub,
        BinaryOp::Mul,
        BinaryOp::Div,
        BinaryOp::Maximum,
        BinaryOp::Minimum,
        BinaryOp::Equal,
        BinaryOp::Less,
        BinaryOp::LessOrEqual,
        BinaryOp::Greater,
        BinaryOp::GreaterOrEqual,
        BinaryOp::Remainder,
        BinaryOp::Fmod,
    ];
    all.extend(written.map(|op| OpCase::op(Op::Binary { op, activation: None }, vec![a(), b()])));
    all.extend(
        [UnaryOp::Neg, UnaryOp::Abs, UnaryOp::Sign, UnaryOp::Relu]
            .map(|op| OpCase::op(Op::Unary(op), vec![a()])),
    );
    all.extend(
        [ReduceOp::Sum, ReduceOp::Max, ReduceOp::Min, ReduceOp::Prod]
            .map(|op| OpCase::op(Op::Reduce { op, axes: vec![1], keepdim: false }, vec![a()])),
    );
    all.push(OpCase::op(Op::Where, vec![fixed(&[3]), a(), b()]));
    all
}
