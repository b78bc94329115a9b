//! A safetensors file whose tensors are read when they are asked for.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use safetensors::tensor::{Metadata, TensorInfo};

use super::{host_tensor::HostTensor, source::StateSource};
use crate::{error::Error, error::Result};

/// The only key of a file's metadata: the format keeps them in no order, and one key has none to lose.
pub(super) const METADATA_KEY: &str = "tilewright";

/// A safetensors file, open: its header has been read and held against its size, its tensors are read by slices, each into
/// the memory that it will have. A file may be larger than the memory that is left.
pub struct StateFile {
    path: PathBuf,
    file: Shared,
    /// Where the tensors begin.
    start: u64,
    tensors: BTreeMap<String, TensorInfo>,
    metadata: Option<String>,
}

impl StateFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Format`] if it is damaged, cut off or of another kind.
    pub fn open(path: &Path) -> Result<Self> {
        let fault = |error| Error::file(path, error);
        let format = |reason: String| Error::Format { path: path.display().to_string(), reason };
        let mut file = File::open(path).map_err(fault)?;
        let size = file.metadata().map_err(fault)?.len();
        let mut length = [0; 8];
        if size < 8 {
            return Err(format(format!("its {size} bytes are too few for a header")));
        }
        file.read_exact(&mut length).map_err(fault)?;
        let (length, most) = (u64::from_le_bytes(length), size - 8);
        // The length is held against the file before memory is taken by its word.
        if length > most {
            return Err(format(format!("its header has {length} bytes, and {most} follow")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(fault)?;
        let header: Metadata = serde_json::from_slice(&header).map_err(|error| format(error.to_string()))?;
        let (start, data) = (8 + length, header.data_len() as u64);
        if start.checked_add(data) != Some(size) {
            let held = size - start;
            return Err(format(format!("its header promises {data} bytes of tensors, and it holds {held}")));
        }
        let metadata = header.metadata().as_ref().and_then(|map| map.get(METADATA_KEY)).cloned();
        let tensors = header.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        Ok(Self { path: path.to_owned(), file: Shared::from(file), start, tensors, metadata })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text that Tilewright keeps beside the tensors.
    pub fn metadata(&self) -> Option<&str> {
        self.metadata.as_deref()
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of the tensor `name`, if there is one.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|info| &info.shape[..])
    }

    /// Reads the tensor `name`, if there is one; f64, f16 and bf16 become f32, i32 becomes i64.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read; [`Error::StateDictType`].
    pub fn tensor(&self, name: &str) -> Result<Option<HostTensor>> {
        let Some(info) = self.tensors.get(name) else { return Ok(None) };
        let (begin, end) = info.data_offsets;
        let read = |bytes: &mut [u8]| {
            read_at(&self.file, self.start + begin as u64, bytes)
                .map_err(|error| Error::file(&self.path, error))
        };
        HostTensor::read(name, info.dtype, &info.shape, end - begin, read).map(Some)
    }
}

impl StateSource for StateFile {
    fn label(&self) -> String {
        self.path().display().to_string()
    }

    fn names(&self) -> Vec<&str> {
        self.names().collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.shape(name)
    }

    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>> {
        Ok(self.tensor(name)?.map(Cow::Owned))
    }
}

/// A file that several threads read at once.
#[cfg(unix)]
type Shared = File;

#[cfg(unix)]
fn read_at(file: &Shared, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

/// A file that one thread at a time reads.
#[cfg(not(unix))]
type Shared = std::sync::Mutex<File>;

#[cfg(not(unix))]
fn read_at(file: &Shared, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(bytes)
}

impl std::fmt::Debug for StateFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StateFile({}, {} tensors)", self.path.display(), self.tensors.len())
    }
}
