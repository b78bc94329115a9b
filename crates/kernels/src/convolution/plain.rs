//! The uniform of the kernels that follow the definition, for any strides.

use tilewright_ops::UnaryOp;
use tilewright_runtime::Result;

use super::{geometry::Geometry, problem::Problem};
use crate::base::{epilogue::parameters, numbers::to_u32, params::params};

params! { Params for
    "conv2d_direct", "conv2d_direct_backward_input", "conv2d_direct_backward_weight",
    "im2col", "col2im" {
    geometry: Geometry,
    x_strides: [u32; 4],
    w_strides: [u32; 4],
    y_strides: [u32; 4],
    count: u32,
    chunk: u32,
    p0: f32,
    p1: f32,
} }

impl Params {
    /// For `count` threads with work on activations that lie channels-last and a weight O I KH KW.
    pub fn new(op: &str, problem: &Problem, count: usize, activation: Option<UnaryOp>) -> Result<Self> {
        let geometry = Geometry::new(op, problem)?;
        let [x_strides, y_strides] = geometry.strides();
        let [_, i, kh, kw] = geometry.w_shape;
        let [p0, p1] = parameters(activation);
        Ok(Self {
            geometry,
            x_strides,
            w_strides: [i * kh * kw, kh * kw, kw, 1],
            y_strides,
            count: to_u32(op, count)?,
            chunk: 0,
            p0,
            p1,
        })
    }

    /// The same in units of four channels, for the kernels whose elements are vec4s.
    pub fn in_vec4s(mut self) -> Self {
        for shape in [&mut self.geometry.x_shape, &mut self.geometry.w_shape, &mut self.geometry.y_shape] {
            shape[1] /= 4;
        }
        for strides in [&mut self.x_strides, &mut self.y_strides] {
            for axis in [0, 2, 3] {
                strides[axis] /= 4;
            }
        }
        self
    }
}
