//! The table of WGSL files, made by `build.rs` from the folders.

/// One WGSL file of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The folder: a kernel's family (`convolution`), or the slot that a fragment fills (`unary`).
    pub family: &'static str,
    /// The file's name without `.wgsl`; the same stem names the launcher, the reference, the test and the bench.
    pub stem: &'static str,
    /// The text, as it stands in the file.
    pub text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// Every kernel, sorted by family and stem.
pub fn kernels() -> &'static [Source] {
    KERNELS
}

/// Every fragment (a body for a slot), sorted by slot and name.
pub fn fragments() -> &'static [Source] {
    FRAGMENTS
}

/// The kernel of that stem.
pub fn kernel(stem: &str) -> Option<&'static Source> {
    KERNELS.iter().find(|source| source.stem == stem)
}

/// The fragment `name` for the slot `slot`.
pub fn fragment(slot: &str, name: &str) -> Option<&'static Source> {
    FRAGMENTS.iter().find(|source| source.family == slot && source.stem == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_unique() {
        let mut stems: Vec<_> = kernels().iter().map(|source| source.stem).collect();
        stems.sort_unstable();
        let count = stems.len();
        stems.dedup();
        assert_eq!(stems.len(), count, "two kernels share a stem");
    }
}
