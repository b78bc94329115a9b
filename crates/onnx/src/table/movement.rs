//! What moves elements, by place or by index, and what makes them.

use super::operator::{HostOperator, HostRow, Operator, Relabel, Row};

pub(super) const ROWS: &[Row] = &[
    ("Identity", 1, Operator::Identity),
    ("Reshape", 1, Operator::Relabel(Relabel::Reshape)),
    ("Flatten", 1, Operator::Relabel(Relabel::Flatten)),
    ("Squeeze", 1, Operator::Relabel(Relabel::Squeeze)),
    ("Unsqueeze", 1, Operator::Relabel(Relabel::Unsqueeze)),
    ("Shape", 1, Operator::Shape),
    ("Size", 1, Operator::Size),
    ("Transpose", 1, Operator::Transpose),
    ("Concat", 1, Operator::Concat),
    ("Split", 2, Operator::Split),
    ("Slice", 1, Operator::Slice),
    ("Expand", 8, Operator::Expand),
    ("Tile", 1, Operator::Tile),
    ("Pad", 1, Operator::Pad),
    ("DepthToSpace", 1, Operator::DepthToSpace),
    ("SpaceToDepth", 1, Operator::SpaceToDepth),
    ("Gather", 1, Operator::Gather),
    ("GatherElements", 11, Operator::GatherElements),
    ("GatherND", 11, Operator::GatherNd),
    ("Scatter", 9, Operator::ScatterElements),
    ("ScatterElements", 11, Operator::ScatterElements),
    ("ScatterND", 11, Operator::ScatterNd),
    ("OneHot", 9, Operator::OneHot),
    ("Trilu", 14, Operator::Trilu),
    ("Compress", 9, Operator::Compress),
    ("ReverseSequence", 10, Operator::ReverseSequence),
    ("EyeLike", 9, Operator::EyeLike),
];

pub(super) const ON_HOST: &[HostRow] = &[
    ("Constant", HostOperator::Constant),
    ("ConstantOfShape", HostOperator::ConstantOfShape),
    ("Range", HostOperator::Range),
    ("Unique", HostOperator::Unique),
    ("NonMaxSuppression", HostOperator::NonMaxSuppression),
    ("MaxUnpool", HostOperator::MaxUnpool),
];
