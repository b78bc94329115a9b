//! Measured choices on disk: one JSON file for each adapter and driver.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tilewright_runtime::{Error, Result, write_whole};

use crate::base::sources::source_hash;

/// Of the file's format; another one is ignored.
const VERSION: u32 = 1;

/// One measured choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The hash of the kernels that were measured: others may be quicker, so an old entry does not count.
    pub source: String,
    /// The algorithm's name; none if no candidate was right, and the table chooses.
    pub winner: Option<String>,
    /// The shortest time of each right candidate.
    pub milliseconds: BTreeMap<String, f64>,
    /// The wrong ones, and why.
    pub rejected: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    entries: BTreeMap<String, Entry>,
}

/// The choices of this adapter, driver and kernels.
pub(super) struct Table {
    file: Option<PathBuf>,
    entries: BTreeMap<String, Entry>,
}

impl Table {
    /// What `file` holds for these kernels; a damaged one is ignored with a warning and written anew with the next
    /// entry.
    pub fn read(file: Option<&Path>) -> Self {
        let entries = file.map(read).unwrap_or_default();
        Self { file: file.map(Path::to_owned), entries }
    }

    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter()
    }

    /// Adds an entry, and writes the file whole or not at all.
    pub fn insert(&mut self, key: &str, entry: Entry) -> Result<()> {
        self.entries.insert(key.to_owned(), entry);
        // Another process may have measured other shapes meanwhile.
        let mut all = self.file.as_deref().map(read).unwrap_or_default();
        all.extend(self.entries.clone());
        self.entries = all;
        self.write()
    }

    pub fn clear(&mut self) -> Result<()> {
        self.entries.clear();
        self.write()
    }

    fn write(&self) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let fault = |reason: String| Error::File { path: file.display().to_string(), reason };
        let contents = File { version: VERSION, entries: self.entries.clone() };
        let text = serde_json::to_vec_pretty(&contents).map_err(|error| fault(error.to_string()))?;
        write_whole(file, &text).map_err(|error| fault(error.to_string()))
    }
}

fn read(file: &Path) -> BTreeMap<String, Entry> {
    let warn = |reason: &str| tracing::warn!(path = %file.display(), reason, "measured choices are ignored");
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return BTreeMap::new(),
        Err(error) => {
            warn(&error.to_string());
            return BTreeMap::new();
        }
    };
    match serde_json::from_slice::<File>(&bytes) {
        Ok(File { version: VERSION, mut entries }) => {
            entries.retain(|_, entry| entry.source == source_hash());
            entries
        }
        Ok(_) => {
            warn("the file is of another version");
            BTreeMap::new()
        }
        Err(error) => {
            warn(&error.to_string());
            BTreeMap::new()
        }
    }
}
