//! A file of another library as a safetensors file.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;
use tilewright_runtime::write_whole_with;

use crate::{
    element::Element,
    error::{Error, Fault, Result},
    hash::sha256,
    names::Renames,
    open::{Layout, WeightFile},
    safetensors::{self, Entry},
};

/// What is taken from the file, and under which names.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where in a pickle the state dict is, as for [`WeightFile::open`].
    pub key: Option<String>,
    /// How variables are called and laid out, before names change.
    pub layout: Layout,
    /// How names change.
    pub renames: Renames,
}

/// A tensor that was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name in the new file.
    pub name: String,
    /// Its name in the old one.
    pub from: String,
    /// The type that the old file has, by safetensors' name.
    pub dtype: &'static str,
    /// The type that was written: F32 for F64, else the same.
    pub written: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// What was converted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Converted {
    /// The kind of the file that was read.
    pub kind: &'static str,
    /// SHA-256 of the file that was read.
    pub sha256: String,
    /// The tensors.
    pub tensors: Vec<Row>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Bytes that were written.
    pub bytes: u64,
}

/// All that tensors of one file may have together, beyond what the file itself has: views may share a storage, and deflated
/// members may be larger than the file.
const MOST_BESIDE: u64 = 1 << 30;

/// Reads `input` and writes `output`, whole or not at all. Types stay, but f64, which is rounded to f32. Beside the tensors stand
/// the name of the file that was read and its SHA-256.
///
/// # Errors
/// [`Error::File`], [`Error::Format`].
pub fn convert(input: &Path, output: &Path, options: &Options) -> Result<Converted> {
    let format = |fault| Error::format(input, fault);
    let file = WeightFile::open_with(input, options.key.as_deref(), options.layout)?;
    let entries: BTreeMap<&str, (Element, &[usize])> =
        file.entries().map(|(name, element, shape)| (name, (element, shape))).collect();
    let renamed = options.renames.apply(entries.keys().copied()).map_err(format)?;
    let size = std::fs::metadata(input).map_err(|error| Error::file(input, error))?.len();
    let (mut tensors, mut total) = (Vec::with_capacity(renamed.len()), 0_u64);
    for (name, &from) in &renamed {
        let (element, shape) = entries[from];
        let written = if element == Element::F64 { Element::F32 } else { element };
        let count =
            shape.iter().try_fold(written.size() as u64, |bytes, &extent| bytes.checked_mul(extent as u64));
        total = count.and_then(|bytes| bytes.checked_add(total)).unwrap_or(u64::MAX);
        let limit = size.saturating_mul(16).saturating_add(MOST_BESIDE);
        if total > limit {
            return Err(format(Fault::Limit { what: "the size of its tensors", limit }));
        }
        tensors.push(Row {
            name: name.clone(),
            from: from.to_owned(),
            dtype: element.name(),
            written: written.name(),
            shape: shape.to_vec(),
        });
    }
    let sha256 = sha256(input).map_err(|error| Error::file(input, error))?;
    let source = input.file_name().unwrap_or_default().to_string_lossy();
    let metadata = serde_json::json!({ "source": source, "sha256": sha256, "format": file.kind().name() });
    let pending = renamed.keys().zip(&tensors).map(|(name, row)| {
        let (element, shape) = entries[row.from.as_str()];
        let element = if element == Element::F64 { Element::F32 } else { element };
        Entry { name: name.clone(), element, shape: shape.to_vec() }
    });
    let pending: Vec<Entry> = pending.collect();
    let mut bytes = 0;
    write_whole_with(output, |part| {
        bytes = safetensors::write(part, pending, &metadata.to_string(), |entry| {
            let from = renamed[&entry.name];
            let array = file.read(from)?;
            let array = array.ok_or_else(|| Fault::damaged(format!("tensor `{from}` is gone")))?;
            array.narrowed(from)
        })?;
        Ok(())
    })
    // A fault of the system is of the file that is written: the other one was read before.
    .map_err(|fault| match fault {
        Fault::Io(error) => Error::file(output, error),
        fault => Error::format(input, fault),
    })?;
    let mut notes = file.notes().to_vec();
    let narrowed = tensors.iter().filter(|row| row.dtype != row.written).count();
    if narrowed > 0 {
        notes.push(format!("{narrowed} tensors are F64 in the file, and were rounded to F32"));
    }
    if let Some(wrapper) = ["module.", "_orig_mod."]
        .into_iter()
        .find(|wrapper| !tensors.is_empty() && tensors.iter().all(|row| row.name.starts_with(wrapper)))
    {
        notes.push(format!(
            "every name begins with `{wrapper}`, which loading takes off by itself and --prefix-strip {wrapper} here"
        ));
    }
    Ok(Converted { kind: file.kind().name(), sha256, tensors, notes, bytes })
}
