//! What the operators' parameters mean, for host and device alike: ONNX gives the same parameter as an attribute in one
//! version and as an operand in another, counts axes from the back, and leaves defaults out.

pub(crate) mod axis;
pub(crate) mod movement;
pub(crate) mod operands;
pub(crate) mod reduce;
pub(crate) mod slice;
pub(crate) mod topk;
pub(crate) mod window;
