//! Products, convolutions and normalisation.

use tilewright::{
    BatchNormCall, Tensor,
    ops::{Attention, BatchNorm, Conv2d, ConvTranspose2d, MatMul, Op, Pool2d, PoolKind, Pooling, UnaryOp},
};

use super::{Input, OpCase, data, fixed, weight};

fn matmul(op: MatMul, bias: bool, residual: bool, activation: Option<UnaryOp>) -> Op {
    Op::MatMul { op, bias, residual, activation }
}

fn conv(op: Conv2d, bias: bool, residual: bool, activation: Option<UnaryOp>) -> Op {
    Op::Conv2d { op, bias, residual, activation, pool: None }
}

pub fn cases() -> Vec<OpCase> {
    let mut all = Vec::new();
    for (transpose_left, transpose_right) in [(false, false), (true, false), (false, true), (true, true)] {
        let op = MatMul { transpose_left, transpose_right };
        let a: &[usize] = if transpose_left { &[2, 4, 3] } else { &[2, 3, 4] };
        let b: &[usize] = if transpose_right { &[5, 4] } else { &[4, 5] };
        all.push(OpCase::op(matmul(op, false, false, None), vec![data(a), weight(b)]));
    }
    let silu = Some(UnaryOp::Silu);
    all.push(OpCase::op(
        matmul(MatMul::default(), true, true, silu),
        vec![data(&[3, 4]), weight(&[4, 5]), weight(&[5]), data(&[3, 5])],
    ));
    all.push(OpCase::other("linear", vec![data(&[2, 3]), weight(&[4, 3]), weight(&[4])], |x| {
        x[0].linear(&x[1], Some(&x[2]))
    }));
    for (op, shape) in [
        (Conv2d { padding: [1, 1], ..Conv2d::default() }, [3, 2, 3, 3]),
        (Conv2d { stride: [2, 1], dilation: [1, 2], ..Conv2d::default() }, [3, 2, 2, 2]),
        (Conv2d { groups: 2, ..Conv2d::default() }, [4, 1, 2, 2]),
    ] {
        let inputs = vec![data(&[2, 2, 4, 5]), weight(&shape), weight(&shape[..1])];
        all.push(OpCase::op(conv(op, true, false, None), inputs));
    }
    let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let inputs = || vec![data(&[1, 2, 4, 6]), weight(&[4, 2, 3, 3]), weight(&[4])];
    let mut fused = inputs();
    fused.push(data(&[1, 4, 4, 6]));
    all.push(OpCase::op(conv(same, true, true, silu), fused));
    let pool = Some(Pooling { kind: PoolKind::Average, pool: Pool2d::new([2, 2]) });
    let pooled = Op::Conv2d { op: same, bias: true, residual: false, activation: silu, pool };
    all.push(OpCase::op(pooled, inputs()));
    let attention = |causal, mask| Op::Attention { op: Attention { scale: 0.6, causal }, mask };
    let heads = || vec![data(&[1, 2, 3, 4]), data(&[1, 2, 5, 4]), data(&[1, 2, 5, 2])];
    all.push(OpCase::op(attention(false, false), heads()));
    let mut masked = heads();
    masked.push(data(&[1, 1, 3, 5]));
    all.push(OpCase::op(attention(true, true), masked));
    let transposed =
        ConvTranspose2d { stride: [2, 1], padding: [1, 0], output_padding: [1, 0], ..Default::default() };
    all.push(OpCase::op(Op::ConvTranspose2d(transposed), vec![data(&[1, 2, 3, 2]), weight(&[2, 3, 3, 2])]));
    let inputs = vec![data(&[1, 2, 3, 2]), weight(&[2, 3, 3, 2]), weight(&[3])];
    all.push(OpCase::other("conv_transpose2d with a bias", inputs, move |x| {
        x[0].conv_transpose2d(&x[1], Some(&x[2]), &transposed)
    }));
    let columns = Conv2d { stride: [2, 1], padding: [1, 0], ..Conv2d::default() };
    all.push(OpCase::other("im2col", vec![data(&[1, 2, 4, 3])], move |x| x[0].im2col(&columns, [2, 2])));
    all.extend(normalisation());
    all
}

/// Training and inference, each with an activation behind it. relu's shape leaves no normalised value within a step of its
/// kink.
fn normalisation() -> Vec<OpCase> {
    let (plain, smooth, relu) = (None, Some(UnaryOp::Silu), Some(UnaryOp::Relu));
    let op = BatchNorm::default();
    let mut all = Vec::new();
    for (activation, shape) in [(plain, [3, 2, 2, 3]), (smooth, [3, 2, 2, 3]), (relu, [2, 2, 1, 3])] {
        let mut inputs = vec![data(&shape), weight(&[2]), weight(&[2])];
        all.push(OpCase::other(&format!("batch_norm_train {activation:?}"), inputs.clone(), move |x| {
            let context = x[0].tensor().context();
            let mean = Tensor::from_slice(context, &[0.3f32, -0.2], &[2])?;
            let var = Tensor::from_slice(context, &[1.7f32, 0.6], &[2])?;
            Ok(x[0].batch_norm_train(&x[1], &x[2], &mean, &var, BatchNormCall { op, activation })?.y)
        }));
        inputs.push(Input { low: -0.3, high: 0.3, ..fixed(&[2]) });
        inputs.push(Input { low: 0.5, high: 1.8, ..fixed(&[2]) });
        all.push(OpCase::op(Op::BatchNorm { op, activation }, inputs));
    }
    all
}
