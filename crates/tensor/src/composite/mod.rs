//! Operations composed of others, with no kernel of their own. Each is written once over [`Operand`], so that tensors and
//! variables share the formula; the methods are [`crate::Tensor`]'s.

mod argmin;
pub mod batch_norm_biased;
pub mod bordered_pool2d;
pub mod conv3d;
pub mod conv_transpose3d;
pub mod depth_to_space;
mod det;
pub mod grid_sample;
pub mod group_norm;
mod hardmax;
pub mod instance_norm;
pub mod layer_norm;
pub mod local_response_norm;
pub mod log_sum;
pub mod log_sum_exp;
pub mod lp_normalize;
pub mod lp_pool;
pub mod mean_variance_norm;
pub mod moments;
pub mod nll_loss;
pub mod norm;
pub mod operand;
pub mod pool3d;
mod quantize;
pub mod repeat;
pub mod resample_axes;
pub mod rms_norm;

pub use batch_norm_biased::BatchNormBiased;
pub use conv_transpose3d::ConvTranspose3d;
pub use conv3d::Conv3d;
pub use depth_to_space::DepthOrder;
pub use grid_sample::{GridSample, Outside, Sampling};
pub use layer_norm::LayerNorm;
pub use local_response_norm::LocalResponseNorm;
pub use moments::Standardized;
pub use operand::Operand;
pub use pool3d::Pool3d;
