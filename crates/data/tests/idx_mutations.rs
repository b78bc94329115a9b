//! The IDX reader on arbitrary and on damaged bytes: it must answer, not panic, and not believe the header.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{gzip, idx, pattern};
use proptest::prelude::*;
use tilewright_data::DataError;
use tilewright_data::idx::{self as reader, Idx};

/// Remembers the largest single allocation of the process.
struct Watching;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes unchanged to the system's allocator; only a number is noted on the way.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        LARGEST.fetch_max(new_size, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The inputs here are a few KiB, so nothing may ask for more than the reader's first reserve and its doubling.
const LARGEST_ALLOWED: usize = 4 << 20;

fn decode(bytes: &[u8], rank: u8) -> Result<Idx, DataError> {
    let result = reader::decode(bytes, Path::new("mutated"), rank);
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= LARGEST_ALLOWED, "an allocation of {largest} bytes for a file of {}", bytes.len());
    // An error must be able to say what it is, whatever it met.
    if let Err(error) = &result {
        assert!(!error.to_string().is_empty());
    }
    result
}

/// An answer in hand must be consistent with itself.
fn consistent(result: Result<Idx, DataError>, rank: u8) {
    if let Ok(idx) = result {
        assert_eq!(idx.dims.len(), usize::from(rank));
        assert_eq!(idx.dims.iter().product::<usize>(), idx.data.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64), rank in 0u8..6) {
        consistent(decode(&bytes, rank), rank);
    }

    #[test]
    fn an_honest_magic_and_arbitrary_dimensions(dims in prop::collection::vec(any::<u32>(), 0..6), data in prop::collection::vec(any::<u8>(), 0..64)) {
        let bytes = idx(&dims, &data);
        consistent(decode(&bytes, dims.len() as u8), dims.len() as u8);
        consistent(decode(&gzip(&bytes), dims.len() as u8), dims.len() as u8);
    }

    #[test]
    fn one_changed_byte(position in any::<prop::sample::Index>(), value: u8, compressed: bool) {
        let good = idx(&[5, 6, 7], &pattern(210));
        let mut bytes = if compressed { gzip(&good) } else { good };
        let position = position.index(bytes.len());
        bytes[position] = value;
        consistent(decode(&bytes, 3), 3);
    }

    #[test]
    fn a_cut_and_a_tail(cut in any::<prop::sample::Index>(), tail in prop::collection::vec(any::<u8>(), 0..40), compressed: bool) {
        let good = idx(&[5, 6, 7], &pattern(210));
        let mut bytes = if compressed { gzip(&good) } else { good };
        bytes.truncate(cut.index(bytes.len()));
        bytes.extend(tail);
        consistent(decode(&bytes, 3), 3);
    }
}
