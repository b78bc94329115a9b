//! State dicts: tensors by name in the host's memory; reading and writing them whole.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    sync::atomic::Ordering,
};

use safetensors::tensor::TensorView;
use tilewright_runtime::write_whole;

use super::{
    host_tensor::HostTensor, load, report::LoadReport, source::StateSource, state_file::METADATA_KEY,
    state_file::StateFile,
};
use crate::{error::Error, error::Result, parameter::Entry, store::ParameterStore};

/// Tensors by name, with an optional text about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    /// The tensors.
    pub tensors: BTreeMap<String, HostTensor>,
    /// JSON or any other text.
    pub metadata: Option<String>,
}

impl StateDict {
    /// Reads a safetensors file; f64, f16 and bf16 become f32, i32 becomes i64. [`StateFile`] reads tensors one by one.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Format`] if it is damaged, cut off or of another kind; [`Error::StateDictType`].
    pub fn read(path: &Path) -> Result<Self> {
        StateFile::open(path)?.read_all()
    }

    /// Writes a safetensors file, whole or not at all. The same contents give the same bytes.
    ///
    /// # Errors
    /// [`Error::File`]; the file that was there stays.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.write_with(path, self.metadata.as_deref())
    }

    /// As [`Self::write`], with another text beside the tensors.
    pub(super) fn write_with(&self, path: &Path, metadata: Option<&str>) -> Result<()> {
        let format = |error: &dyn fmt::Display| Error::Format {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let mut views = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            let (dtype, data) = tensor.bytes();
            let view =
                TensorView::new(dtype, tensor.shape().to_vec(), data).map_err(|error| format(&error))?;
            views.push((name.as_str(), view));
        }
        let metadata = metadata.map(|text| HashMap::from([(METADATA_KEY.to_owned(), text.to_owned())]));
        let bytes = safetensors::serialize(views, metadata).map_err(|error| format(&error))?;
        write_whole(path, &bytes).map_err(|error| Error::file(path, error))
    }

    /// A network's entries, read back from the device.
    ///
    /// # Errors
    /// What the device reports.
    pub fn of(store: &ParameterStore) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for entry in store.entries() {
            let value = match &entry {
                Entry::Parameter(parameter) | Entry::Buffer(parameter) => {
                    HostTensor::F32(parameter.tensor()?.to_vec()?, parameter.shape().to_vec())
                }
                Entry::Counter(_, counter) => {
                    HostTensor::I64(vec![counter.load(Ordering::Relaxed)], Vec::new())
                }
            };
            tensors.insert(entry.path().to_owned(), value);
        }
        Ok(Self { tensors, metadata: None })
    }

    /// How this fits the network. A missing counter is no fault: other writers leave them out.
    pub fn report(&self, store: &ParameterStore) -> LoadReport {
        load::report(self, store)
    }

    /// Loads every name into the network, or, if one does not fit, nothing.
    ///
    /// # Errors
    /// [`Error::StateDict`] with the report; `file` names the source.
    pub fn load_into(&self, store: &ParameterStore, file: &str) -> Result<LoadReport> {
        load::all(self, store, file)
    }

    /// Loads the names that fit, and reports the others: for transfer learning.
    ///
    /// # Errors
    /// What the device reports.
    pub fn load_matching(&self, store: &ParameterStore) -> Result<LoadReport> {
        load::matching(self, store)
    }
}

impl StateFile {
    /// Reads every tensor.
    ///
    /// # Errors
    /// As [`Self::tensor`].
    pub fn read_all(&self) -> Result<StateDict> {
        let mut tensors = BTreeMap::new();
        for name in self.names() {
            tensors.extend(self.tensor(name)?.map(|tensor| (name.to_owned(), tensor)));
        }
        Ok(StateDict { tensors, metadata: self.metadata().map(str::to_owned) })
    }
}

impl StateSource for StateDict {
    fn label(&self) -> String {
        "the state dict".to_owned()
    }

    fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(HostTensor::shape)
    }

    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>> {
        Ok(self.tensors.get(name).map(Cow::Borrowed))
    }
}
