//! What flows between nodes.

use std::cell::OnceCell;
use std::rc::Rc;

use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use super::ports::Stored;
use crate::{ElementType, HostTensor, Result};

/// A value of the model.
#[derive(Clone)]
pub(super) enum Value {
    /// It is known now.
    Host(Rc<Constant>),
    /// It is computed on the device, as f32 or i32; `dtype` is what the model takes it for.
    Device {
        /// The symbolic tensor.
        tensor: Tensor,
        /// Its type in the model.
        dtype: ElementType,
    },
}

impl Value {
    /// The logical shape.
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Host(constant) => constant.host.shape(),
            Self::Device { tensor, .. } => tensor.shape(),
        }
    }

    /// The type in the model.
    pub(super) fn dtype(&self) -> ElementType {
        match self {
            Self::Host(constant) => constant.host.dtype(),
            Self::Device { dtype, .. } => *dtype,
        }
    }
}

/// A constant, on the device too once a node there has read it.
pub(super) struct Constant {
    host: HostTensor,
    device: OnceCell<Tensor>,
}

impl Constant {
    pub(super) fn new(host: HostTensor) -> Self {
        Self { host, device: OnceCell::new() }
    }

    pub(super) fn host(&self) -> &HostTensor {
        &self.host
    }

    /// On the device: one copy, however many read it.
    pub(super) fn device(&self, place: &str, context: &Context) -> Result<Tensor> {
        if let Some(tensor) = self.device.get() {
            return Ok(tensor.clone());
        }
        let tensor = Stored::of(place, &self.host)?.upload(context, self.host.shape())?;
        Ok(self.device.get_or_init(|| tensor).clone())
    }
}
