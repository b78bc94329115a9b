//! Tilewright: a GPU compute engine for convolutional networks.
//!
//! Every kernel is hand-written WGSL that runs through wgpu on Vulkan, Metal and DX12, and on a machine without a GPU
//! through software Vulkan. This crate gathers the others under one name.
//!
//! ```no_run
//! use tilewright::{Context, Tensor};
//!
//! let context = Context::new()?;
//! let x = Tensor::from_slice(&context, &[-1.0f32, 2.0], &[2])?;
//! assert_eq!(x.relu()?.to_vec::<f32>()?, [0.0, 2.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use tilewright_autograd as autograd;
pub use tilewright_data as data;
pub use tilewright_kernels as kernels;
pub use tilewright_nn as nn;
pub use tilewright_ops as ops;
pub use tilewright_runtime as runtime;
pub use tilewright_shaders as shaders;
pub use tilewright_tensor as tensor;
pub use tilewright_zoo as zoo;

pub use tilewright_autograd::{Gradients, Var};
pub use tilewright_nn::{Module, ParameterStore, Pass};
pub use tilewright_runtime::{Context, ContextOptions, Mode};
pub use tilewright_tensor::{Conv2dAlgorithm, DType, Element, Layout, MatmulAlgorithm, Tensor};
