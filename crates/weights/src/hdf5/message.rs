//! The messages of an object header: what an object is.

use super::bytes::{Bytes, UNDEFINED};
use crate::{element::Element, error::Fault};

/// The messages that matter here, each as it stands.
#[derive(Default)]
pub(super) struct Messages<'a> {
    pub dataspace: Option<Bytes<'a>>,
    pub datatype: Option<Bytes<'a>>,
    pub layout: Option<Bytes<'a>>,
    pub filters: Option<Bytes<'a>>,
    pub links: Vec<Bytes<'a>>,
    pub link_info: Option<Bytes<'a>>,
    pub symbol_table: Option<Bytes<'a>>,
    pub attributes: Vec<Bytes<'a>>,
}

/// Continuations of one header, at most.
const MOST_PARTS: usize = 256;

impl<'a> Messages<'a> {
    /// The messages of the object at `address`.
    pub fn read(file: Bytes<'a>, address: u64) -> Result<Self, Fault> {
        let mut messages = Self::default();
        let mut bytes = file.from(address)?;
        let mut parts = Vec::new();
        let begin = bytes;
        let (version, tracked) = if begin.clone().take(4)? == b"OHDR" {
            bytes.skip(5)?;
            let flags = bytes.u8()?;
            bytes.skip(if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 })?;
            let length = bytes.number(1 << (flags & 3))?;
            parts.push(bytes.part(usize::try_from(length).unwrap_or(usize::MAX))?);
            (2, flags & 4 != 0)
        } else {
            if bytes.u8()? != 1 {
                return Err(Fault::damaged(format!("there is no HDF5 object at byte {address}")));
            }
            bytes.skip(7)?;
            let length = bytes.u32()?;
            bytes.skip(4)?;
            parts.push(bytes.part(length)?);
            (1, false)
        };
        let mut at = 0;
        while let Some(mut part) = parts.get(at).copied() {
            at += 1;
            let head = if version == 1 { 8 } else { 4 + if tracked { 2 } else { 0 } };
            while part.left() >= head {
                let (kind, length, flags);
                if version == 1 {
                    (kind, length, flags) = (part.u16()?, part.u16()?, part.u8()?);
                    part.skip(3)?;
                } else {
                    (kind, length, flags) = (usize::from(part.u8()?), part.u16()?, part.u8()?);
                    part.skip(if tracked { 2 } else { 0 })?;
                }
                let mut body = part.part(length)?;
                if kind == 0x10 {
                    let (place, length) = (body.u64()?, body.u64()?);
                    let mut more = file.from(place)?;
                    let mut length = usize::try_from(length).unwrap_or(usize::MAX);
                    if version == 2 {
                        more.signature(b"OCHK")?;
                        length = length.saturating_sub(8);
                    }
                    parts.push(more.part(length)?);
                    if parts.len() > MOST_PARTS {
                        return Err(Fault::Limit {
                            what: "the parts of an HDF5 header",
                            limit: MOST_PARTS as u64,
                        });
                    }
                    continue;
                }
                // What is kept elsewhere and shared: a type with a name of its own.
                if flags & 2 != 0 && matches!(kind, 1 | 3 | 8 | 0x0b) {
                    return Err(Fault::Unsupported(
                        "it has a dataset with a shared (committed) type, which is not read".to_owned(),
                    ));
                }
                match kind {
                    1 => messages.dataspace = Some(body),
                    2 => messages.link_info = Some(body),
                    3 => messages.datatype = Some(body),
                    6 => messages.links.push(body),
                    8 => messages.layout = Some(body),
                    0x0b => messages.filters = Some(body),
                    0x0c => messages.attributes.push(body),
                    0x11 => messages.symbol_table = Some(body),
                    _ => {}
                }
            }
        }
        Ok(messages)
    }
}

/// The extents of a dataspace.
pub(super) fn shape(mut bytes: Bytes<'_>) -> Result<Vec<usize>, Fault> {
    let (version, rank, _) = (bytes.u8()?, bytes.u8()?, bytes.u8()?);
    match version {
        1 => bytes.skip(5)?,
        2 => bytes.skip(1)?,
        other => {
            return Err(Fault::Unsupported(format!(
                "it has a dataspace of version {other}; 1 and 2 are read"
            )));
        }
    }
    (0..rank)
        .map(|_| {
            usize::try_from(bytes.u64()?).map_err(|_| Fault::damaged("an extent in it is beyond all memory"))
        })
        .collect()
}

/// A type of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Number(Element, /* big endian */ bool),
    /// Text of a fixed number of bytes.
    Text(usize),
    /// Text of any length, which is elsewhere.
    LongText,
    Other,
}

