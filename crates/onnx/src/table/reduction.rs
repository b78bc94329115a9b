//! Reductions and what depends on the order of elements.

use super::operator::{Extreme, HostOperator, HostRow, Operator, Reduction, Row};

pub(super) const ROWS: &[Row] = &[
    ("ReduceSum", 1, Operator::Reduce(Reduction::Sum)),
    ("ReduceMean", 1, Operator::Reduce(Reduction::Mean)),
    ("ReduceMax", 1, Operator::Reduce(Reduction::Max)),
    ("ReduceMin", 1, Operator::Reduce(Reduction::Min)),
    ("ReduceProd", 1, Operator::Reduce(Reduction::Prod)),
    ("ReduceL1", 1, Operator::Reduce(Reduction::L1)),
    ("ReduceL2", 1, Operator::Reduce(Reduction::L2)),
    ("ReduceSumSquare", 1, Operator::Reduce(Reduction::SumSquare)),
    ("ReduceLogSum", 1, Operator::Reduce(Reduction::LogSum)),
    ("ReduceLogSumExp", 1, Operator::Reduce(Reduction::LogSumExp)),
    ("ArgMax", 1, Operator::Arg(Extreme::Max)),
    ("ArgMin", 1, Operator::Arg(Extreme::Min)),
    ("CumSum", 11, Operator::CumSum),
    ("TopK", 1, Operator::TopK),
];

pub(super) const ON_HOST: &[HostRow] = &[("NonZero", HostOperator::NonZero)];
