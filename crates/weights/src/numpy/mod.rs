//! NumPy's files: one array (`.npy`), or several by name in a zip archive (`.npz`).

mod header;

use std::{collections::BTreeMap, fs::File};

use crate::{
    archive::{Place, Shared},
    array::Array,
    element::Element,
    error::Fault,
    torch::gather,
};

use header::Header;

/// Arrays by name, read when they are asked for.
pub(crate) struct NumpyFile {
    file: Shared,
    arrays: BTreeMap<String, (Place, Header)>,
}

/// More than any header of an array has.
const HEAD: u64 = 1 << 16;

impl NumpyFile {
    /// Reads the headers of an archive's arrays.
    pub fn npz(file: File, members: Vec<(String, Place)>, notes: &mut Vec<String>) -> Result<Self, Fault> {
        let file = Shared::new(file);
        let mut arrays = BTreeMap::new();
        for (member, place) in members {
            let Some(name) = member.strip_suffix(".npy") else {
                notes.push(format!("left out, for it is no array: {member}"));
                continue;
            };
            let header = match Header::read(&file.head(&place, HEAD)?, place.length) {
                Ok(header) => header,
                // Names and labels that somebody put beside the weights.
                Err(Fault::Unsupported(reason)) => {
                    notes.push(format!("left out: `{name}`: {reason}"));
                    continue;
                }
                Err(fault) => return Err(named(name, fault)),
            };
            if arrays.insert(name.to_owned(), (place, header)).is_some() {
                return Err(Fault::damaged(format!("it has two arrays `{name}`")));
            }
        }
        if arrays.is_empty() {
            return Err(Fault::State(format!("it holds no arrays of numbers; {}", notes.join("; "))));
        }
        Ok(Self { file, arrays })
    }

    /// Reads the header of one array, which is called `name`.
    pub fn npy(file: File, name: &str) -> Result<Self, Fault> {
        let place = Place::plain(0, file.metadata()?.len());
        let file = Shared::new(file);
        let header = Header::read(&file.head(&place, HEAD)?, place.length)?;
        Ok(Self { file, arrays: BTreeMap::from([(name.to_owned(), (place, header))]) })
    }

    /// Names, types and shapes.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Element, &[usize])> {
        self.arrays.iter().map(|(name, (_, header))| (name.as_str(), header.element, &header.shape[..]))
    }

    /// Reads an array, if there is one.
    pub fn tensor(&self, name: &str) -> Result<Option<Array>, Fault> {
        let Some((place, header)) = self.arrays.get(name) else { return Ok(None) };
        let bytes = self.file.read(place)?;
        let bytes = bytes.get(header.length..).unwrap_or_default();
        gather::gather(name, &header.view()?, bytes).map(Some)
    }
}

/// A fault of the array `name`.
fn named(name: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Io(_) => fault,
        other => Fault::Tensor { name: name.to_owned(), reason: other.to_string() },
    }
}
