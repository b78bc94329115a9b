//! Composites of variables: `tilewright_tensor::composite`'s formulas in operations on the tape, so that each has a gradient
//! because its steps have one. Saves what they save.

mod arrange;
mod batch_norm_biased;
mod bordered_pool2d;
mod choice;
mod conv1d;
mod conv3d;
mod conv_transpose1d;
mod conv_transpose3d;
mod depth_to_space;
mod group_norm;
mod instance_norm;
mod layer_norm;
mod local_response_norm;
mod log_sum;
mod log_sum_exp;
mod lp_normalize;
mod lp_pool;
mod max_unpool2d;
mod mean_variance_norm;
mod moments;
mod nll_loss;
mod norm;
mod operand;
mod pool1d;
mod pool3d;
mod repeat;
mod rms_norm;
mod sampling;
mod scaled_dot_product_attention;
mod variance;
