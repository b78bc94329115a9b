//! What kind of file it is, by its first bytes and not by its name.

use std::{fs::File, io::Read};

use crate::{
    archive::{Place, members},
    error::Fault,
    torch::{MAGIC, prefix},
};

/// A kind of file that holds weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Safetensors, which Tilewright reads as it is.
    Safetensors,
    /// PyTorch since 1.6: a zip archive.
    TorchZip,
    /// PyTorch before 1.6: pickles and bytes.
    TorchLegacy,
    /// Any other pickle.
    Pickle,
    /// NumPy's arrays by name, a zip archive.
    Npz,
    /// One array of NumPy.
    Npy,
    /// HDF5, as Keras 2 writes it.
    Hdf5,
    /// Keras 3: a zip archive with an HDF5 file.
    Keras,
}

impl Kind {
    /// Its name, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip => "PyTorch (zip)",
            Self::TorchLegacy => "PyTorch (before 1.6)",
            Self::Pickle => "pickle",
            Self::Npz => "npz",
            Self::Npy => "npy",
            Self::Hdf5 => "HDF5",
            Self::Keras => "Keras (zip)",
        }
    }
}

/// The members of an archive of Keras 3 that hold its weights and its layers.
pub(crate) const KERAS_WEIGHTS: &str = "model.weights.h5";

/// The kind of a file, and an archive's members.
pub(crate) fn kind(file: &mut File) -> Result<(Kind, Vec<(String, Place)>), Fault> {
    let mut head = Vec::new();
    (&mut *file).take(512).read_to_end(&mut head)?;
    let begins = |with: &[u8]| head.starts_with(with);
    if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") {
        let members = members(file)?;
        let kind = if prefix(&members).is_some() {
            Kind::TorchZip
        } else if members.iter().any(|(name, _)| name == KERAS_WEIGHTS) {
            Kind::Keras
        } else if members.iter().any(|(name, _)| name.ends_with(".npy")) {
            Kind::Npz
        } else {
            let names: Vec<&str> = members.iter().take(4).map(|(name, _)| name.as_str()).collect();
            return Err(Fault::Unsupported(format!(
                "it is a zip archive with neither `data.pkl`, `{KERAS_WEIGHTS}` nor arrays of NumPy; it has: {}",
                names.join(", ")
            )));
        };
        return Ok((kind, members));
    }
    let kind = match &head[..] {
        head if head.starts_with(&MAGIC) => Kind::TorchLegacy,
        head if head.starts_with(b"\x93NUMPY") => Kind::Npy,
        head if head.starts_with(b"\x89HDF\r\n\x1a\n") => Kind::Hdf5,
        [0x80, 2..=5, ..] => Kind::Pickle,
        // Behind the header's length, which its own reader holds against the file.
        [_, _, _, _, _, _, _, _, b'{', ..] => Kind::Safetensors,
        head => return Err(Fault::Unsupported(stranger(head))),
    };
    Ok((kind, Vec::new()))
}

/// What else it is, and what to do.
fn stranger(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head).trim_start().to_lowercase();
    let said = match head {
        [] => "it is empty; fetch it again",
        _ if text.starts_with("version https://git-lfs") => {
            "it is a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"
        }
        _ if text.starts_with("<!doctype") || text.starts_with("<html") => {
            "it is a web page, not a file of weights; look at it in a browser, and fetch the file that it leads to"
        }
        [0x1f, 0x8b, ..] => "it is packed by gzip; unpack it with gunzip",
        [b'B', b'Z', b'h', ..] => "it is packed by bzip2; unpack it with bunzip2",
        _ if head.get(257..262) == Some(b"ustar") => {
            "it is a tar archive; unpack it (PyTorch's own of before 0.1.10 is not read: load and save it with PyTorch)"
        }
        [0x80, 0 | 1, ..] | [b'(' | b'c' | b'}' | b']', ..] => {
            "it may be a pickle of protocol 0 or 1; 2 to 5 are read: write it again with torch.save"
        }
        _ => {
            "it is neither safetensors, PyTorch's (zip or pickle), NumPy's (.npz, .npy), HDF5 nor Keras'; is it the file that \
             is meant?"
        }
    };
    said.to_owned()
}
