//! Elements by index, and arithmetic of integers.

use tilewright::{
    DType,
    ops::{BinaryOp, Op, ReduceOp, ScatterReduction, UnaryOp},
};

use super::{Case, IMAGE, case, of_integers};

pub fn cases() -> Vec<Case> {
    let indices: &[usize] = &[2, 3, 2, 7];
    let scatter = |reduction| Op::Scatter { axis: 2, reduction };
    let tuples = |reduction| Op::ScatterNd { batch: 1, reduction };
    let elements = |reduction| Op::ScatterElements { axis: 2, reduction };
    let (y, slices): (&[usize], &[usize]) = (&[2, 3, 2, 2, 7], &[2, 4, 7]);
    let mut all = vec![
        case(Op::GatherElements { axis: 2 }, &[IMAGE, indices]),
        case(Op::GatherNd { batch: 1 }, &[IMAGE, &[2, 4, 2]]),
        case(scatter(ScatterReduction::Replace), &[IMAGE, &[2, 2], y]),
        of_integers(scatter(ScatterReduction::Add), &[IMAGE, &[2, 2], y]),
        case(elements(ScatterReduction::Add), &[IMAGE, indices, indices]),
        of_integers(elements(ScatterReduction::Replace), &[IMAGE, indices, indices]),
        case(tuples(ScatterReduction::Max), &[IMAGE, &[2, 4, 2], slices]),
        of_integers(tuples(ScatterReduction::Mul), &[IMAGE, &[2, 4, 2], slices]),
        of_integers(Op::Unary(UnaryOp::Neg), &[IMAGE]),
        of_integers(Op::Where, &[&[6, 7], IMAGE, &[]]),
        of_integers(Op::Cast(DType::F32), &[IMAGE]),
        of_integers(Op::Cast(DType::U8), &[IMAGE]),
        of_integers(Op::Reduce { op: ReduceOp::Sum, axes: vec![2, 3], keepdim: true }, &[IMAGE]),
        of_integers(Op::Reduce { op: ReduceOp::Min, axes: vec![], keepdim: false }, &[IMAGE]),
    ];
    all.extend(BinaryOp::OF_INTEGERS.map(|op| {
        let shapes: [&[usize]; 2] = if op.is_comparison() { [IMAGE, IMAGE] } else { [IMAGE, &[3, 1, 1]] };
        of_integers(Op::Binary { op, activation: None }, &shapes)
    }));
    all
}
