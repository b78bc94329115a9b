//! The form of PyTorch since 1.6: a zip archive with one pickle, `data.pkl`, and a member for each storage.
//!
//! All members have one prefix, which can be any. Members that are not known (`version`, `.format_version`,
//! `.storage_alignment`, `.data/serialization_id`, the code of TorchScript) are skipped.

use std::{collections::BTreeMap, io::Cursor};

use super::contents::Contents;
use crate::{
    archive::{Place, Shared},
    error::Fault,
    input::Input,
    pickle::{Heap, run},
};

/// The largest pickle of an archive. One of a large network has less than a megabyte: numbers are in members of their own.
const MOST_PICKLE: u64 = 256 << 20;

const PICKLE: &str = "data.pkl";

/// The prefix of all members, if these are of PyTorch.
pub(crate) fn prefix(members: &[(String, Place)]) -> Option<&str> {
    let prefixes = members.iter().filter_map(|(name, _)| name.strip_suffix(PICKLE));
    prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('/')).min_by_key(|prefix| prefix.len())
}

pub(super) fn read(file: &Shared, members: Vec<(String, Place)>) -> Result<Contents, Fault> {
    let prefix = prefix(&members).unwrap_or_default().to_owned();
    let members: BTreeMap<&str, Place> = members
        .iter()
        .filter_map(|(name, place)| Some((name.strip_prefix(&*prefix)?, place.clone())))
        .collect();
    let pickle = members.get(PICKLE).ok_or_else(|| Fault::damaged(format!("it has no `{PICKLE}`")))?;
    if pickle.length > MOST_PICKLE {
        return Err(Fault::Limit { what: "its pickle", limit: MOST_PICKLE });
    }
    let bytes = file.read(pickle)?;
    let (mut heap, length) = (Heap::default(), bytes.len() as u64);
    let root = run(&mut Input::new(Cursor::new(bytes), length), &mut heap)?;
    let big_endian = match members.get("byteorder").filter(|place| place.length <= 16) {
        None => false,
        Some(place) => match &file.read(place)?[..] {
            b"little" => false,
            b"big" => true,
            other => {
                let other = String::from_utf8_lossy(other);
                return Err(Fault::damaged(format!("its byte order is `{other}`, neither little nor big")));
            }
        },
    };
    let mut notes = Vec::new();
    if members.keys().any(|name| name.starts_with("code/")) {
        notes.push("it is a TorchScript archive: its tensors are read, its code is left alone".to_owned());
    }
    let storages = members
        .into_iter()
        .filter_map(|(name, place)| Some((name.strip_prefix("data/")?.to_owned(), place)))
        .collect();
    Ok(Contents { heap, root, storages, big_endian, notes })
}
