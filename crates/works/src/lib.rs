//! What is timed: one list of works, read by `benches/` and by `tilewright kernels bench memory`.
//!
//! A [`Work`] has a name, the shape it is at, what a call must do at least, and the call. The memory-bound families take
//! [`Sizes`]: shapes of networks, or operands of so many MiB. Operands are made when a list is made, not when a work runs.

mod attention;
mod convolution;
mod copies;
mod detection;
mod elementwise;
mod loss;
mod matmul;
mod movement;
mod normalization;
mod optimizer;
mod pooling;
mod random;
mod reduction;
mod sizes;
mod softmax;
mod sort;
mod work;

pub use attention::attention;
pub use convolution::convolution;
pub use copies::copies;
pub use detection::detection;
pub use elementwise::elementwise;
pub use loss::loss;
pub use matmul::matmul;
pub use movement::movement;
pub use normalization::normalization;
pub use optimizer::optimizer;
pub use pooling::pooling;
pub use random::random;
pub use reduction::reduction;
pub use sizes::Sizes;
pub use softmax::softmax;
pub use sort::sort;
pub use work::{Quantity, Work};

use tilewright_runtime::Context;
use tilewright_tensor::Result;

/// Every kernel that moves more than it computes, with operands of `mib` MiB.
///
/// # Errors
/// Those of making the operands: a buffer may be too large for the device.
pub fn memory_bound(context: &Context, mib: usize) -> Result<Vec<Work>> {
    let sizes = Sizes::Mib(mib);
    let mut works = elementwise(context, sizes)?;
    works.extend(random(context, sizes)?);
    works.extend(normalization(context, sizes)?);
    works.extend(pooling(context, sizes)?);
    works.extend(movement(context, sizes)?);
    works.extend(reduction(context, sizes)?);
    works.extend(softmax(context, sizes)?);
    works.extend(optimizer(context, sizes)?);
    Ok(works)
}
