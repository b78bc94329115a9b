//! The IDX reader on good files and on each kind of bad one.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::io::Read;
use std::path::Path;

use common::{gzip, idx, pattern};
use tilewright_data::DataError;
use tilewright_data::idx::{self as reader, Idx, MAX_DATA_BYTES};

fn decode(bytes: &[u8], rank: u8) -> Result<Idx, DataError> {
    reader::decode(bytes, Path::new("images.idx"), rank)
}

#[test]
fn plain_and_gzip_give_the_same() {
    let bytes = idx(&[2, 3, 4], &pattern(24));
    let expected = Idx { dims: vec![2, 3, 4], data: pattern(24) };
    assert_eq!(decode(&bytes, 3).unwrap(), expected);
    assert_eq!(decode(&gzip(&bytes), 3).unwrap(), expected);
}

#[test]
fn the_magic_bytes_and_not_the_name_tell_gzip() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = idx(&[3], &[1, 2, 3]);
    for (name, contents) in [("plain.gz", bytes.clone()), ("zipped", gzip(&bytes))] {
        let path = dir.path().join(name);
        std::fs::write(&path, contents).unwrap();
        assert_eq!(reader::read(&path, 1).unwrap().data, [1, 2, 3]);
    }
}

#[test]
fn a_gzip_of_several_members_is_read_whole() {
    let bytes = idx(&[6], &pattern(6));
    let parts = [gzip(&bytes[..9]), gzip(&bytes[9..])].concat();
    assert_eq!(decode(&parts, 1).unwrap().data, pattern(6));
}

#[test]
fn zero_dimensions_are_for_the_caller_to_judge() {
    assert_eq!(decode(&idx(&[0, 28, 28], &[]), 3).unwrap().dims, [0, 28, 28]);
}

#[test]
fn bad_magic_shows_what_was_found() {
    for (bytes, rank) in [
        (vec![0x89, b'P', b'N', b'G', 0, 0, 0, 0], 3),
        (idx(&[2], &[0, 1]), 3),
        (idx(&[1, 1, 1], &[0]), 1),
        (vec![0, 0, 0x0d, 1, 0, 0, 0, 0], 1), // 32-bit floats
        (gzip(b"not an idx file"), 3),
        (vec![b'<', b'h', b't', b'm'], 3),
    ] {
        let error = decode(&bytes, rank).unwrap_err();
        assert!(matches!(error, DataError::BadMagic { .. }), "{error}");
        assert!(error.to_string().contains("images.idx"), "{error}");
    }
    let error = decode(&[0x89, b'P', b'N', b'G'], 3).unwrap_err();
    assert!(error.to_string().contains("[89, 50, 4e, 47], wanted [00, 00, 08, 03]"), "{error}");
}

#[test]
fn every_cut_of_a_plain_file_is_truncated() {
    let bytes = idx(&[2, 2, 3], &pattern(12));
    for cut in 0..bytes.len() {
        let DataError::Truncated { expected, found, dims, .. } = decode(&bytes[..cut], 3).unwrap_err() else {
            panic!("cut at {cut}");
        };
        let in_header = cut < 16;
        assert_eq!(expected, if in_header { 16 } else { 28 });
        assert_eq!(found, cut as u64);
        assert_eq!(dims, if in_header { vec![] } else { vec![2, 2, 3] });
    }
}

#[test]
fn every_cut_of_a_gzip_file_is_an_error() {
    let bytes = gzip(&idx(&[2, 2, 300], &pattern(1200)));
    for cut in 0..bytes.len() {
        let error = decode(&bytes[..cut], 3).unwrap_err();
        assert!(
            matches!(error, DataError::Truncated { .. } | DataError::Gzip { .. }),
            "cut at {cut}: {error}"
        );
    }
}

#[test]
fn a_flipped_byte_in_a_gzip_payload_is_caught_by_its_checksum() {
    let mut bytes = gzip(&idx(&[1200], &pattern(1200)));
    let crc = bytes.len() - 8;
    bytes[crc] ^= 1;
    let error = decode(&bytes, 1).unwrap_err();
    assert!(matches!(error, DataError::Gzip { .. }), "{error}");
}

#[test]
fn trailing_bytes_are_an_error() {
    let mut bytes = idx(&[3], &[1, 2, 3]);
    bytes.push(0);
    for bytes in [bytes.clone(), gzip(&bytes)] {
        let error = decode(&bytes, 1).unwrap_err();
        assert!(matches!(error, DataError::TrailingBytes { expected: 11, .. }), "{error}");
    }
}

/// Sees how much is asked of it: an endless file behind an absurd header must not be swallowed.
struct Endless {
    header: Vec<u8>,
    given: u64,
}

impl Read for &mut Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(1 << 16);
        for byte in &mut buffer[..count] {
            *byte = self.header.get(self.given as usize).copied().unwrap_or(7);
            self.given += 1;
        }
        Ok(count)
    }
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_read_or_reserved() {
    for dims in [[u32::MAX; 3], [1 << 31, 1, 2], [u32::MAX, u32::MAX, 0xffff], [3 << 30, 1, 1]] {
        let mut endless = Endless { header: idx(&dims, &[]), given: 0 };
        let error = reader::decode(&mut endless, Path::new("endless"), 3).unwrap_err();
        assert!(matches!(error, DataError::TooLarge { limit: MAX_DATA_BYTES, .. }), "{error}");
        assert!(endless.given < 1 << 16, "read {} bytes of a file it refuses", endless.given);
    }
}

#[test]
fn a_large_claim_without_the_bytes_is_truncated() {
    // 2 GiB announced, 5 bytes there: if the claim were believed, this test would need 2 GiB.
    let error = decode(&idx(&[1 << 31], &[1, 2, 3, 4, 5]), 1).unwrap_err();
    assert!(matches!(error, DataError::Truncated { found: 13, .. }), "{error}");
    assert!(error.to_string().contains("expected 2147483656 bytes"), "{error}");
}

#[test]
fn a_missing_file_and_a_directory_are_io_errors_with_the_path() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("absent"), dir.path().to_path_buf()] {
        let error = reader::read(&path, 1).unwrap_err();
        assert!(matches!(error, DataError::Io { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}
