//! Groups: names to objects; and attributes with text.

use super::{
    bytes::Bytes,
    message::{self, Messages, Type},
};
use crate::error::Fault;

/// How deep the nodes of a tree may lie in one another.
const DEEPEST: usize = 16;

/// Names of one group, at most.
const MOST_NAMES: usize = 1 << 20;

/// The members of a group: names, and where they are.
pub(super) fn members(file: Bytes<'_>, messages: &Messages<'_>) -> Result<Vec<(String, u64)>, Fault> {
    let mut members = Vec::new();
    if let Some(mut table) = messages.symbol_table {
        let (tree, heap) = (table.u64()?, table.u64()?);
        let mut heap = file.from(heap)?;
        heap.signature(b"HEAP")?;
        heap.skip(20)?;
        let names = file.from(heap.u64()?)?;
        node(file, tree, names, &mut members, 0)?;
    }
    for &one in &messages.links {
        members.extend(message::link(one)?);
    }
    if let Some(info) = messages.link_info {
        message::check_link_info(info)?;
    }
    Ok(members)
}

fn node(
    file: Bytes<'_>,
    address: u64,
    names: Bytes<'_>,
    members: &mut Vec<(String, u64)>,
    depth: usize,
) -> Result<(), Fault> {
    let mut bytes = file.from(address)?;
    bytes.signature(b"TREE")?;
    let (kind, _, count) = (bytes.u8()?, bytes.u8()?, bytes.u16()?);
    if kind != 0 || depth > DEEPEST || members.len() > MOST_NAMES {
        return Err(Fault::damaged("a group's tree in it is none"));
    }
    bytes.skip(16)?;
    for _ in 0..count {
        bytes.skip(8)?;
        let child = bytes.u64()?;
        if file.from(child)?.take(4)? == b"TREE" {
            node(file, child, names, members, depth + 1)?;
            continue;
        }
        let mut leaf = file.from(child)?;
        leaf.signature(b"SNOD")?;
        leaf.skip(2)?;
        for _ in 0..leaf.u16()? {
            let (name, object, kind) = (leaf.u64()?, leaf.u64()?, leaf.u32()?);
            leaf.skip(20)?;
            // A link to a name is left alone.
            if kind != 2 {
                let mut at = names;
                at.skip(usize::try_from(name).unwrap_or(usize::MAX))?;
                members.push((at.text()?, object));
            }
            if members.len() > MOST_NAMES {
                return Err(Fault::Limit { what: "the names of an HDF5 group", limit: MOST_NAMES as u64 });
            }
        }
    }
    Ok(())
}

/// The text of an attribute, if there is one.
pub(super) fn text(file: Bytes<'_>, messages: &Messages<'_>, wanted: &str) -> Result<Option<String>, Fault> {
    for &attribute in &messages.attributes {
        let mut bytes = attribute;
        let (version, _) = (bytes.u8()?, bytes.u8()?);
        let (name, kind, space) = (bytes.u16()?, bytes.u16()?, bytes.u16()?);
        if version == 3 {
            bytes.skip(1)?;
        }
        let padded = |length: usize| if version == 1 { length.next_multiple_of(8) } else { length };
        let name = bytes.part(padded(name))?.text()?;
        let (kind, _) = (bytes.part(padded(kind))?, bytes.part(padded(space))?);
        if name != wanted {
            continue;
        }
        let text = match message::datatype(kind)? {
            Type::Text(size) => bytes.take(size)?.to_vec(),
            Type::LongText => {
                let (length, heap, index) = (bytes.u32()?, bytes.u64()?, bytes.u32()?);
                let mut object = object(file, heap, index)?;
                object.take(length)?.to_vec()
            }
            _ => return Ok(None),
        };
        let text = String::from_utf8_lossy(&text);
        return Ok(Some(text.trim_end_matches('\0').to_owned()));
    }
    Ok(None)
}

/// An object of a global heap.
fn object(file: Bytes<'_>, heap: u64, wanted: usize) -> Result<Bytes<'_>, Fault> {
    let mut bytes = file.from(heap)?;
    bytes.signature(b"GCOL")?;
    bytes.skip(4)?;
    let length = bytes.u64()?.saturating_sub(16);
    let mut bytes = bytes.part(usize::try_from(length).unwrap_or(usize::MAX))?;
    while bytes.left() >= 16 {
        let index = bytes.u16()?;
        bytes.skip(6)?;
        let length = usize::try_from(bytes.u64()?).unwrap_or(usize::MAX);
        if index == wanted {
            return bytes.part(length);
        }
        if index == 0 {
            break;
        }
        bytes.skip(length.checked_next_multiple_of(8).unwrap_or(usize::MAX))?;
    }
    Err(Fault::damaged(format!("its heap has no object {wanted}")))
}
