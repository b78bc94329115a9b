//! Files of weights, of any kind that `tilewright_weights` reads, and networks in bytes.

use std::path::Path;

use tilewright_nn::QuantizedState;
use tilewright_weights::Opened;

use crate::{error::Error, error::Result};

/// What a file holds.
pub enum Weights {
    /// Weights in f32.
    Real(Opened),
    /// A network in bytes, as `quantize` writes it.
    Bytes(Box<QuantizedState>),
}

/// Opens a file of weights or of a network in bytes, and says on standard error what its reader should know.
pub fn read(path: &Path) -> Result<Weights> {
    let opened = tilewright_weights::source(path)?;
    if QuantizedState::is(opened.metadata.as_deref()) {
        return Ok(Weights::Bytes(Box::new(QuantizedState::read(path)?)));
    }
    for note in &opened.notes {
        eprintln!("note: {}: {note}", path.display());
    }
    Ok(Weights::Real(opened))
}

/// As [`read`], of weights in f32.
pub fn open(path: &Path) -> Result<Opened> {
    match read(path)? {
        Weights::Real(opened) => Ok(opened),
        Weights::Bytes(_) => {
            let reason = format!(
                "{} holds a network in bytes, which `infer` and `classify` run; here its weights in f32 are needed",
                path.display()
            );
            Err(Error::Argument { argument: "--weights", reason })
        }
    }
}
