//! Datasets: elements, in one piece or in chunks.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{
    bytes::{Bytes, UNDEFINED},
    message::{self, Filter, Layout, Messages, Type},
};
use crate::{array::Array, element::Element, error::Fault};

/// What a dataset is: the type of its elements, whether they are big-endian, and its shape. None where it holds no numbers.
pub(super) fn describe(messages: &Messages<'_>) -> Result<Option<(Element, bool, Vec<usize>)>, Fault> {
    let (Some(kind), Some(space)) = (messages.datatype, messages.dataspace) else { return Ok(None) };
    match message::datatype(kind)? {
        Type::Number(element, big_endian) => Ok(Some((element, big_endian, message::shape(space)?))),
        _ => Ok(None),
    }
}

/// Reads a dataset's elements.
pub(super) fn read(file: Bytes<'_>, messages: &Messages<'_>) -> Result<Option<Array>, Fault> {
    let (Some((element, big_endian, shape)), Some(layout)) = (describe(messages)?, messages.layout) else {
        return Ok(None);
    };
    let size = element.size();
    let count = shape.iter().try_fold(size, |bytes, &extent| bytes.checked_mul(extent));
    let count = count.ok_or_else(|| Fault::damaged(format!("a dataset has the shape {shape:?}")))?;
    let mut bytes = match message::layout(layout)? {
        Layout::Compact(bytes) => Bytes::new(bytes).take(count)?.to_vec(),
        // Nothing was ever written: the fill value, which is 0 wherever Keras writes.
        Layout::Contiguous { address: UNDEFINED } => return empty(count).map(|_| None),
        Layout::Contiguous { address } => file.from(address)?.take(count)?.to_vec(),
        Layout::Chunked { tree, extents } => {
            let filters = messages.filters.map(message::filters).transpose()?.unwrap_or_default();
            chunked(file, tree, &extents, &filters, &shape, size)?
        }
    };
    if big_endian {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    Ok(Some(Array { element, shape, bytes }))
}

fn empty(count: usize) -> Result<(), Fault> {
    if count == 0 { Ok(()) } else { Err(Fault::damaged("a dataset was never written")) }
}

/// All that a chunk may have.
const MOST_CHUNK: usize = 1 << 30;

fn chunked(
    file: Bytes<'_>,
    tree: u64,
    extents: &[usize],
    filters: &[Filter],
    shape: &[usize],
    size: usize,
) -> Result<Vec<u8>, Fault> {
    let wrong = || Fault::damaged(format!("a dataset of shape {shape:?} has chunks of {extents:?}"));
    // The last extent is the element's size.
    let (Some((&last, chunk)), rank) = (extents.split_last(), shape.len()) else { return Err(wrong()) };
    let chunk_bytes = extents.iter().try_fold(1_usize, |bytes, &extent| bytes.checked_mul(extent));
    let Some(chunk_bytes) = chunk_bytes.filter(|&bytes| bytes > 0 && bytes <= MOST_CHUNK) else {
        return Err(wrong());
    };
    if chunk.len() != rank || last != size || rank == 0 {
        return Err(wrong());
    }
    let mut chunks = Vec::new();
    collect(file, tree, rank, &mut chunks, 0)?;
    // Memory is taken by the number of chunks that are there, not by the shape's word.
    let total: usize = shape.iter().product::<usize>() * size;
    if total > chunks.len().saturating_mul(chunk_bytes) {
        return Err(Fault::damaged(format!(
            "a dataset of shape {shape:?} has {} chunks of {chunk:?}",
            chunks.len()
        )));
    }
    let mut out = vec![0; total];
    for (place, stored, at) in chunks {
        let mut bytes = file.from(place)?.take(stored)?.to_vec();
        for filter in filters.iter().rev() {
            bytes = undone(*filter, bytes, size, chunk_bytes)?;
        }
        if bytes.len() != chunk_bytes {
            return Err(Fault::damaged(format!(
                "a chunk has {} bytes, and {chunk_bytes} are wanted",
                bytes.len()
            )));
        }
        copy(&bytes, &mut out, &at, chunk, shape, size);
    }
    Ok(out)
}

/// Copies a chunk into its place, row by row, leaving out what is beyond the edges.
fn copy(from: &[u8], to: &mut [u8], at: &[usize], chunk: &[usize], shape: &[usize], size: usize) {
    let rank = shape.len();
    if (0..rank).any(|axis| at[axis] >= shape[axis]) {
        return;
    }
    let run = chunk[rank - 1].min(shape[rank - 1] - at[rank - 1]) * size;
    let rows: usize = chunk[..rank - 1].iter().product();
    for row in 0..rows {
        let (mut rest, mut place, mut stride, mut inside) = (row, at[rank - 1], shape[rank - 1], true);
        for axis in (0..rank - 1).rev() {
            let index = at[axis] + rest % chunk[axis];
            rest /= chunk[axis];
            inside &= index < shape[axis];
            place += index * stride;
            stride *= shape[axis];
        }
        if inside {
            let source = row * chunk[rank - 1] * size;
            to[place * size..place * size + run].copy_from_slice(&from[source..source + run]);
        }
    }
}

fn undone(filter: Filter, mut bytes: Vec<u8>, size: usize, most: usize) -> Result<Vec<u8>, Fault> {
    match filter {
        Filter::Deflate => {
            let mut out = Vec::new();
            ZlibDecoder::new(&bytes[..])
                .take(most as u64 + 8)
                .read_to_end(&mut out)
                .map_err(|error| Fault::damaged(format!("a chunk cannot be unpacked ({error})")))?;
            Ok(out)
        }
        Filter::Shuffle => {
            let count = bytes.len() / size;
            let mut out = bytes.clone();
            for (at, &byte) in bytes[..count * size].iter().enumerate() {
                out[at % count * size + at / count] = byte;
            }
            Ok(out)
        }
        Filter::Checksum => {
            bytes.truncate(bytes.len().saturating_sub(4));
            Ok(bytes)
        }
    }
}

/// Where chunks are, their bytes, and where each begins in the dataset.
type Chunks = Vec<(u64, usize, Vec<usize>)>;

fn collect(
    file: Bytes<'_>,
    address: u64,
    rank: usize,
    chunks: &mut Chunks,
    depth: usize,
) -> Result<(), Fault> {
    const DEEPEST: usize = 16;
    const MOST: usize = 1 << 20;
    if address == UNDEFINED {
        return Ok(());
    }
    let mut bytes = file.from(address)?;
    bytes.signature(b"TREE")?;
    let (kind, level, count) = (bytes.u8()?, bytes.u8()?, bytes.u16()?);
    if kind != 1 || depth > DEEPEST || chunks.len() > MOST {
        return Err(Fault::damaged("the tree of a dataset's chunks is none"));
    }
    bytes.skip(16)?;
    for _ in 0..count {
        let (stored, _) = (bytes.u32()?, bytes.u32()?);
        let mut at = Vec::with_capacity(rank);
        for _ in 0..rank {
            at.push(usize::try_from(bytes.u64()?).unwrap_or(usize::MAX));
        }
        bytes.skip(8)?;
        let child = bytes.u64()?;
        if level > 0 {
            collect(file, child, rank, chunks, depth + 1)?;
        } else {
            chunks.push((child, stored, at));
        }
        if chunks.len() > MOST {
            return Err(Fault::Limit { what: "the chunks of a dataset", limit: MOST as u64 });
        }
    }
    Ok(())
}
