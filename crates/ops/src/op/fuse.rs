//! What an operation has taken into itself: an activation, a pooling.

use super::vocabulary::Op;
use crate::{elementwise::UnaryOp, pooling::PoolKind, pooling::Pooling};

impl Op {
    /// The activation that is part of it.
    #[must_use]
    pub fn activation(&self) -> Option<UnaryOp> {
        match self {
            Self::Binary { activation, .. }
            | Self::MatMul { activation, .. }
            | Self::Conv2d { activation, .. }
            | Self::BatchNorm { activation, .. }
            | Self::BatchNormTrain { activation, .. } => *activation,
            _ => None,
        }
    }

    /// The pooling that it is, or that is part of it.
    #[must_use]
    pub fn pooling(&self) -> Option<Pooling> {
        match *self {
            Self::MaxPool2d { pool, .. } => Some(Pooling { kind: PoolKind::Max, pool }),
            Self::AvgPool2d(pool) => Some(Pooling { kind: PoolKind::Average, pool }),
            Self::SumPool2d(pool) => Some(Pooling { kind: PoolKind::Sum, pool }),
            Self::Conv2d { pool, .. } => pool,
            _ => None,
        }
    }

    /// The same operation with `activation` of its result; `None` if it has one already, or cannot have any. Before a
    /// maximum that is part of it stands a relu that came behind: the order makes no difference.
    #[must_use]
    pub fn with_activation(&self, new: UnaryOp) -> Option<Self> {
        let commutes = match self {
            Self::Conv2d { pool: Some(Pooling { kind, .. }), .. } => {
                *kind == PoolKind::Max && new == UnaryOp::Relu
            }
            _ => true,
        };
        let mut fused = self.clone();
        match &mut fused {
            Self::Binary { activation, .. }
            | Self::MatMul { activation, .. }
            | Self::Conv2d { activation, .. }
            | Self::BatchNorm { activation, .. }
                if activation.is_none() && commutes =>
            {
                *activation = Some(new);
                Some(fused)
            }
            _ => None,
        }
    }
}

impl Pooling {
    /// The operation that it is by itself.
    #[must_use]
    pub fn op(&self) -> Op {
        match self.kind {
            PoolKind::Max => Op::MaxPool2d { pool: self.pool, indices: false },
            PoolKind::Average => Op::AvgPool2d(self.pool),
            PoolKind::Sum => Op::SumPool2d(self.pool),
        }
    }
}