pub(super) fn datatype(mut bytes: Bytes<'_>) -> Result<Type, Fault> {
    let class = bytes.u8()? & 15;
    let bits = bytes.number(3)?;
    let size = bytes.u32()?;
    let big = bits & 1 != 0;
    Ok(match class {
        0 => {
            let element = match (size, bits & 8 != 0) {
                (8, true) => Element::I64,
                (4, true) => Element::I32,
                (2, true) => Element::I16,
                (1, true) => Element::I8,
                (8, false) => Element::U64,
                (4, false) => Element::U32,
                (2, false) => Element::U16,
                (1, false) => Element::U8,
                _ => return Ok(Type::Other),
            };
            Type::Number(element, big)
        }
        1 => {
            bytes.skip(5)?;
            let (exponent, _, mantissa) = (bytes.u8()?, bytes.u8()?, bytes.u8()?);
            match (size, exponent, mantissa) {
                (8, 11, 52) => Type::Number(Element::F64, big),
                (4, 8, 23) => Type::Number(Element::F32, big),
                (2, 5, 10) => Type::Number(Element::F16, big),
                (2, 8, 7) => Type::Number(Element::BF16, big),
                _ => Type::Other,
            }
        }
        3 => Type::Text(size),
        // h5py's truth values: FALSE and TRUE in one byte.
        8 if size == 1 => Type::Number(Element::Bool, false),
        9 if bits & 15 == 1 => Type::LongText,
        _ => Type::Other,
    })
}

/// Where a dataset's elements are.
pub(super) enum Layout<'a> {
    Compact(&'a [u8]),
    Contiguous { address: u64 },
    Chunked { tree: u64, extents: Vec<usize> },
}

pub(super) fn layout(mut bytes: Bytes<'_>) -> Result<Layout<'_>, Fault> {
    let refused = |what: String| {
        let hint = "write it again with h5py's defaults (libver='earliest')";
        Err(Fault::Unsupported(format!("it has a dataset {what}, which is not read; {hint}")))
    };
    let (version, class) = (bytes.u8()?, bytes.u8()?);
    match (version, class) {
        (3 | 4, 0) => {
            let length = bytes.u16()?;
            Ok(Layout::Compact(bytes.take(length)?))
        }
        (3 | 4, 1) => Ok(Layout::Contiguous { address: bytes.u64()? }),
        (3, 2) => {
            let rank = bytes.u8()?;
            let tree = bytes.u64()?;
            let extents = (0..rank).map(|_| bytes.u32()).collect::<Result<_, _>>()?;
            Ok(Layout::Chunked { tree, extents })
        }
        (4, 2) => refused("in chunks with an index of HDF5 1.10".to_owned()),
        (version, class) => refused(format!("of layout {class}, version {version}")),
    }
}

/// What was done to chunks, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Deflate,
    Shuffle,
    Checksum,
}

pub(super) fn filters(mut bytes: Bytes<'_>) -> Result<Vec<Filter>, Fault> {
    let (version, count) = (bytes.u8()?, bytes.u8()?);
    if version == 1 {
        bytes.skip(6)?;
    }
    (0..count)
        .map(|_| {
            let id = bytes.u16()?;
            let name = if version == 1 || id >= 256 { bytes.u16()? } else { 0 };
            let (_, values) = (bytes.u16()?, bytes.u16()?);
            bytes.skip(if version == 1 { name.next_multiple_of(8) } else { name })?;
            bytes.skip(4 * (values + if version == 1 { values % 2 } else { 0 }))?;
            match id {
                1 => Ok(Filter::Deflate),
                2 => Ok(Filter::Shuffle),
                3 => Ok(Filter::Checksum),
                other => Err(Fault::Unsupported(format!(
                    "it has a dataset packed by filter {other}; gzip and shuffle are read: write it again with h5py's defaults"
                ))),
            }
        })
        .collect()
}

/// The members of a group that has them in its header, by name.
pub(super) fn link(mut bytes: Bytes<'_>) -> Result<Option<(String, u64)>, Fault> {
    let (_, flags) = (bytes.u8()?, bytes.u8()?);
    let kind = if flags & 8 != 0 { bytes.u8()? } else { 0 };
    bytes.skip(if flags & 4 != 0 { 8 } else { 0 } + if flags & 16 != 0 { 1 } else { 0 })?;
    let length = bytes.number(1 << (flags & 3))?;
    let name = bytes.take(usize::try_from(length).unwrap_or(usize::MAX))?;
    let name = String::from_utf8_lossy(name).into_owned();
    // Links to names, and into other files, are left alone.
    if kind != 0 { Ok(None) } else { Ok(Some((name, bytes.u64()?))) }
}

/// Fails for a group whose members are in a heap of their own.
pub(super) fn check_link_info(mut bytes: Bytes<'_>) -> Result<(), Fault> {
    let (_, flags) = (bytes.u8()?, bytes.u8()?);
    bytes.skip(if flags & 1 != 0 { 8 } else { 0 })?;
    if bytes.u64()? != UNDEFINED {
        let hint = "write it again with h5py's defaults (libver='earliest')";
        return Err(Fault::Unsupported(format!(
            "it has a group in a heap of HDF5 1.8's, which is not read; {hint}"
        )));
    }
    Ok(())
}
