//! Products, convolutions and attention.

use tilewright::ops::{
    Attention, Conv2d, ConvTranspose2d, Gradient, MatMul, Op, Pool2d, PoolKind, Pooling, UnaryOp,
};

use super::{Case, IMAGE, case};

pub fn cases() -> Vec<Case> {
    let conv = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let relu = Some(UnaryOp::Relu);
    let pool = Some(Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) });
    let plain = |op, bias, residual, activation, pool| Op::Conv2d { op, bias, residual, activation, pool };
    let attention = |causal, mask| Op::Attention { op: Attention { scale: 0.4, causal }, mask };
    let product = |op, bias, residual, activation| Op::MatMul { op, bias, residual, activation };
    let y: &[usize] = &[2, 8, 6, 7];
    vec![
        case(plain(conv, false, false, None, None), &[IMAGE, &[8, 3, 3, 3]]),
        case(plain(conv, true, true, relu, None), &[IMAGE, &[8, 3, 3, 3], &[8], y]),
        case(plain(conv, true, false, relu, pool), &[IMAGE, &[8, 3, 3, 3], &[8]]),
        case(product(MatMul::default(), false, false, None), &[&[2, 5, 4], &[4, 3]]),
        case(attention(false, false), &[&[2, 3, 9, 8], &[2, 3, 7, 8], &[2, 3, 7, 4]]),
        case(attention(true, true), &[&[2, 1, 5, 6], &[2, 1, 5, 6], &[2, 1, 5, 3], &[2, 1, 1, 5]]),
        case(product(MatMul::default(), true, true, relu), &[&[5, 4], &[4, 3], &[3], &[5, 3]]),
        case(Op::ConvTranspose2d(ConvTranspose2d::default()), &[IMAGE, &[3, 2, 3, 3]]),
        case(Op::Im2col { op: conv, kernel: [3, 3] }, &[IMAGE]),
        case(Op::Gradient(Gradient::Conv2dInput { op: conv, x_shape: [2, 3, 6, 7] }), &[y, &[8, 3, 3, 3]]),
        case(Op::Gradient(Gradient::Conv2dWeight { op: conv, weight_shape: [8, 3, 3, 3] }), &[y, IMAGE]),
        case(Op::Gradient(Gradient::Conv2dBias), &[y]),
        case(
            Op::Gradient(Gradient::Im2col { op: conv, kernel: [3, 3], x_shape: [2, 3, 6, 7] }),
            &[&[2, 27, 42]],
        ),
    ]
}
