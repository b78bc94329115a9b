//! State dicts in safetensors files: reading, checking against a network, loading all or nothing, writing whole.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    path::Path,
    sync::atomic::Ordering,
};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tilewright_runtime::write_whole;
use tilewright_tensor::Tensor;

use crate::{Entry, Error, ParameterStore, Result};

/// The only key of a file's metadata: the format keeps them in no order, and one key has none to lose.
const METADATA_KEY: &str = "tilewright";

/// A tensor in the host's memory.
#[derive(Clone, Debug, PartialEq)]
pub enum HostTensor {
    /// Numbers with their shape, row-major.
    F32(Vec<f32>, Vec<usize>),
    /// Whole numbers with their shape, row-major.
    I64(Vec<i64>, Vec<usize>),
}

impl HostTensor {
    /// The shape.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::F32(_, shape) | Self::I64(_, shape) => shape,
        }
    }

    fn bytes(&self) -> (Dtype, &[u8]) {
        match self {
            Self::F32(values, _) => (Dtype::F32, bytemuck::cast_slice(values)),
            Self::I64(values, _) => (Dtype::I64, bytemuck::cast_slice(values)),
        }
    }
}

/// Tensors by name, with an optional text about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    /// The tensors.
    pub tensors: BTreeMap<String, HostTensor>,
    /// JSON or any other text.
    pub metadata: Option<String>,
}

/// A tensor whose shape is not the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshaped {
    /// Its name.
    pub name: String,
    /// The shape in the file.
    pub found: Vec<usize>,
    /// The shape in the network.
    pub expected: Vec<usize>,
}

/// How a state dict fits a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names that were loaded.
    pub loaded: Vec<String>,
    /// Names that the network has and the file has not.
    pub missing: Vec<String>,
    /// Names that the file has and the network has not.
    pub unexpected: Vec<String>,
    /// Names whose shapes differ.
    pub misshaped: Vec<Misshaped>,
}

impl LoadReport {
    /// Whether every name fits.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshaped.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            let more = names.len().saturating_sub(8);
            let shown = names[..names.len() - more].join(", ");
            if more > 0 { format!("{shown} and {more} more") } else { shown }
        };
        write!(f, "{} tensors fit", self.loaded.len())?;
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", list(&self.missing))?;
        }
        if !self.unexpected.is_empty() {
            write!(f, "; unexpected: {}", list(&self.unexpected))?;
        }
        for Misshaped { name, found, expected } in &self.misshaped {
            write!(f, "; `{name}` has shape {found:?} where the network has {expected:?}")?;
        }
        Ok(())
    }
}

