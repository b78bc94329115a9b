//! IDX files made by hand, and datasets that misbehave.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use std::io::Write;
use std::path::Path;

/// The bytes of an IDX file of unsigned bytes: header, then `data` as it is.
pub fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    dims.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
    bytes.extend(data);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A pattern that has no period of a power of two.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 37 % 251) as u8).collect()
}

/// The four files of a small Fashion-MNIST look-alike: `train` and `test` images of 4×3.
pub fn write_set(dir: &Path, train: usize, test: usize, separator: char, compressed: bool) {
    for (prefix, count) in [("train", train), ("t10k", test)] {
        let images = idx(&[count as u32, 4, 3], &pattern(count * 12));
        let labels = idx(&[count as u32], &(0..count).map(|i| (i % 10) as u8).collect::<Vec<_>>());
        for (kind, rank, bytes) in [("images", 3, images), ("labels", 1, labels)] {
            let name = format!("{prefix}-{kind}{separator}idx{rank}-ubyte");
            if compressed {
                std::fs::write(dir.join(name + ".gz"), gzip(&bytes)).unwrap();
            } else {
                std::fs::write(dir.join(name), bytes).unwrap();
            }
        }
    }
}
