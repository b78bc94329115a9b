//! Files of weights, of any kind that `tilewright_weights` reads.

use std::path::Path;

use tilewright_weights::Opened;

use crate::error::Result;

/// Opens a file of weights, and says on standard error what its reader should know.
pub fn open(path: &Path) -> Result<Opened> {
    let opened = tilewright_weights::source(path)?;
    for note in &opened.notes {
        eprintln!("note: {}: {note}", path.display());
    }
    Ok(opened)
}
