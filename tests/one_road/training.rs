//! What belongs to training: batch normalisation, the loss, dropout.

use tilewright::ops::{BatchNorm, CrossEntropy, Dropout, Gradient, Op, UnaryOp};

use super::{Case, IMAGE, case};

pub fn cases() -> Vec<Case> {
    let (op, c): (_, &[usize]) = (BatchNorm::default(), &[3]);
    let relu = Some(UnaryOp::Relu);
    let loss = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
    let logits: &[usize] = &[4, 5];
    vec![
        case(Op::BatchNorm { op, activation: relu }, &[IMAGE, c, c, c, c]),
        case(Op::BatchNormTrain { op, activation: None }, &[&[4, 3, 5], c, c, c, c]),
        case(Op::BatchNormTrain { op, activation: relu }, &[IMAGE, c, c, c, c]),
        case(Op::Gradient(Gradient::BatchNormTrain { activation: relu }), &[IMAGE, c, c, c, IMAGE, c, c]),
        case(Op::Gradient(Gradient::BatchNormAgain { activation: relu }), &[IMAGE, c, c, c, c, c]),
        case(Op::Gradient(Gradient::BatchNorm { op, activation: None }), &[IMAGE, c, c, c, IMAGE]),
        case(Op::CrossEntropy { op: loss, weights: false }, &[logits, &[4]]),
        case(Op::CrossEntropy { op: loss, weights: true }, &[logits, &[4], &[5]]),
        case(Op::Gradient(Gradient::CrossEntropy { op: loss, weights: true }), &[logits, &[4], &[], &[5]]),
        case(Op::Dropout { op: Dropout { p: 0.4 }, seed: 5, stream: 6 }, &[IMAGE]),
    ]
}
