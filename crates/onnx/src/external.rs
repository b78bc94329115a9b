//! Tensor data in files beside the model (ONNX specification, "External tensor data").

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::proto::StringStringEntryProto;

/// The folder in which external data may lie.
pub(crate) struct External {
    folder: Option<PathBuf>,
}

impl External {
    /// Beside a model's file.
    pub(crate) fn beside(model: &Path) -> Self {
        Self { folder: Some(model.parent().map_or_else(PathBuf::new, Path::to_path_buf)) }
    }

    /// A model that came as bytes has no folder.
    pub(crate) const fn nowhere() -> Self {
        Self { folder: None }
    }

    /// The `expected` bytes of a tensor. They are read from inside the model's folder and from nowhere else, and no more
    /// memory is taken than the file has bytes for.
    pub(crate) fn read(
        &self,
        tensor: &str,
        entries: &[StringStringEntryProto],
        expected: u128,
    ) -> Result<Vec<u8>> {
        let value =
            |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let location = value("location").unwrap_or("");
        let fail = |reason: String| Error::ExternalData {
            tensor: tensor.to_owned(),
            location: location.to_owned(),
            reason,
        };
        let number = |key: &str| match value(key) {
            None => Ok(None),
            Some(text) => {
                text.parse::<u64>().map(Some).map_err(|_| fail(format!("its {key} `{text}` is no number")))
            }
        };
        let Some(folder) = &self.folder else {
            return Err(fail(
                "the model was given as bytes, so that it has no folder; load it by its path".into(),
            ));
        };
        let inside = Path::new(location).components().all(|part| matches!(part, Component::Normal(_)));
        if location.is_empty() || !inside {
            return Err(fail("it must be a path inside the model's folder".into()));
        }
        let path = folder.join(location);
        let io = |error: std::io::Error| fail(error.to_string());
        // A link could lead out of the folder too.
        let home = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !path.canonicalize().map_err(io)?.starts_with(home.canonicalize().map_err(io)?) {
            return Err(fail("it leads out of the model's folder".into()));
        }
        let offset = number("offset")?.unwrap_or(0);
        let mut file = File::open(&path).map_err(io)?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(fail("it is no plain file".into()));
        }
        let size = file.metadata().map_err(io)?.len();
        let length = number("length")?.unwrap_or_else(|| size.saturating_sub(offset));
        if u128::from(length) != expected {
            return Err(fail(format!("it holds {length} bytes there, and the tensor needs {expected}")));
        }
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(fail(format!("bytes {offset} to {offset}+{length} are beyond its end at {size}")));
        }
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(length).read_to_end(&mut bytes).map_err(io)?;
        Ok(bytes)
    }
}
