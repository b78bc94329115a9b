//! Reductions, softmax and the loss.

use tilewright::{
    Tensor,
    ops::{CrossEntropy, CumSum, LogSoftmax, Moments, Op, ReduceOp, Softmax, TopK},
};

use super::{Input, OpCase, data};

pub fn cases() -> Vec<OpCase> {
    let mut all: Vec<_> = ReduceOp::ALL
        .into_iter()
        .map(|op| OpCase::op(Op::Reduce { op, axes: vec![0, 2], keepdim: false }, vec![data(&[2, 3, 4])]))
        .collect();
    all.push(OpCase::op(
        Op::Reduce { op: ReduceOp::Sum, axes: Vec::new(), keepdim: false },
        vec![data(&[2, 3])],
    ));
    all.push(OpCase::op(
        Op::Reduce { op: ReduceOp::Mean, axes: Vec::new(), keepdim: true },
        vec![data(&[2, 3])],
    ));
    all.push(OpCase::op(Op::Argmax { axes: vec![1], keepdim: true }, vec![data(&[2, 4, 3])]));
    let topk = TopK { k: 3, axis: 1, largest: true };
    // Far enough apart that a step of the difference quotient changes no order.
    let apart = |shape| Input { low: -40.0, high: 40.0, ..data(shape) };
    all.push(OpCase::op(Op::TopK(topk), vec![apart(&[2, 5, 3])]));
    all.push(OpCase::op(Op::TopK(TopK { largest: false, axis: 2, ..topk }), vec![apart(&[2, 2, 4])]));
    all.push(OpCase::op(Op::Softmax(Softmax { axis: 1 }), vec![data(&[2, 4, 3])]));
    all.push(OpCase::op(Op::LogSoftmax(LogSoftmax { axis: 1 }), vec![data(&[2, 4])]));
    let sums = CumSum { axis: 1, exclusive: false, reverse: false };
    all.push(OpCase::op(Op::CumSum(sums), vec![data(&[2, 4, 3])]));
    all.push(OpCase::op(Op::CumSum(CumSum { exclusive: true, ..sums.turned() }), vec![data(&[2, 5])]));
    all.push(OpCase::op(Op::Moments(Moments { axes: vec![0, 2] }), vec![data(&[2, 3, 4])]));
    all.push(OpCase::op(Op::Moments(Moments { axes: vec![1] }), vec![data(&[3, 4])]));
    let line = || data(&[2, 1, 1]);
    all.push(OpCase::op(Op::Standardize, vec![data(&[2, 3, 4]), line(), line(), line()]));
    all.push(OpCase::other("cross_entropy", vec![data(&[3, 4])], |x| {
        let context = x[0].tensor().context();
        let labels = Tensor::from_slice(context, &[2i32, 0, 3], &[3])?;
        let weights = Tensor::from_slice(context, &[1.0f32, 0.5, 2.0, 0.7], &[4])?;
        let op = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
        x[0].cross_entropy(&labels, Some(&weights), &op)
    }));
    all
}
