//! What flows between nodes.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use super::max_indices::MaxIndices;
use super::ports::Stored;
use crate::element::ElementType;
use crate::error::Result;
use crate::tensor::{Data, HostTensor};

/// A value of the model.
#[derive(Clone)]
pub(super) enum Value {
    /// It is known now.
    Host(Rc<Constant>),
    /// It is computed on the device, as f32 or i32, or as bytes where it is int8 or uint8; `dtype` is what the model takes it
    /// for.
    Device {
        /// The symbolic tensor.
        tensor: Tensor,
        /// Its type in the model.
        dtype: ElementType,
    },
    /// The indices of a pooling's maxima, int64 in the model.
    MaxIndices(Rc<MaxIndices>),
}

impl Value {
    /// The logical shape.
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Host(constant) => constant.host.shape(),
            Self::Device { tensor, .. } => tensor.shape(),
            Self::MaxIndices(indices) => indices.within().shape(),
        }
    }

    /// The type in the model.
    pub(super) fn dtype(&self) -> ElementType {
        match self {
            Self::Host(constant) => constant.host.dtype(),
            Self::Device { dtype, .. } => *dtype,
            Self::MaxIndices(_) => ElementType::I64,
        }
    }
}

/// Weights on a device, kept from one import of a model to the next: the plans for several shapes share them.
#[derive(Debug, Default)]
pub struct Weights(Mutex<HashMap<String, Tensor>>);

impl Weights {
    /// How many are there.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is there yet.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Tensor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A constant, on the device too once a node there has read it.
pub(super) struct Constant {
    host: Arc<HostTensor>,
    device: OnceCell<Tensor>,
    /// As bytes, and as bytes with rows and columns swapped.
    bytes: [OnceCell<Tensor>; 2],
    /// Where it is kept under its name, if it is an initializer.
    kept: Option<(Arc<Weights>, String)>,
}

impl Constant {
    pub(super) fn new(host: HostTensor) -> Self {
        Self { host: Arc::new(host), device: OnceCell::new(), bytes: Default::default(), kept: None }
    }

    /// An initializer.
    pub(super) fn weight(name: &str, host: &Arc<HostTensor>, weights: &Arc<Weights>) -> Self {
        let kept = Some((weights.clone(), name.to_owned()));
        Self { host: host.clone(), device: OnceCell::new(), bytes: Default::default(), kept }
    }

    /// Whether it is the same in every import of its model.
    pub(super) const fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// What follows from initializers alone, by a name that nothing else has.
    pub(super) fn derived(self, name: &str, weights: &Arc<Weights>) -> Self {
        Self { kept: Some((weights.clone(), name.to_owned())), ..self }
    }

    pub(super) fn host(&self) -> &HostTensor {
        &self.host
    }

    /// On the device: one copy, however many read it.
    pub(super) fn device(&self, place: &str, context: &Context) -> Result<Tensor> {
        self.once(&self.device, "", context, || {
            Stored::of(place, &self.host)?.upload(context, self.host.shape())
        })
    }

    /// On the device as the bytes that they are, of int8 or uint8: as they lie, or a matrix with rows and columns swapped.
    /// `None` for another type.
    pub(super) fn bytes(&self, context: &Context, turned: bool) -> Result<Option<Tensor>> {
        let host = &self.host;
        let (rows, columns) = match (turned, host.shape()) {
            (true, &[rows, columns]) => (rows, columns),
            (true, _) => return Ok(None),
            (false, _) => (host.count(), 1),
        };
        let shape = if turned { vec![columns, rows] } else { host.shape().to_vec() };
        let (cell, form) = (&self.bytes[usize::from(turned)], if turned { "\0turned" } else { "\0bytes" });
        match host.data() {
            Data::I8(values) => self.once(cell, form, context, || {
                Ok(Tensor::from_slice(context, &swapped(values, rows, columns), &shape)?)
            }),
            Data::U8(values) => self.once(cell, form, context, || {
                Ok(Tensor::from_slice(context, &swapped(values, rows, columns), &shape)?)
            }),
            _ => return Ok(None),
        }
        .map(Some)
    }

    /// What `make` gives, made once, and kept under its name and `form` if the constant is.
    fn once(
        &self,
        cell: &OnceCell<Tensor>,
        form: &str,
        context: &Context,
        make: impl FnOnce() -> Result<Tensor>,
    ) -> Result<Tensor> {
        if let Some(tensor) = cell.get() {
            return Ok(tensor.clone());
        }
        let kept = self.kept.as_ref().map(|(weights, name)| (weights, format!("{name}{form}")));
        let known = kept.as_ref().and_then(|(weights, name)| weights.lock().get(name).cloned());
        let tensor = match known.filter(|tensor| tensor.context().same(context)) {
            Some(tensor) => tensor,
            None => make()?,
        };
        if let Some((weights, name)) = kept {
            weights.lock().insert(name, tensor.clone());
        }
        Ok(cell.get_or_init(|| tensor).clone())
    }
}

/// Rows as columns.
fn swapped<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}
