//! Damaged files give errors: no panic, and no memory by the word of a file of a few kilobytes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use tilewright_weights::WeightFile;

use super::fixture;

/// The largest piece of memory that was ever asked for.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

struct Watched;

// Safety: everything is the system's own.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// The most that a tensor may repeat its storage to, and a little.
const MOST: usize = 257 << 20;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % limit.max(1)
    }
}

/// Reads all that a file has; an error is as good as a tensor.
fn read(path: &Path) -> bool {
    let Ok(file) = WeightFile::open(path, Some("*")) else { return false };
    file.entries().map(|(name, ..)| name).all(|name| file.array(name).is_ok())
}

/// `TILEWRIGHT_FUZZ_CASES` says how many cases of each file there are.
#[test]
fn damaged_files_are_errors() {
    let cases =
        std::env::var("TILEWRIGHT_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    let mut names: Vec<_> = fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 20);
    let (mut random, mut whole, mut broken) = (Random(14), 0, 0);
    for name in names.iter().filter(|name| name.extension().is_some_and(|kind| kind != "py")) {
        let bytes = fs::read(name).unwrap();
        for case in 0..cases {
            let mut bytes = bytes.clone();
            if case % 3 == 0 {
                bytes.truncate(random.below(bytes.len()));
            } else {
                for _ in 0..=random.below(4) {
                    let at = random.below(bytes.len());
                    bytes[at] = match random.below(3) {
                        0 => bytes[at] ^ (1 << random.below(8)),
                        1 => 0xff,
                        _ => random.below(256) as u8,
                    };
                }
            }
            // A case that panics or asks for too much is found again by this file.
            fs::write(&path, &bytes).unwrap();
            if read(&path) {
                whole += 1;
            } else {
                broken += 1;
            }
            let largest = LARGEST.load(Ordering::Relaxed);
            assert!(largest < MOST, "{} case {case} asked for {largest} bytes", name.display());
        }
    }
    // The comparison would pass if nothing were ever read, or nothing ever refused.
    assert!(whole > 0 && broken > whole, "{whole} read, {broken} refused");
}