impl StateDict {
    /// Reads a safetensors file; f16 and bf16 become f32, i32 becomes i64.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| Error::file(path, error))?;
        let format = |error: &dyn fmt::Display| Error::Format {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| format(&error))?;
        let metadata = header.metadata().as_ref().and_then(|map| map.get(METADATA_KEY)).cloned();
        let file = SafeTensors::deserialize(&bytes).map_err(|error| format(&error))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            tensors.insert(name.to_owned(), convert(name, &view)?);
        }
        Ok(Self { tensors, metadata })
    }

    /// Writes a safetensors file, whole or not at all. The same contents give the same bytes.
    pub fn write(&self, path: &Path) -> Result<()> {
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
        let metadata = self.metadata.clone().map(|text| HashMap::from([(METADATA_KEY.to_owned(), text)]));
        let bytes = safetensors::serialize(views, metadata).map_err(|error| format(&error))?;
        write_whole(path, &bytes).map_err(|error| Error::file(path, error))
    }

    /// A network's entries, read back from the device.
    pub fn of(store: &ParameterStore) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for entry in store.entries() {
            let value = match &entry {
                Entry::Parameter(parameter) | Entry::Buffer(parameter) => {
                    let tensor = parameter.tensor();
                    HostTensor::F32(tensor.to_vec()?, tensor.shape().to_vec())
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
        let mut report = LoadReport::default();
        let entries = store.entries();
        for entry in &entries {
            let expected = match entry {
                Entry::Parameter(parameter) | Entry::Buffer(parameter) => parameter.tensor().shape().to_vec(),
                Entry::Counter(..) => Vec::new(),
            };
            let name = entry.path().to_owned();
            match self.tensors.get(&name) {
                None if matches!(entry, Entry::Counter(..)) => {}
                None => report.missing.push(name),
                Some(tensor) if tensor.shape() == expected => report.loaded.push(name),
                Some(tensor) => {
                    report.misshaped.push(Misshaped { name, found: tensor.shape().to_vec(), expected });
                }
            }
        }
        let known: std::collections::HashSet<_> = entries.iter().map(Entry::path).collect();
        report.unexpected =
            self.tensors.keys().filter(|name| !known.contains(name.as_str())).cloned().collect();
        report
    }

    /// Loads every name into the network, or, if one does not fit, nothing.
    ///
    /// # Errors
    /// [`Error::StateDict`] with the report; `file` names the source.
    pub fn load_into(&self, store: &ParameterStore, file: &str) -> Result<LoadReport> {
        let report = self.report(store);
        if !report.is_clean() {
            return Err(Error::StateDict { file: file.to_owned(), report: Box::new(report) });
        }
        self.load_matching(store)
    }

    /// Loads the names that fit, and reports the others: for transfer learning.
    pub fn load_matching(&self, store: &ParameterStore) -> Result<LoadReport> {
        let report = self.report(store);
        let fitting: std::collections::HashSet<_> = report.loaded.iter().map(String::as_str).collect();
        for entry in store.entries() {
            let Some(found) = self.tensors.get(entry.path()).filter(|_| fitting.contains(entry.path()))
            else {
                continue;
            };
            match (&entry, found) {
                (Entry::Parameter(parameter) | Entry::Buffer(parameter), HostTensor::F32(values, shape)) => {
                    parameter.set(Tensor::from_slice(store.context(), values, shape)?)?;
                }
                (Entry::Parameter(parameter) | Entry::Buffer(parameter), HostTensor::I64(values, shape)) => {
                    let values: Vec<_> = values.iter().map(|&value| value as f32).collect();
                    parameter.set(Tensor::from_slice(store.context(), &values, shape)?)?;
                }
                (Entry::Counter(_, counter), HostTensor::I64(values, _)) => {
                    counter.store(values.first().copied().unwrap_or(0), Ordering::Relaxed);
                }
                (Entry::Counter(_, counter), HostTensor::F32(values, _)) => {
                    counter.store(values.first().copied().unwrap_or(0.0) as i64, Ordering::Relaxed);
                }
            }
        }
        Ok(report)
    }
}

fn convert(name: &str, view: &TensorView<'_>) -> Result<HostTensor> {
    let shape = view.shape().to_vec();
    let data = view.data();
    let words = |width: usize| data.chunks_exact(width);
    let half = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    Ok(match view.dtype() {
        Dtype::F32 => HostTensor::F32(bytemuck::pod_collect_to_vec(data), shape),
        Dtype::F16 => HostTensor::F32(words(2).map(|b| f16::from_bits(half(b)).to_f32()).collect(), shape),
        Dtype::BF16 => HostTensor::F32(words(2).map(|b| bf16::from_bits(half(b)).to_f32()).collect(), shape),
        Dtype::I64 => HostTensor::I64(bytemuck::pod_collect_to_vec(data), shape),
        Dtype::I32 => {
            let values: Vec<i32> = bytemuck::pod_collect_to_vec(data);
            HostTensor::I64(values.into_iter().map(i64::from).collect(), shape)
        }
        other => return Err(Error::StateDictType { name: name.to_owned(), dtype: format!("{other:?}") }),
    })
}
