//! The numbers of a convolution as every kernel takes them.

use tilewright_runtime::Result;

use super::problem::Problem;
use crate::base::{magic::to_numerator, numbers::to_u32, params::uniform};

uniform! {
    /// Extents, stride, padding, dilation and groups. N C H W and N O OH OW are the extents of what lies channels-last.
    Geometry {
        x_shape: [u32; 4],
        w_shape: [u32; 4],
        y_shape: [u32; 4],
        stride: [u32; 2],
        padding: [u32; 2],
        dilation: [u32; 2],
        groups: u32,
        pad: u32,
    }
}

// As WGSL wants it of a struct in a uniform.
const _: () = assert!(size_of::<Geometry>().is_multiple_of(16));

impl Geometry {
    /// The numbers of `problem`, if the kernels' arithmetic holds them; `op` names the operation in errors.
    pub fn new(op: &str, problem: &Problem) -> Result<Self> {
        let pair =
            |pair: [usize; 2]| -> Result<[u32; 2]> { Ok([to_u32(op, pair[0])?, to_u32(op, pair[1])?]) };
        let four = |shape: [usize; 4]| -> Result<[u32; 4]> {
            let ([n, c], [h, w]) = (pair([shape[0], shape[1]])?, pair([shape[2], shape[3]])?);
            Ok([n, c, h, w])
        };
        let Problem { op: conv, x_shape, w_shape, y_shape, .. } = problem;
        // A padded image below 2^31 pixels a side: what lies before it, modulo 2^32, is then never inside.
        for axis in 0..2 {
            to_numerator(op, x_shape[2 + axis] + 2 * conv.padding[axis])?;
        }
        for count in [problem.x_count(), problem.w_count(), problem.y_count()] {
            to_u32(op, count)?;
        }
        Ok(Self {
            x_shape: four(*x_shape)?,
            w_shape: four(*w_shape)?,
            y_shape: four(*y_shape)?,
            stride: pair(conv.stride)?,
            padding: pair(conv.padding)?,
            dilation: pair(conv.dilation)?,
            groups: to_u32(op, conv.groups)?,
            pad: 0,
        })
    }

    /// The same from y to x, with other padding: what a gradient by the input is of stride 1.
    pub fn reversed(self, padding: [u32; 2]) -> Self {
        Self { x_shape: self.y_shape, y_shape: self.x_shape, padding, ..self }
    }

    /// Distances of neighbours along N C H W, channels-last, of x and of y.
    pub fn strides(&self) -> [[u32; 4]; 2] {
        [self.x_shape, self.y_shape].map(|[_, c, h, w]| [h * w * c, 1, w * c, c])
    }
}
