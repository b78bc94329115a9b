//! Pieces of a tensor put together.

use tilewright_ops::{Op, SliceRange};

use super::{
    limit::{exceeds, limit},
    ranges::chunks_of,
    runs::{MOST_RUNS, Runs},
};
use crate::{error::Result, tensor::Tensor};

/// A tensor in the making, of pieces along an axis.
pub(super) struct Joined {
    shape: Vec<usize>,
    axis: usize,
    /// Pieces begin at multiples of it.
    unit: usize,
    state: State,
}

enum State {
    Empty,
    /// Each piece is copied into it, up to here so far.
    Whole(Tensor, usize),
    /// Where copies do not reach, or would be too many.
    Pieces(Vec<Tensor>),
}

impl Joined {
    /// Of `shape`, from pieces along `axis` that begin at multiples of `unit`. The first piece says type and layout.
    pub fn new(shape: &[usize], axis: usize, unit: usize) -> Self {
        Self { shape: shape.to_vec(), axis, unit, state: State::Empty }
    }

    /// The next piece: its positions `skip..skip + count`.
    pub fn push(&mut self, piece: &Tensor, skip: usize, count: usize) -> Result<()> {
        if let State::Empty = self.state {
            self.state = self.begin(piece)?;
        }
        match &mut self.state {
            State::Whole(whole, at) => {
                let piece = piece.to_layout(whole.layout())?;
                copy(whole, self.axis, *at, &piece, skip, count)?;
                *at += count;
            }
            State::Pieces(pieces) => {
                let first = pieces.first().map_or(piece.layout(), Tensor::layout);
                let wanted = narrow(piece, self.axis, skip, count)?;
                pieces.push(wanted.to_layout(first)?);
            }
            State::Empty => {}
        }
        Ok(())
    }

    fn begin(&self, piece: &Tensor) -> Result<State> {
        let (layout, dtype) = (piece.layout(), piece.dtype());
        let runs = Runs::new(&self.shape, layout, dtype, self.axis);
        let words = |bytes: u64| bytes.is_multiple_of(4);
        let aligned = words(runs.inner) || (runs.runs == 1 && words(runs.inner * self.unit as u64));
        if !aligned || runs.runs > MOST_RUNS {
            return Ok(State::Pieces(Vec::new()));
        }
        Ok(State::Whole(Tensor::empty(piece.context(), &self.shape, dtype, layout)?, 0))
    }

    /// The whole, after its last piece.
    pub fn finish(self) -> Result<Tensor> {
        let Self { shape, axis, state, .. } = self;
        let pieces = match state {
            State::Whole(whole, _) => return Ok(whole),
            State::Pieces(pieces) => pieces,
            State::Empty => Vec::new(),
        };
        let concat = Op::Concat { axis };
        let refs: Vec<_> = pieces.iter().collect();
        let [first, ..] = refs[..] else { return Tensor::run_one(&concat, &refs) };
        if refs.len() == 1 {
            return first.copy();
        }
        if !exceeds(&shape, limit(first)) {
            return Tensor::run_one(&concat, &refs);
        }
        if let Some(wide) = first.words() {
            let mut joined = Self::new(&shape, axis, 1);
            for piece in &pieces {
                joined.push(&piece.cast(wide)?, 0, piece.shape()[axis])?;
            }
            return joined.finish()?.cast(first.dtype());
        }
        // Slices of the whole that are neighbouring bytes, each of the same slice of all pieces.
        let order = first.layout().memory_order(shape.len());
        let outer = order.into_iter().find(|&at| shape[at] > 1 && at != axis).unwrap_or(axis);
        let mut joined = Self::new(&shape, outer, 1);
        for chunk in chunks_of(&shape, outer, limit(first)) {
            let (start, count) = (chunk.start, chunk.len());
            let part = |piece| narrow(piece, outer, start, count);
            let parts = pieces.iter().map(part).collect::<Result<Vec<_>>>()?;
            joined.push(&Tensor::run_one(&concat, &parts.iter().collect::<Vec<_>>())?, 0, count)?;
        }
        joined.finish()
    }
}

/// Positions `skip..skip + count` of `piece` to `whole`, from position `at` of its axis on.
fn copy(whole: &Tensor, axis: usize, at: usize, piece: &Tensor, skip: usize, count: usize) -> Result<()> {
    if piece.count() == 0 || count == 0 {
        return Ok(());
    }
    let of = |tensor: &Tensor| Runs::new(tensor.shape(), tensor.layout(), tensor.dtype(), axis);
    let (to, mut from) = (of(whole), of(piece));
    let (mut piece, mut skip) = (piece.clone(), skip);
    if !from.is_aligned(&(skip..skip + count), piece.shape()[axis]) {
        piece = narrow(&piece, axis, skip, count)?;
        (skip, from) = (0, of(&piece));
    }
    let size = (count as u64 * to.inner).next_multiple_of(4);
    for run in 0..to.runs as u64 {
        let source = run * from.pitch + skip as u64 * from.inner;
        let target = run * to.pitch + at as u64 * to.inner;
        whole.context().copy(piece.buffer(), source, whole.buffer(), target, size)?;
    }
    Ok(())
}

/// Positions `skip..skip + count` of an axis.
fn narrow(x: &Tensor, axis: usize, skip: usize, count: usize) -> Result<Tensor> {
    if count == x.shape()[axis] {
        return Ok(x.clone());
    }
    let mut ranges: Vec<_> = x.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
    ranges[axis] = SliceRange::new(skip, skip + count);
    Tensor::run_one(&Op::Slice(ranges), &[x])
}
