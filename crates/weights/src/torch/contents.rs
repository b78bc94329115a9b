//! What both forms of a file give.

use std::collections::BTreeMap;

use crate::{
    archive::Place,
    pickle::{Heap, StorageElement, Value},
};

/// What a form of file gives: its values, the value at the top, where its storages lie, and what is to be said.
pub(super) struct Contents {
    pub heap: Heap,
    pub root: Value,
    pub storages: BTreeMap<String, Place>,
    pub big_endian: bool,
    pub notes: Vec<String>,
}

/// Bytes of an element of a storage.
pub(super) fn size(element: StorageElement) -> u64 {
    match element {
        StorageElement::Plain(element) | StorageElement::Quantized(element) => element.size() as u64,
        StorageElement::Other("complex64") => 8,
        StorageElement::Other("complex128") => 16,
        StorageElement::Other(_) => 1,
    }
}
