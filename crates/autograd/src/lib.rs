//! Define-by-run differentiation over [`tilewright_tensor::Tensor`].
//!
//! A [`Var`] is a tensor and, if a gradient is wanted, its place on the tape. Operations on variables compute at once
//! and note how to go back, saving only the tensors that their backward rule reads. [`Var::backward`] gives the
//! gradients in a container and frees what was saved on the way.
//!
//! ```no_run
//! use tilewright_autograd::Var;
//! use tilewright_runtime::Context;
//! use tilewright_tensor::Tensor;
//!
//! let context = Context::new()?;
//! let x = Var::leaf(Tensor::from_slice(&context, &[1.0f32, -2.0], &[2])?);
//! let y = x.mul(&x)?.sum(&[0], false)?;
//! let gradients = y.backward()?;
//! assert_eq!(gradients.get(&x).ok_or("no gradient")?.to_vec::<f32>()?, [2.0, -4.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anomaly;
mod backward;
pub mod check;
mod checkpoint;
mod composite;
mod detect;
mod error;
mod gradients;
mod half;
mod hooks;
mod keep;
mod leaf;
mod node;
mod ops;
mod reach;
mod rules;
mod run;
mod scope;
mod tape;
mod var;

pub use anomaly::{Anomaly, Culprit};
pub use check::{GradientCheck, check_gradients};
pub use checkpoint::{checkpoint, checkpoint_by};
pub use detect::detect_anomaly;
pub use error::{Error, Result};
pub use gradients::Gradients;
pub use leaf::LeafId;
pub use node::Needs;
pub use ops::normalization::BatchNormTrained;
pub use tape::{Tape, TapeNode};
pub use var::Var;
