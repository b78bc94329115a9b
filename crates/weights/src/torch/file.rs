//! A file of PyTorch, open.

use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    contents::{Contents, size},
    gather, legacy, state, zipped,
};
use crate::{
    archive::{Place, Shared},
    array::Array,
    element::Element,
    error::Fault,
    pickle::{Data, Heap, Node, Scales, StorageElement, Tensor, Value},
};

/// A file of PyTorch whose tensors are read when they are asked for.
pub(crate) struct TorchFile {
    file: Shared,
    heap: Heap,
    storages: BTreeMap<String, Place>,
    tensors: BTreeMap<String, Tensor>,
    /// The storage that was read last: tensors that share one are neighbours.
    last: Mutex<Option<(String, Arc<Vec<u8>>)>>,
}

impl TorchFile {
    /// Reads the pickle of an archive, whose members are known.
    pub fn zipped(
        file: File,
        members: Vec<(String, Place)>,
        key: Option<&str>,
        notes: &mut Vec<String>,
    ) -> Result<Self, Fault> {
        let file = Shared::new(file);
        let contents = zipped::read(&file, members)?;
        Self::new(file, contents, key, notes)
    }

    /// Reads the pickles of a file of PyTorch before 1.6, or of any other pickle.
    pub fn pickled(path: &Path, key: Option<&str>, notes: &mut Vec<String>) -> Result<Self, Fault> {
        let contents = legacy::read(path)?;
        Self::new(Shared::new(File::open(path)?), contents, key, notes)
    }

    fn new(
        file: Shared,
        contents: Contents,
        key: Option<&str>,
        notes: &mut Vec<String>,
    ) -> Result<Self, Fault> {
        let Contents { heap, root, storages, big_endian, notes: own } = contents;
        notes.extend(own);
        let mut tensors = BTreeMap::new();
        for (name, mut tensor) in state::find(&heap, root, key, notes)? {
            if let Data::Storage(storage) = &tensor.data {
                let place = storages.get(&storage.key).ok_or_else(|| {
                    Fault::damaged(format!(
                        "tensor `{name}` is in the storage {}, which is not there",
                        storage.key
                    ))
                })?;
                // A storage that says less than it holds: its tensors still have to lie within what it says.
                let element = storage.element.map_or(1, size);
                let said = storage
                    .count
                    .checked_mul(element)
                    .and_then(|said| said.checked_add(storage.begin * element));
                if said.is_none_or(|said| said > place.length) {
                    return Err(Fault::damaged(format!(
                        "storage {} is to have {} elements of {element} bytes, and has {} bytes",
                        storage.key, storage.count, place.length
                    )));
                }
                tensor.offset = usize::try_from(storage.begin)
                    .ok()
                    .and_then(|begin| begin.checked_add(tensor.offset))
                    .ok_or_else(|| Fault::damaged(format!("tensor `{name}` begins nowhere")))?;
                tensor.big_endian = big_endian;
                gather::check(&name, &tensor, place.length as usize)?;
            }
            if let Data::Inline(node) = &tensor.data {
                let held = match heap.get(Value::Node(*node)) {
                    Some(Node::Bytes(bytes)) => bytes.len(),
                    _ => 0,
                };
                gather::check(&name, &tensor, held)?;
            }
            tensors.insert(name, tensor);
        }
        Ok(Self { file, heap, storages, tensors, last: Mutex::default() })
    }

    /// Names, types as they are read, and shapes.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Element, &[usize])> {
        self.tensors.iter().map(|(name, tensor)| {
            let element = match tensor.element {
                StorageElement::Plain(element) => element,
                // Read as the numbers that they stand for; of the others none gets here.
                StorageElement::Quantized(_) | StorageElement::Other(_) => Element::F32,
            };
            (name.as_str(), element, &tensor.shape[..])
        })
    }

    /// Reads a tensor, if there is one.
    pub fn tensor(&self, name: &str) -> Result<Option<Array>, Fault> {
        let Some(tensor) = self.tensors.get(name) else { return Ok(None) };
        let array = self.gathered(name, tensor)?;
        let array = match (tensor.element, &tensor.scales) {
            (StorageElement::Quantized(_), Some(Scales::Tensor { scale, zero })) => {
                gather::dequantize(name, &array, &[*scale as f32], &[*zero], 0)?
            }
            (StorageElement::Quantized(_), Some(Scales::Axis { scales, zeros, axis })) => {
                let scales = self.channels(name, *scales)?.to_host(name)?;
                let zeros = self.channels(name, *zeros)?.to_host(name)?;
                let (tilewright_nn::HostTensor::F32(scales, _), tilewright_nn::HostTensor::I64(zeros, _)) =
                    (scales, zeros)
                else {
                    let reason = "its scales are no floats, or its zero points no whole numbers".to_owned();
                    return Err(Fault::Tensor { name: name.to_owned(), reason });
                };
                gather::dequantize(name, &array, &scales, &zeros, *axis)?
            }
            (StorageElement::Quantized(_), None) => {
                let reason = "it is quantised, and has no scale".to_owned();
                return Err(Fault::Tensor { name: name.to_owned(), reason });
            }
            _ => array,
        };
        Ok(Some(array))
    }

    /// The scales or zero points of a quantised tensor.
    fn channels(&self, name: &str, node: u32) -> Result<Array, Fault> {
        match self.heap.get(Value::Node(node)) {
            Some(Node::Tensor(tensor)) => self.gathered(name, tensor),
            _ => Err(Fault::Tensor { name: name.to_owned(), reason: "it has no scales".to_owned() }),
        }
    }

    fn gathered(&self, name: &str, tensor: &Tensor) -> Result<Array, Fault> {
        match &tensor.data {
            Data::Storage(storage) => gather::gather(name, tensor, &self.storage(&storage.key)?),
            Data::Inline(node) => match self.heap.get(Value::Node(*node)) {
                Some(Node::Bytes(bytes)) => gather::gather(name, tensor, bytes),
                _ => Err(Fault::Tensor { name: name.to_owned(), reason: "it has no bytes".to_owned() }),
            },
            Data::Given => Err(Fault::Tensor { name: name.to_owned(), reason: "it has no bytes".to_owned() }),
        }
    }

    fn storage(&self, key: &str) -> Result<Arc<Vec<u8>>, Fault> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = last.as_ref().filter(|(held, _)| held == key) {
            return Ok(bytes.clone());
        }
        *last = None;
        let place =
            self.storages.get(key).ok_or_else(|| Fault::damaged(format!("storage {key} is not there")))?;
        let bytes = Arc::new(self.file.read(place)?);
        *last = Some((key.to_owned(), bytes.clone()));
        Ok(bytes)
    }
}
