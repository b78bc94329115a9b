//! The IDX format of the MNIST family: a magic number, big-endian dimensions, then the bytes in row-major order.
//!
//! ```text
//! 00 00 08 rank | dim 0 (u32, big-endian) … dim rank-1 | product(dims) unsigned bytes
//! ```
//!
//! The third byte is the element type; only `08`, unsigned byte, is read here, for MNIST and its relatives use no other.
//! A file may be plain or gzip-compressed: the first two bytes tell (`1f 8b`), the name does not matter.
//!
//! A header is not trusted: memory grows with the bytes that arrive, never with what the header claims.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::DataError;

/// The most data, in bytes, that one IDX file may announce: 2 GiB, thirty times MNIST's largest relative's.
pub const MAX_DATA_BYTES: u64 = 2 << 30;

/// At most this much is reserved on the header's word alone.
const FIRST_RESERVE: u64 = 1 << 20;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const UNSIGNED_BYTE: u8 = 0x08;

/// The contents of an IDX file of unsigned bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// The dimensions, slowest first: `[N, H, W]` for images, `[N]` for labels.
    pub dims: Vec<usize>,
    /// The bytes in row-major order; exactly the product of `dims` of them.
    pub data: Vec<u8>,
}

/// Reads the IDX file at `path`, plain or gzip, which must have `rank` dimensions.
///
/// # Errors
/// [`DataError::Io`], [`DataError::Gzip`], [`DataError::BadMagic`], [`DataError::Truncated`],
/// [`DataError::TrailingBytes`], [`DataError::TooLarge`]. Nothing is returned in part.
pub fn read(path: &Path, rank: u8) -> Result<Idx, DataError> {
    let file = File::open(path).map_err(|source| DataError::Io { path: path.to_path_buf(), source })?;
    decode(BufReader::new(file), path, rank)
}

/// Reads one IDX file, plain or gzip, from any reader. `path` is used only to name the file in errors.
///
/// # Errors
/// Those of [`read`].
pub fn decode(mut reader: impl Read, path: &Path, rank: u8) -> Result<Idx, DataError> {
    let mut start = Vec::with_capacity(GZIP_MAGIC.len());
    read_up_to(&mut reader, GZIP_MAGIC.len() as u64, &mut start)
        .map_err(|source| DataError::Io { path: path.to_path_buf(), source })?;
    let gzip = start == GZIP_MAGIC;
    let whole = io::Cursor::new(start).chain(reader);
    if gzip {
        Decoder { reader: MultiGzDecoder::new(whole), path, gzip }.decode(rank)
    } else {
        Decoder { reader: whole, path, gzip }.decode(rank)
    }
}

struct Decoder<'a, R> {
    reader: R,
    path: &'a Path,
    gzip: bool,
}

impl<R: Read> Decoder<'_, R> {
    fn decode(mut self, rank: u8) -> Result<Idx, DataError> {
        let header_bytes = 4 + 4 * u64::from(rank);
        let mut header = Vec::with_capacity(header_bytes as usize);
        self.fill(&mut header, header_bytes)?;
        // The magic number is judged first: of a wrong file, "not an IDX file" says more than "cut short".
        if let Some(&found) = header.first_chunk::<4>()
            && found != [0, 0, UNSIGNED_BYTE, rank]
        {
            return Err(DataError::BadMagic { path: self.path.to_path_buf(), found, wanted_rank: rank });
        }
        if (header.len() as u64) < header_bytes {
            return Err(self.truncated(header_bytes, header.len() as u64, &[]));
        }
        let dims: Vec<u32> =
            header[4..].chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
        let data_bytes = dims
            .iter()
            .try_fold(1u64, |product, &d| product.checked_mul(u64::from(d)))
            .filter(|&bytes| bytes <= MAX_DATA_BYTES)
            .ok_or_else(|| DataError::TooLarge {
                path: self.path.to_path_buf(),
                dims: dims.clone(),
                limit: MAX_DATA_BYTES,
            })?;

        let mut data = Vec::with_capacity(data_bytes.min(FIRST_RESERVE) as usize);
        self.fill(&mut data, data_bytes)?;
        if (data.len() as u64) < data_bytes {
            return Err(self.truncated(header_bytes + data_bytes, header_bytes + data.len() as u64, &dims));
        }
        // One byte further: it must not be there, and asking for it makes the gzip decoder compare its checksum.
        let mut beyond = Vec::with_capacity(1);
        match read_up_to(&mut self.reader, 1, &mut beyond) {
            Ok(()) if beyond.is_empty() => {}
            Ok(()) => {
                return Err(DataError::TrailingBytes {
                    path: self.path.to_path_buf(),
                    expected: header_bytes + data_bytes,
                    dims,
                });
            }
            Err(source) => return Err(self.failed(source)),
        }
        Ok(Idx { dims: dims.into_iter().map(|d| d as usize).collect(), data })
    }

    /// Appends up to `count` bytes; fewer when the stream ends, also when it ends inside its compression.
    fn fill(&mut self, into: &mut Vec<u8>, count: u64) -> Result<(), DataError> {
        match read_up_to(&mut self.reader, count, into) {
            Err(source) if self.gzip && source.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            Err(source) => Err(self.failed(source)),
            Ok(()) => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> DataError {
        let path = self.path.to_path_buf();
        if self.gzip { DataError::Gzip { path, source } } else { DataError::Io { path, source } }
    }

    fn truncated(&self, expected: u64, found: u64, dims: &[u32]) -> DataError {
        DataError::Truncated { path: self.path.to_path_buf(), expected, found, dims: dims.to_vec() }
    }
}

/// Appends up to `count` bytes of `reader` to `into`, fewer only at its end. What arrived before an error is kept.
fn read_up_to(reader: &mut impl Read, count: u64, into: &mut Vec<u8>) -> io::Result<()> {
    reader.take(count).read_to_end(into).map(|_| ())
}
