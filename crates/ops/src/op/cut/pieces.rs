//! A cut of an operation, and one piece of it.

use std::ops::Range;

use crate::{elementwise::BinaryOp, op::vocabulary::Op};

/// The rule from a range of positions to the piece that computes them.
type Rule<'a> = Box<dyn Fn(Range<usize>) -> Piece + 'a>;

/// One way to compute an operation in pieces that do not depend on each other.
pub struct Cut<'a> {
    /// Positions: those of an axis of the results, or of what is summed over.
    pub extent: usize,
    /// Every piece but the last has a multiple of so many positions.
    pub unit: usize,
    /// How the results of the pieces become the results of the operation.
    pub join: Join,
    rule: Rule<'a>,
}

/// How the results of pieces become the results of the operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Join {
    /// Each result is joined along its axis: the same numbers as without pieces.
    Along(Vec<usize>),
    /// The pieces' only results are combined, then go through what follows: sums in another order.
    Fold {
        /// What combines two of them.
        by: BinaryOp,
        /// What follows, in order.
        then: Vec<Then>,
    },
}

/// An operation on what pieces were folded to.
#[derive(Debug, Clone, PartialEq)]
pub struct Then {
    /// The operation.
    pub op: Op,
    /// Its second operand, as a number of the whole operation's operands.
    pub operand: Option<usize>,
}

/// One piece.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// What it computes.
    pub op: Op,
    /// Its operands: which of the whole operation's, and what of it; nothing is all of it.
    pub operands: Vec<(usize, Option<Part>)>,
    /// So many positions of its results come before those that were asked for.
    pub skip: usize,
}

/// A range of an axis of an operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The axis.
    pub axis: usize,
    /// Which positions of it.
    pub range: Range<usize>,
    /// So many zeros are put before and after them.
    pub border: (usize, usize),
}

impl Part {
    /// `range` of `axis`.
    #[must_use]
    pub const fn new(axis: usize, range: Range<usize>) -> Self {
        Self { axis, range, border: (0, 0) }
    }

    /// The shape of this part of an operand of `shape`.
    #[must_use]
    pub fn shape(&self, shape: &[usize]) -> Vec<usize> {
        let mut shape = shape.to_vec();
        shape[self.axis] = self.range.len() + self.border.0 + self.border.1;
        shape
    }
}

impl<'a> Cut<'a> {
    /// Results joined along `axes`, of which each has `extent` positions.
    pub(super) fn along(axes: &[usize], extent: usize, rule: impl Fn(Range<usize>) -> Piece + 'a) -> Self {
        Self { extent, unit: 1, join: Join::Along(axes.to_vec()), rule: Box::new(rule) }
    }

    /// One result, folded over `extent` positions.
    pub(super) fn fold(
        by: BinaryOp,
        then: Vec<Then>,
        extent: usize,
        rule: impl Fn(Range<usize>) -> Piece + 'a,
    ) -> Self {
        Self { extent, unit: 1, join: Join::Fold { by, then }, rule: Box::new(rule) }
    }

    /// The same operation on the same range of an axis of each operand that has one here; results joined along `axes`.
    pub(super) fn plain(op: &'a Op, axes: &[usize], extent: usize, operands: Vec<Option<usize>>) -> Self {
        Self::along(axes, extent, move |range| Piece::new(op.clone(), &operands, &range))
    }

    /// Pieces of whole units.
    pub(super) fn by(mut self, unit: usize) -> Self {
        self.unit = unit.max(1);
        self
    }

    /// What computes the positions `range`.
    #[must_use]
    pub fn piece(&self, range: Range<usize>) -> Piece {
        (self.rule)(range)
    }
}

impl Piece {
    /// `op` on `range` of an axis of each operand that has one here.
    pub(super) fn new(op: Op, axes: &[Option<usize>], range: &Range<usize>) -> Self {
        let part = |axis: &Option<usize>| axis.map(|axis| Part::new(axis, range.clone()));
        Self { op, operands: axes.iter().map(part).enumerate().collect(), skip: 0 }
    }
}

impl Then {
    /// `op` of the folded result alone.
    pub(super) const fn alone(op: Op) -> Self {
        Self { op, operand: None }
    }

    /// The sum with operand `at`.
    pub(super) const fn plus(at: usize) -> Self {
        Self { op: Op::Binary { op: BinaryOp::Add, activation: None }, operand: Some(at) }
    }
}
