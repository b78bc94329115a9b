//! The form of PyTorch before 1.6: five pickles (a magic number, a version, the writing machine's types, the object, the
//! storages' keys), then for each key, in that order, the number of elements in 64 bits and the elements. Nothing is aligned.
//!
//! The numbers are little-endian whatever the writing machine was, which PyTorch's writer saw to; the types' sizes in the
//! third pickle (a `long` of 4 bytes on Windows) say nothing of the storages.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

use super::contents::{Contents, size};
use crate::{
    archive::Place,
    error::Fault,
    input::Input,
    pickle::{Heap, Node, Value, run},
};

/// The first pickle: protocol 2, the number 0x1950a86a20f9469cfc6c.
pub(crate) const MAGIC: [u8; 14] =
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

pub(super) fn read(path: &Path) -> Result<Contents, Fault> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut input = Input::new(BufReader::new(file), length);
    let mut heap = Heap::default();
    let first = run(&mut input, &mut heap)?;
    let is_magic = matches!(heap.get(first), Some(Node::Long(bytes)) if bytes[..] == MAGIC[4..]);
    if !is_magic {
        // Any other pickle: arrays of NumPy in a dict, as some model zoos have them.
        let notes = vec!["it is a plain pickle, not one of torch.save".to_owned()];
        return Ok(Contents { heap, root: first, storages: BTreeMap::new(), big_endian: false, notes });
    }
    match run(&mut input, &mut heap)? {
        Value::Int(1001) => {}
        other => {
            let said = heap.kind(other);
            return Err(Fault::Unsupported(format!(
                "its version is {said} other than 1001, which is not known"
            )));
        }
    }
    run(&mut input, &mut heap)?;
    let root = run(&mut input, &mut heap)?;
    let keys = run(&mut input, &mut heap)?;
    let storages = storages(input, &heap, keys)?;
    Ok(Contents { heap, root, storages, big_endian: false, notes: Vec::new() })
}

/// Where each storage lies.
fn storages<R: Read + Seek>(
    mut input: Input<BufReader<R>>,
    heap: &Heap,
    keys: Value,
) -> Result<BTreeMap<String, Place>, Fault> {
    let sizes: BTreeMap<&str, Option<u64>> =
        heap.storages().map(|storage| (storage.key.as_str(), storage.element.map(size))).collect();
    let mut places = BTreeMap::new();
    for &key in heap.items(keys).unwrap_or_default() {
        let Some(key) = heap.name(key) else {
            return Err(Fault::damaged(format!("the key of a storage is {}", heap.kind(key))));
        };
        let Some(size) = sizes.get(key.as_str()) else {
            return Err(Fault::damaged(format!(
                "storage {key} is of no tensor, so that its type is not known"
            )));
        };
        let count = u64::from_le_bytes(input.array("the length of a storage")?);
        let bytes = count.checked_mul(size.unwrap_or(1)).unwrap_or(u64::MAX);
        places.insert(key, Place::plain(input.at(), bytes));
        input.skip("a storage", bytes)?;
    }
    Ok(places)
}

impl<R: Read + Seek> Input<BufReader<R>> {
    /// Goes on behind `count` bytes.
    fn skip(&mut self, what: &'static str, count: u64) -> Result<(), Fault> {
        self.pass(what, count)?.seek_relative(count as i64)?;
        Ok(())
    }
}
