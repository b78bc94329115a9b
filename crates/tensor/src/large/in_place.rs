//! What is no operation of a graph, slice by slice: what writes in place, and norms of several tensors.

use super::{
    limit::{exceeds, limit},
    ranges::chunks_of,
    take,
};
use crate::{error::Result, layout::Layout, tensor::Tensor};

/// Runs `step` on tensors of the same number of elements, which lie alike, element by element: the first `written` of them are
/// written. Beyond what the device binds at once it runs on slices, which are copied back.
pub(crate) fn in_place(
    tensors: &[&Tensor],
    written: usize,
    step: impl Fn(&[&Tensor]) -> Result<()>,
) -> Result<()> {
    let [first, ..] = tensors else { return Ok(()) };
    let limit = limit(first);
    if !exceeds(first.shape(), limit) {
        return step(tensors);
    }
    let lines: Vec<_> = tensors.iter().map(|x| x.relabel(&[x.count()], Layout::RowMajor)).collect();
    for chunk in chunks_of(lines[0].shape(), 0, limit) {
        let parts = lines.iter().map(|line| take::copied(line, 0, &chunk)).collect::<Result<Vec<_>>>()?;
        step(&parts.iter().collect::<Vec<_>>())?;
        for (line, part) in lines.iter().zip(&parts).take(written) {
            let (at, size) = (chunk.start as u64 * 4, part.count() as u64 * 4);
            line.context().copy(part.buffer(), 0, line.buffer(), at, size)?;
        }
    }
    Ok(())
}

/// Runs `read` on `x`, or beyond what the device binds at once on slices of it, which together hold its elements once.
pub(crate) fn slices(x: &Tensor, mut read: impl FnMut(&Tensor) -> Result<()>) -> Result<()> {
    let limit = limit(x);
    if !exceeds(x.shape(), limit) {
        return read(x);
    }
    let line = x.relabel(&[x.count()], Layout::RowMajor);
    chunks_of(line.shape(), 0, limit).try_for_each(|chunk| read(&take::copied(&line, 0, &chunk)?))
}
