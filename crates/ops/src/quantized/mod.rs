//! Operations on the whole numbers of quantised tensors, in exact integer arithmetic.
//!
//! They take bare bytes, i8 or u8: zero points are parameters, and scales come in as multipliers, the quotient of the scales of
//! what is read and what is written. What a tensor's numbers stand for is said above, by [`crate::Quantization`].
//!
//! Sums are i32, and wrap beyond 32 bits as ONNX Runtime's do. They become the next tensor's numbers by one rule, [`Steps`].

mod add;
mod conv2d;
mod fake_quantize;
mod linear;
mod mul;
mod pooling;
mod steps;

pub use add::{Addend, add_shape};
pub use conv2d::{QConv2d, Residual};
pub use fake_quantize::FakeQuantize;
pub use linear::{numbers_shape, scaled_shape};
pub use mul::{ENTRIES, lookup_shape, mul_shape};
pub use pooling::{AVERAGES, average_multipliers};
pub use steps::{Steps, check_zero_point};
