//! HDF5, as far as h5py writes it by default: superblocks 0 to 3, groups with symbol tables or with links in their headers,
//! datasets in one piece or in chunks (gzip, shuffle), attributes with text.
//!
//! The HDF5 File Format Specification, version 3.0, The HDF Group.

mod bytes;
mod dataset;
mod group;
mod message;

use std::collections::{BTreeMap, BTreeSet};

use crate::{array::Array, element::Element, error::Fault};

use bytes::Bytes;
use message::Messages;

/// A file in memory, with where each of its datasets is.
pub(crate) struct Hdf5 {
    bytes: Vec<u8>,
    root: u64,
    datasets: BTreeMap<String, (u64, Element, Vec<usize>)>,
}

/// How deep groups may lie in one another.
const DEEPEST: usize = 32;

impl Hdf5 {
    /// Reads the structure of a file; datasets that hold no numbers are left out, and said.
    pub fn new(bytes: Vec<u8>, notes: &mut Vec<String>) -> Result<Self, Fault> {
        let mut file = Hdf5 { root: root(&bytes)?, bytes, datasets: BTreeMap::new() };
        let (mut datasets, mut left_out) = (BTreeMap::new(), Vec::new());
        let mut walk = Walk { file: Bytes::new(&file.bytes), seen: BTreeSet::new() };
        walk.collect(file.root, "", 0, &mut datasets, &mut left_out)?;
        if !left_out.is_empty() {
            notes.push(format!("left out, for they hold no numbers: {}", left_out.join(", ")));
        }
        file.datasets = datasets;
        Ok(file)
    }

    /// Paths, types and shapes, sorted.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Element, &[usize])> {
        self.datasets.iter().map(|(path, (_, element, shape))| (path.as_str(), *element, &shape[..]))
    }

    /// Reads the dataset at a path.
    pub fn tensor(&self, path: &str) -> Result<Option<Array>, Fault> {
        let Some((address, element, shape)) = self.datasets.get(path) else { return Ok(None) };
        let file = Bytes::new(&self.bytes);
        let array = dataset::read(file, &Messages::read(file, *address)?)?;
        Ok(Some(array.unwrap_or_else(|| Array {
            element: *element,
            shape: shape.clone(),
            bytes: Vec::new(),
        })))
    }

    /// The text of an attribute of the file's root.
    pub fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        let file = Bytes::new(&self.bytes);
        group::text(file, &Messages::read(file, self.root)?, name)
    }
}

/// Where the root group is.
fn root(all: &[u8]) -> Result<u64, Fault> {
    let mut bytes = Bytes::new(all);
    bytes.skip(8)?;
    let version = bytes.u8()?;
    let (offsets, lengths);
    match version {
        0 | 1 => {
            bytes.skip(4)?;
            (offsets, lengths) = (bytes.u8()?, bytes.u8()?);
            // The tree's sizes and flags, then the base, the free space, the end, the driver; the root's name.
            bytes.skip(1 + 4 + 4 + if version == 1 { 4 } else { 0 })?;
            let base = bytes.u64()?;
            bytes.skip(24 + 8)?;
            check(offsets, lengths, base)?;
        }
        2 | 3 => {
            (offsets, lengths) = (bytes.u8()?, bytes.u8()?);
            bytes.skip(1)?;
            let base = bytes.u64()?;
            bytes.skip(16)?;
            check(offsets, lengths, base)?;
        }
        other => {
            return Err(Fault::Unsupported(format!(
                "it is HDF5 with a superblock of version {other}; 0 to 3 are read"
            )));
        }
    }
    bytes.u64()
}

fn check(offsets: u8, lengths: u8, base: u64) -> Result<(), Fault> {
    if (offsets, lengths, base) != (8, 8, 0) {
        return Err(Fault::Unsupported(format!(
            "it is HDF5 with addresses of {offsets} bytes, lengths of {lengths} and the base {base}; 8, 8 and 0 are read"
        )));
    }
    Ok(())
}

struct Walk<'a> {
    file: Bytes<'a>,
    seen: BTreeSet<u64>,
}

type Datasets = BTreeMap<String, (u64, Element, Vec<usize>)>;

impl Walk<'_> {
    fn collect(
        &mut self,
        address: u64,
        path: &str,
        depth: usize,
        datasets: &mut Datasets,
        left_out: &mut Vec<String>,
    ) -> Result<(), Fault> {
        if depth > DEEPEST {
            return Err(Fault::Limit { what: "the depth of its groups", limit: DEEPEST as u64 });
        }
        // An object may have several names; the first one counts, and no circle goes on.
        if !self.seen.insert(address) {
            return Ok(());
        }
        let messages = Messages::read(self.file, address)?;
        if let (Some(_), Some(layout)) = (messages.datatype, messages.layout) {
            // What is not read is said at once, not when its turn comes.
            message::layout(layout)?;
            match dataset::describe(&messages)? {
                Some((element, _, shape)) => {
                    datasets.insert(path.to_owned(), (address, element, shape));
                }
                None => left_out.push(path.to_owned()),
            }
            return Ok(());
        }
        for (name, member) in group::members(self.file, &messages)? {
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            self.collect(member, &path, depth + 1, datasets, left_out)?;
        }
        Ok(())
    }
}
