//! A file's bytes, read at places that the file itself says.

use crate::error::Fault;

/// Bytes with a cursor. Every read is held against the end.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

/// What stands for "nowhere".
pub(super) const UNDEFINED: u64 = u64::MAX;

impl<'a> Bytes<'a> {
    pub fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// The same bytes from `place` on.
    pub fn from(self, place: u64) -> Result<Self, Fault> {
        match usize::try_from(place).ok().filter(|&at| at <= self.all.len()) {
            Some(at) => Ok(Self { all: self.all, at }),
            None => {
                let (what, left) = ("an HDF5 address", self.all.len() as u64);
                Err(Fault::Truncated { what, at: place, wanted: 1, left })
            }
        }
    }

    /// The next `count` bytes alone.
    pub fn part(&mut self, count: usize) -> Result<Self, Fault> {
        Ok(Self { all: self.take(count)?, at: 0 })
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let left = self.all.len().saturating_sub(self.at);
        if count > left {
            let (at, wanted, left) = (self.at as u64, count as u64, left as u64);
            return Err(Fault::Truncated { what: "a part of its HDF5 structure", at, wanted, left });
        }
        let taken = &self.all[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    pub fn left(&self) -> usize {
        self.all.len().saturating_sub(self.at)
    }

    /// Passes over `count` bytes, or to the end.
    pub fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.take(count).map(drop)
    }

    /// A whole number of `width` bytes, 8 at most, little-endian.
    pub fn number(&mut self, width: usize) -> Result<u64, Fault> {
        let mut number = [0; 8];
        let width = width.min(8);
        number[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(number))
    }

    pub fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.number(1)? as u8)
    }

    pub fn u16(&mut self) -> Result<usize, Fault> {
        Ok(self.number(2)? as usize)
    }

    pub fn u32(&mut self) -> Result<usize, Fault> {
        Ok(self.number(4)? as usize)
    }

    pub fn u64(&mut self) -> Result<u64, Fault> {
        self.number(8)
    }

    /// Four letters that begin a structure.
    pub fn signature(&mut self, wanted: &[u8; 4]) -> Result<(), Fault> {
        let at = self.at;
        let found = self.take(4)?;
        if found != wanted {
            let (wanted, found) = (String::from_utf8_lossy(wanted), String::from_utf8_lossy(found));
            return Err(Fault::damaged(format!(
                "at byte {at} there is `{found}`, and `{wanted}` was expected"
            )));
        }
        Ok(())
    }

    /// Text up to a zero byte.
    pub fn text(&mut self) -> Result<String, Fault> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|&byte| byte == 0) else {
            return Err(Fault::damaged("a name in its HDF5 structure has no end"));
        };
        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        self.at += end + 1;
        Ok(text)
    }
}
