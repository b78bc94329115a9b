//! A fingerprint of the kernels, for what is remembered about them.

use std::sync::OnceLock;

use tilewright_shaders::{fragments, kernels};

/// FNV-1a (RFC 9923) over the kernels that compute products and convolutions, their fragments, and this crate's version:
/// a fingerprint that is the same in every build, not a protection.
pub(crate) fn source_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let sources = kernels()
            .iter()
            .filter(|source| ["convolution", "matmul"].contains(&source.family))
            .chain(fragments())
            .flat_map(|source| [source.family, source.stem, source.text]);
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for text in sources.chain([env!("CARGO_PKG_VERSION")]) {
            // The zero keeps two texts apart from one.
            for byte in text.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    })
}
