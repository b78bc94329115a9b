//! Writing safetensors files tensor by tensor.
//!
//! The format: the length of the header in 64 bits, the header (JSON: of each tensor the type, the shape and where its bytes
//! are, and a map of texts), the bytes. The header is padded so that the tensors begin at a multiple of 8; tensors of larger
//! elements come first, so that each is aligned.

use std::io::{self, BufWriter, Write};

use serde_json::{Map, Value, json};

use crate::{array::Array, element::Element, error::Fault};

/// A tensor that is to be written.
pub(crate) struct Entry {
    pub name: String,
    pub element: Element,
    pub shape: Vec<usize>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.size()
    }
}

/// Writes a file; `read` gives each tensor when it is its turn. The same tensors give the same bytes.
pub(crate) fn write(
    to: impl Write,
    mut entries: Vec<Entry>,
    metadata: &str,
    mut read: impl FnMut(&Entry) -> Result<Array, Fault>,
) -> Result<u64, Fault> {
    entries.sort_by(|a, b| b.element.size().cmp(&a.element.size()).then_with(|| a.name.cmp(&b.name)));
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "tilewright": metadata }));
    let mut at = 0;
    for entry in &entries {
        let end = at + entry.bytes();
        let value: Value =
            json!({ "dtype": entry.element.name(), "shape": entry.shape, "data_offsets": [at, end] });
        header.insert(entry.name.clone(), value);
        at = end;
    }
    let mut header = serde_json::to_vec(&header).map_err(io::Error::from)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut to = BufWriter::new(to);
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    for entry in &entries {
        let array = read(entry)?;
        if array.bytes.len() != entry.bytes() || array.element != entry.element {
            let reason = format!("it has {} bytes, and {} were promised", array.bytes.len(), entry.bytes());
            return Err(Fault::Tensor { name: entry.name.clone(), reason });
        }
        to.write_all(&array.bytes)?;
    }
    to.flush()?;
    Ok((8 + header.len() + at) as u64)
}
