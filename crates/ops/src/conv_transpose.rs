//! Two-dimensional transposed convolution: the map by which a convolution's gradient goes back to its input.

use crate::{convolution::Conv2d, error::ShapeError};

/// Parameters of a transposed 2-D convolution: input N I H W, weight I (O/groups) KH KW, output N O OH OW with
/// OH = (H − 1) · stride − 2 · padding + dilation · (KH − 1) + output_padding + 1 (PyTorch's `ConvTranspose2d`; Dumoulin
/// and Visin, arXiv 1603.07285).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvTranspose2d {
    /// Distance of neighbouring inputs' windows in the output, height and width.
    pub stride: [usize; 2],
    /// What is cut off each side of the output, height and width.
    pub padding: [usize; 2],
    /// Rows and columns more at the end of the output, fewer than the stride.
    pub output_padding: [usize; 2],
    /// Distance between taps, height and width.
    pub dilation: [usize; 2],
    /// Independent slices of channels.
    pub groups: usize,
}

impl Default for ConvTranspose2d {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], output_padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl ConvTranspose2d {
    const OP: &'static str = "conv_transpose2d";

    /// The convolution whose transpose this is: from the output to the input, by the same weight.
    #[must_use]
    pub const fn transposed(&self) -> Conv2d {
        Conv2d { stride: self.stride, padding: self.padding, dilation: self.dilation, groups: self.groups }
    }

    /// The output shape N O OH OW of an input N I H W and a weight I (O/groups) KH KW.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for an output padding that is not below the stride or a padding that leaves nothing, and
    /// those of [`Conv2d::output_shape`].
    pub fn output_shape(&self, input: [usize; 4], weight: [usize; 4]) -> Result<[usize; 4], ShapeError> {
        let op = Self::OP;
        if weight[0] != input[1] {
            return Err(ShapeError::Channels { op, input, weight, groups: self.groups });
        }
        let channels = weight[1].checked_mul(self.groups);
        let too_many = || ShapeError::TooManyElements { op, shape: input.to_vec() };
        let mut output = [input[0], channels.ok_or_else(too_many)?, 0, 0];
        for axis in 0..2 {
            let (stride, extra) = (self.stride[axis], self.output_padding[axis]);
            if extra >= stride.max(1) {
                let (parameter, value) = ("output_padding", format!("{extra} with a stride of {stride}"));
                let hint = "it must be below the stride";
                return Err(ShapeError::Parameter { op, parameter, value, hint });
            }
            let wrong = || {
                let value = format!("{} of a height or width of {}", self.padding[axis], input[2 + axis]);
                let hint = "it cuts off all of the output";
                ShapeError::Parameter { op, parameter: "padding", value, hint }
            };
            let steps = input[2 + axis].checked_sub(1).ok_or_else(wrong)?;
            let span = self.dilation[axis].checked_mul(weight[2 + axis].saturating_sub(1));
            let whole = steps
                .checked_mul(stride)
                .and_then(|sum| sum.checked_add(span?))
                .and_then(|sum| sum.checked_add(extra + 1))
                .ok_or_else(too_many)?;
            let cut = self.padding[axis].checked_mul(2).ok_or_else(too_many)?;
            output[2 + axis] = whole.checked_sub(cut).filter(|&extent| extent > 0).ok_or_else(wrong)?;
        }
        // The convolution checks the rest, and leads back to where this came from.
        let back = self.transposed().output_shape(output, weight)?;
        debug_assert_eq!(back, input);
        Ok(output)
    }

    /// Floating-point operations, as [`Conv2d::flops`] of the convolution whose transpose this is.
    ///
    /// # Errors
    /// Those of [`Self::output_shape`].
    pub fn flops(&self, input: [usize; 4], weight: [usize; 4]) -> Result<u64, ShapeError> {
        self.transposed().flops(self.output_shape(input, weight)?, weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_pytorchs() {
        // (extent, kernel, stride, padding, output_padding, dilation, output), as torch.nn.ConvTranspose2d gives them.
        for (extent, kernel, stride, padding, output_padding, dilation, expected) in [
            (5, 3, 1, 0, 0, 1, 7),
            (5, 2, 2, 0, 0, 1, 10),
            (5, 4, 2, 1, 0, 1, 10),
            (5, 3, 2, 1, 1, 1, 10),
            (4, 3, 3, 2, 2, 2, 12),
            (1, 1, 1, 0, 0, 1, 1),
        ] {
            let op = ConvTranspose2d {
                stride: [stride; 2],
                padding: [padding; 2],
                output_padding: [output_padding; 2],
                dilation: [dilation; 2],
                groups: 2,
            };
            let shape = op.output_shape([2, 4, extent, extent], [4, 3, kernel, kernel]);
            assert_eq!(shape, Ok([2, 6, expected, expected]), "{op:?} over {extent}");
        }
    }

    #[test]
    fn what_does_not_fit_is_a_typed_error() {
        let (input, weight) = ([1, 4, 3, 3], [4, 2, 3, 3]);
        let op = ConvTranspose2d::default();
        assert!(matches!(op.output_shape(input, [5, 2, 3, 3]), Err(ShapeError::Channels { .. })));
        assert!(op.output_shape([1, 4, 0, 3], weight).is_err());
        assert!(ConvTranspose2d { padding: [3, 3], ..op }.output_shape(input, weight).is_err());
        assert!(ConvTranspose2d { output_padding: [1, 0], ..op }.output_shape(input, weight).is_err());
        assert!(ConvTranspose2d { stride: [0, 1], ..op }.output_shape(input, weight).is_err());
        assert!(ConvTranspose2d { groups: 3, ..op }.output_shape(input, weight).is_err());
    }
}
