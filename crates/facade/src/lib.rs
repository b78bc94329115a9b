//! Tilewright: a GPU compute engine for convolutional networks.
//!
//! Every kernel is hand-written WGSL that runs through wgpu on Vulkan, Metal and DX12, and on a machine without a GPU
//! through software Vulkan. This crate gathers the others under one name.
//!
//! ```
//! use tilewright::{Context, Tensor, Var, ops::Conv2d};
//!
//! let context = Context::new()?; // or Context::from_device(device, queue, &options): your own device
//! let image = Tensor::from_slice(&context, &[1.0f32; 16], &[1, 1, 4, 4])?;
//! let weight = Var::leaf(Tensor::from_slice(&context, &[0.5f32; 9], &[1, 1, 3, 3])?);
//! let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
//! let y = Var::constant(image).conv2d(&weight, None, &op)?.relu()?;
//! let gradients = y.sum(&[0, 1, 2, 3], false)?.backward()?;
//! assert_eq!(y.tensor().to_vec::<f32>()?[5], 4.5);
//! assert_eq!(gradients.get(&weight).ok_or("no gradient")?.to_vec::<f32>()?[4], 16.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values are computed by [`Tensor`] and differentiated by [`Var`]; [`nn`] has layers, optimizers and checkpoints,
//! [`train`] the training loop, [`data`] images, [`detect`] annotations and figures of detection, [`zoo`] networks,
//! [`darknet`] Darknet's files, [`retrieve`] an index of vectors. [`kernels`] launches single kernels on buffers,
//! [`shaders`] holds their WGSL, and [`runtime`] the device, its memory and its profiler. [`ops::support`] is the table of
//! what is supported.

pub use tilewright_autograd as autograd;
pub use tilewright_darknet as darknet;
pub use tilewright_data as data;
pub use tilewright_detect as detect;
pub use tilewright_graph as graph;
pub use tilewright_kernels as kernels;
pub use tilewright_nn as nn;
pub use tilewright_onnx as onnx;
pub use tilewright_ops as ops;
pub use tilewright_retrieve as retrieve;
pub use tilewright_runtime as runtime;
pub use tilewright_shaders as shaders;
pub use tilewright_tensor as tensor;
pub use tilewright_train as train;
pub use tilewright_zoo as zoo;

pub use tilewright_autograd::{Gradients, Var};
pub use tilewright_nn::{Layer, Module, ParameterStore, Pass, Values};
pub use tilewright_runtime::{Context, ContextOptions, Mode};
pub use tilewright_tensor::{
    BatchNormCall, Conv2dAlgorithm, Conv2dCall, DType, Element, Function, Hints, Layout, MatMulCall,
    MatmulAlgorithm, Tensor,
};

/// The code in the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The code in the page on Darknet, as a test that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/darknet.md")]
struct DarknetPage;

/// The code in the guide, as a test that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/inference.md")]
struct Guide;
