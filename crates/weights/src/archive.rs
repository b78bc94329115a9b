//! Zip archives: members by name, and where their bytes lie in the file.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom, Write},
    sync::{Mutex, PoisonError},
};

use flate2::{Crc, read::DeflateDecoder};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use crate::error::Fault;

/// Bytes of a file: a member of an archive, or a part of a file without one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Where they begin in the file.
    pub start: u64,
    /// How many they are in the file.
    pub stored: u64,
    /// How many they are when they are unpacked.
    pub length: u64,
    pub deflated: bool,
    /// Their checksum; 0 where the writer left it out.
    pub crc: u32,
}

impl Place {
    /// Bytes that stand in the file as they are.
    pub fn plain(start: u64, length: u64) -> Self {
        Self { start, stored: length, length, deflated: false, crc: 0 }
    }
}

/// The members of a zip archive, in the archive's order.
pub(crate) fn members(file: &File) -> Result<Vec<(String, Place)>, Fault> {
    let size = file.metadata()?.len();
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(fault)?;
    let mut members = Vec::with_capacity(archive.len());
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at).map_err(fault)?;
        if member.is_dir() {
            continue;
        }
        let name = member.name().to_owned();
        let refused = |what: String| Err(Fault::Unsupported(format!("its member `{name}` is {what}")));
        if member.encrypted() {
            return refused("encrypted, which is not read".to_owned());
        }
        let deflated = match member.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::DEFLATE => true,
            other => return refused(format!("packed by {other:?}; stored and deflated ones are read")),
        };
        let (stored, length) = (member.compressed_size(), member.size());
        let start =
            member.data_start().ok_or_else(|| Fault::damaged(format!("its member `{name}` is nowhere")))?;
        let left = size.saturating_sub(start);
        if stored > left {
            return Err(Fault::Truncated {
                what: "a member of the archive",
                at: start,
                wanted: stored,
                left,
            });
        }
        if !deflated && stored != length {
            return Err(Fault::damaged(format!("its member `{name}` has {stored} bytes and {length}")));
        }
        // Deflate makes at most 1032 bytes of one.
        if length / 1040 > stored {
            return Err(Fault::damaged(format!("its member `{name}` unpacks {stored} bytes to {length}")));
        }
        let place = Place { start, stored, length, deflated, crc: member.crc32() };
        members.push((name, place));
    }
    Ok(members)
}

fn fault(error: ZipError) -> Fault {
    match error {
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Fault::Io(error),
        other => Fault::damaged(format!("its zip archive cannot be read ({other})")),
    }
}

/// A file that several threads read in turn.
pub(crate) struct Shared(Mutex<File>);

impl Shared {
    pub fn new(file: File) -> Self {
        Self(Mutex::new(file))
    }

    /// The bytes of a place, unpacked and held against their checksum.
    pub fn read(&self, place: &Place) -> Result<Vec<u8>, Fault> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.start))?;
        read(&mut file, place)
    }

    /// The first bytes of a place, `most` at most.
    pub fn head(&self, place: &Place, most: u64) -> Result<Vec<u8>, Fault> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.start))?;
        let (mut bytes, packed) = (Vec::new(), (&mut *file).take(place.stored));
        if place.deflated {
            DeflateDecoder::new(packed).take(most).read_to_end(&mut bytes).map_err(|error| {
                Fault::damaged(format!("a member of its archive cannot be unpacked ({error})"))
            })?;
        } else {
            packed.take(most).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}

fn read(file: &mut File, place: &Place) -> Result<Vec<u8>, Fault> {
    let short = |left| Fault::Truncated { what: "a tensor", at: place.start, wanted: place.length, left };
    let mut bytes = Vec::new();
    if place.deflated {
        // It grows as it is unpacked, not by the archive's word; one byte more shows what is too long.
        let mut unpacked = DeflateDecoder::new(file.take(place.stored)).take(place.length + 1);
        let mut buffer = [0; 1 << 16];
        loop {
            let count = unpacked.read(&mut buffer).map_err(|error| {
                Fault::damaged(format!("a member of its archive cannot be unpacked ({error})"))
            })?;
            if count == 0 {
                break;
            }
            bytes.write_all(&buffer[..count])?;
        }
    } else {
        let size = file.metadata()?.len();
        if place.length > size.saturating_sub(place.start) {
            return Err(short(size.saturating_sub(place.start)));
        }
        bytes.reserve_exact(place.length as usize);
        file.take(place.length).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 != place.length {
        return Err(short(bytes.len() as u64));
    }
    if place.crc != 0 {
        let mut crc = Crc::new();
        crc.update(&bytes);
        if crc.sum() != place.crc {
            return Err(Fault::damaged(format!(
                "the {} bytes at byte {} have the checksum {:08x}, and the archive says {:08x}",
                place.length,
                place.start,
                crc.sum(),
                place.crc
            )));
        }
    }
    Ok(bytes)
}
