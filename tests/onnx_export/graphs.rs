//! A graph of tensors' operations, and the constants in it.

use tilewright::{
    Context, DType, Tensor,
    graph::{Graph, capture},
    tensor::Error,
};

use crate::common::random_tensor;

pub type Named = Vec<(String, Tensor)>;

pub fn constant(context: &Context, seed: u64, shape: &[usize]) -> Tensor {
    random_tensor(context, 100 + seed, shape).0
}

pub fn graph_of(
    context: &Context,
    inputs: &[(&str, &[usize], DType)],
    build: impl FnOnce(&[Tensor]) -> Result<Named, Error>,
) -> Graph {
    capture(context, inputs, build).unwrap()
}
