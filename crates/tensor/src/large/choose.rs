//! Which cut, and how many pieces.

use tilewright_ops::{
    Op,
    op::{
        Preference,
        cut::{Cut, Join},
    },
};

use super::{
    limit::{bytes, limit},
    ranges::ranges,
    runs::{Runs, is_aligned},
};
use crate::{layout::Layout, tensor::Tensor};

/// A cut and the number of pieces.
pub(super) struct Choice<'a> {
    pub cut: Cut<'a>,
    pub pieces: usize,
    /// Every piece but the last has a multiple of so many positions.
    pub unit: usize,
    /// Whether each piece fits; else it is to be cut again.
    pub fits: bool,
}

/// What of a piece is too large: how many of its operands and results, and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Excess {
    tensors: usize,
    bytes: u64,
}

/// The cut whose pieces fit with the fewest copies, or else the one that leaves the least to be cut again. Sums in another
/// order are taken only where nothing else fits.
pub(super) fn choose<'a>(
    op: &Op,
    cuts: Vec<Cut<'a>>,
    inputs: &[&Tensor],
    shapes: &[Vec<usize>],
) -> Option<Choice<'a>> {
    let of = Whole { op, inputs, shapes, limit: limit(inputs[0]) };
    let alignment = of.alignment();
    let whole = of.excess(inputs.iter().map(|input| input.shape().to_vec()).collect(), shapes);
    let mut fitting: Option<(usize, u64, Choice<'a>)> = None;
    let mut partial: Option<(usize, Excess, Choice<'a>)> = None;
    for cut in cuts {
        let folds = usize::from(matches!(cut.join, Join::Fold { .. }));
        let unit = cut.unit * alignment;
        let most = cut.extent.div_ceil(unit);
        if most == 0 || (folds == 1 && alignment > 1) {
            continue;
        }
        // Where nothing is too large (but a kernel's own memory is), half of it.
        let least = if whole.tensors == 0 { 2 } else { 1 };
        let found = counts(least, most)
            .find(|&pieces| of.piece_excess(&cut, unit, pieces).is_some_and(|e| e.tensors == 0));
        if let Some(pieces) = found {
            let cost = of.copies(&cut) * pieces as u64;
            if fitting.as_ref().is_none_or(|(fold, known, _)| (folds, cost) < (*fold, *known)) {
                fitting = Some((folds, cost, Choice { cut, pieces, unit, fits: true }));
            }
            continue;
        }
        if whole.tensors == 0 {
            continue;
        }
        let Some(finest) = of.piece_excess(&cut, unit, most) else { continue };
        let progress = finest.tensors < whole.tensors || finest.bytes <= whole.bytes / 4 * 3;
        if !progress || partial.as_ref().is_some_and(|(fold, known, _)| (folds, finest) >= (*fold, *known)) {
            continue;
        }
        let good = |excess: Excess| excess.tensors <= finest.tensors && excess.bytes <= finest.bytes / 4 * 5;
        let enough = counts(1, most).find(|&pieces| of.piece_excess(&cut, unit, pieces).is_some_and(good));
        let pieces = enough.unwrap_or(most);
        partial = Some((folds, finest, Choice { cut, pieces, unit, fits: false }));
    }
    fitting.map(|(_, _, choice)| choice).or_else(|| partial.map(|(_, _, choice)| choice))
}

/// Numbers of pieces to try, from the smallest on.
fn counts(least: usize, most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(least), |&count| Some(count + 1 + count / 4))
        .take_while(move |&count| count < most)
        .chain((least <= most).then_some(most))
}

struct Whole<'a> {
    op: &'a Op,
    inputs: &'a [&'a Tensor],
    shapes: &'a [Vec<usize>],
    limit: u64,
}

impl Whole<'_> {
    /// Positions at which every type can be cut: the device copies whole words.
    fn alignment(&self) -> usize {
        let dtypes: Vec<_> = self.inputs.iter().map(|input| input.dtype()).collect();
        let results = self.op.output_dtypes(&dtypes).unwrap_or_default();
        if dtypes.iter().chain(&results).any(|dtype| dtype.size() < 4) { 4 } else { 1 }
    }

    fn excess(&self, operands: Vec<Vec<usize>>, results: &[Vec<usize>]) -> Excess {
        let large =
            operands.iter().chain(results).map(|shape| bytes(shape)).filter(|&bytes| bytes > self.limit);
        large.fold(Excess { tensors: 0, bytes: 0 }, |sum, bytes| Excess {
            tensors: sum.tensors + 1,
            bytes: sum.bytes.saturating_add(bytes),
        })
    }

    /// Of the largest of so many pieces; nothing if one cannot be cut out.
    fn piece_excess(&self, cut: &Cut<'_>, unit: usize, pieces: usize) -> Option<Excess> {
        let mut most = Excess { tensors: 0, bytes: 0 };
        let all: Vec<_> = ranges(cut.extent, unit, pieces).collect();
        // Those between the ends are alike, but for a position more or less.
        let tried = [0, 1, all.len() / 2, all.len().saturating_sub(1)];
        for range in tried.into_iter().filter_map(|at| all.get(at)) {
            let piece = cut.piece(range.clone());
            let mut operands = Vec::with_capacity(piece.operands.len());
            for (at, part) in &piece.operands {
                let input = self.inputs[*at];
                operands.push(
                    part.as_ref().map_or_else(|| input.shape().to_vec(), |part| part.shape(input.shape())),
                );
                let place = part.as_ref().map(|part| is_aligned(input, part));
                if bytes(input.shape()) > self.limit && place == Some(false) {
                    return None;
                }
            }
            let extents: Vec<_> = operands.iter().map(Vec::as_slice).collect();
            let results = piece.op.output_shapes(&extents).ok()?;
            most = most.max(self.excess(operands, &results));
        }
        Some(most)
    }

    /// Copies that a piece takes.
    fn copies(&self, cut: &Cut<'_>) -> u64 {
        let piece = cut.piece(0..cut.unit.min(cut.extent));
        let mut copies = 0;
        for (at, part) in &piece.operands {
            if let Some(part) = part {
                let input = self.inputs[*at];
                copies += Runs::new(input.shape(), input.layout(), input.dtype(), part.axis).runs as u64;
            }
        }
        let Join::Along(axes) = &cut.join else { return copies };
        let x = self.inputs[0];
        let last = self.op.facts().input(0).layout == Preference::ChannelsLast;
        for (shape, &axis) in self.shapes.iter().zip(axes) {
            let alike = if shape.len() == x.rank() { x.layout() } else { Layout::RowMajor };
            let layout = if last { Layout::ChannelsLast } else { alike };
            copies += Runs::new(shape, layout, x.dtype(), axis).runs as u64;
        }
        copies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_end_with_the_finest() {
        for (least, most) in [(1, 1), (1, 2), (2, 9), (1, 4096)] {
            let all: Vec<_> = counts(least, most).collect();
            assert_eq!((all.first(), all.last()), (Some(&least), Some(&most)));
            assert!(all.is_sorted(), "{all:?}");
        }
        assert_eq!(counts(2, 1).count(), 0);
    }
}
