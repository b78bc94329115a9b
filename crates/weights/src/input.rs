//! Bytes that come in order, and whose end is known before memory is taken by anybody's word.

use std::io::{self, Read};

use crate::error::Fault;

/// A reader of `left` more bytes.
pub(crate) struct Input<R> {
    reader: R,
    at: u64,
    left: u64,
}

impl<R: Read> Input<R> {
    /// What `reader` has from here on: `bytes` bytes.
    pub fn new(reader: R, bytes: u64) -> Self {
        Self { reader, at: 0, left: bytes }
    }

    /// Bytes that were read.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Fills `bytes`; `what` is for messages.
    pub fn fill(&mut self, what: &'static str, bytes: &mut [u8]) -> Result<(), Fault> {
        let wanted = bytes.len() as u64;
        let truncated = Fault::Truncated { what, at: self.at, wanted, left: self.left };
        if wanted > self.left {
            return Err(truncated);
        }
        self.reader.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => truncated,
            _ => Fault::Io(error),
        })?;
        self.at += wanted;
        self.left -= wanted;
        Ok(())
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.fill(what, &mut bytes)?;
        Ok(bytes)
    }

    /// `count` bytes.
    pub fn bytes(&mut self, what: &'static str, count: u64) -> Result<Vec<u8>, Fault> {
        if count > self.left {
            return Err(Fault::Truncated { what, at: self.at, wanted: count, left: self.left });
        }
        let mut bytes = vec![0; count as usize];
        self.fill(what, &mut bytes)?;
        Ok(bytes)
    }

    /// Counts `count` bytes as read, and hands out the reader, which is to pass over them.
    pub fn pass(&mut self, what: &'static str, count: u64) -> Result<&mut R, Fault> {
        if count > self.left {
            return Err(Fault::Truncated { what, at: self.at, wanted: count, left: self.left });
        }
        self.at += count;
        self.left -= count;
        Ok(&mut self.reader)
    }

    /// A line, without its end.
    pub fn line(&mut self, what: &'static str) -> Result<String, Fault> {
        const LONGEST: usize = 4096;
        let mut line = Vec::new();
        loop {
            match self.array::<1>(what)? {
                [b'\n'] => break,
                [byte] => line.push(byte),
            }
            if line.len() > LONGEST {
                return Err(Fault::damaged(format!("{what} has more than {LONGEST} bytes")));
            }
        }
        String::from_utf8(line).map_err(|_| Fault::damaged(format!("{what} is no UTF-8")))
    }
}
