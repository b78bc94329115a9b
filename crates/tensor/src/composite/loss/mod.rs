//! Losses, each as PyTorch's function of the name. They are functions of tensors and of variables alike, and the target may have a
//! gradient too, where its formula has one:
//!
//! ```
//! use tilewright_ops::Reduction;
//! use tilewright_tensor::{Tensor, composite::loss::smooth_l1_loss};
//! # let context = tilewright_runtime::Context::new()?;
//! let (found, wanted) = (Tensor::full(&context, 3.0, &[4])?, Tensor::zeros(&context, &[4])?);
//! assert_eq!(smooth_l1_loss(&found, &wanted, 1.0, Reduction::Mean)?.item()?, 2.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Operands have equal shapes unless said otherwise: nothing is broadcast in silence. [`Reduction::Mean`] of an empty batch is NaN,
//! its sum 0. The errors are [`tilewright_ops::ShapeError::Operand`] for shapes that differ,
//! [`tilewright_ops::ShapeError::Rank`], [`tilewright_ops::ShapeError::Parameter`] for a number outside its range, and
//! [`crate::Error::DType`].

mod binary_cross_entropy;
mod boxes;
mod contrastive;
mod cosine;
mod focal;
mod join;
mod kl_div;
mod margin;
mod norms;
mod soft_cross_entropy;
mod squares;
mod triplet;
mod tversky;

pub use tilewright_ops::Reduction;

pub use binary_cross_entropy::{binary_cross_entropy, binary_cross_entropy_with_logits};
pub use boxes::{complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss};
pub use contrastive::{info_nce_loss, nt_xent_loss};
pub use cosine::{cosine_embedding_loss, cosine_similarity};
pub use focal::{sigmoid_focal_loss, softmax_focal_loss};
pub use kl_div::{KlReduction, kl_div};
pub use margin::{hinge_embedding_loss, margin_ranking_loss};
pub use soft_cross_entropy::soft_cross_entropy;
pub use squares::{huber_loss, l1_loss, mse_loss, smooth_l1_loss};
pub use triplet::{TripletMargin, triplet_margin_loss};
pub use tversky::{Tversky, dice_loss, tversky_loss};
