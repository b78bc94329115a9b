//! What the device binds at once, and what is beyond it.

use tilewright_ops::Op;

use crate::tensor::Tensor;

/// Bytes that a device may bind at once.
pub(crate) fn limit(tensor: &Tensor) -> u64 {
    tensor.context().limits().max_storage_buffer_binding_size
}

/// Bytes of so many elements in a kernel: types below four bytes are widened on some of the ways.
pub(super) fn bytes(shape: &[usize]) -> u64 {
    shape.iter().fold(4, |bytes: u64, &extent| bytes.saturating_mul(extent as u64))
}

/// Whether a tensor of this shape is larger than what is bound at once.
pub(crate) fn exceeds(shape: &[usize], limit: u64) -> bool {
    bytes(shape) > limit
}

/// Whether `op` has to run in slices.
pub(crate) fn is_needed(op: &Op, inputs: &[&Tensor], shapes: &[Vec<usize>]) -> bool {
    let limit = limit(inputs[0]);
    let mut all = inputs.iter().map(|input| input.shape()).chain(shapes.iter().map(Vec::as_slice));
    // A reshape binds nothing.
    all.any(|shape| exceeds(shape, limit)) && !matches!(op, Op::Reshape(_))
}
