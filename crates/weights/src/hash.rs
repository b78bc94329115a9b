//! SHA-256 of files.

use std::{fs::File, io, io::Read, path::Path};

use sha2::{Digest, Sha256};

/// The SHA-256 of a file in 64 hexadecimal digits; it is read piece by piece.
///
/// # Errors
/// What the system reports.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(digits(hash))
}

/// The SHA-256 of bytes in memory.
pub fn sha256_of(bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(bytes);
    digits(hash)
}

fn digits(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
