//! Two-dimensional convolution (cross-correlation, as every deep-learning framework calls it).

use crate::{dtype::DType, error::ShapeError, extent::element_count};

/// Parameters of a 2-D convolution: input N C H W, weight O (C/groups) KH KW, output N O OH OW with
/// OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1. Padding is with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// Step between windows, height and width.
    pub stride: [usize; 2],
    /// Zeros added on each side, height and width.
    pub padding: [usize; 2],
    /// Distance between taps, height and width.
    pub dilation: [usize; 2],
    /// Independent slices of channels; `groups == C` is depthwise.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Conv2d {
    const OP: &'static str = "conv2d";

    /// The output shape N O OH OW of an input N C H W and a weight O (C/groups) KH KW. An empty batch is fine.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a zero stride, dilation, kernel or number of groups, [`ShapeError::Groups`],
    /// [`ShapeError::Channels`], [`ShapeError::KernelTooLarge`] and [`ShapeError::TooManyElements`].
    pub fn output_shape(&self, input: [usize; 4], weight: [usize; 4]) -> Result<[usize; 4], ShapeError> {
        let op = Self::OP;
        let groups = self.groups;
        let kernel = [weight[2], weight[3]];
        require_positive(op, "stride", self.stride)?;
        require_positive(op, "dilation", self.dilation)?;
        require_positive(op, "kernel", kernel)?;
        require_positive(op, "groups", [groups, groups])?;
        if !input[1].is_multiple_of(groups) || !weight[0].is_multiple_of(groups) {
            return Err(ShapeError::Groups { op, input, weight, groups });
        }
        if weight[1] != input[1] / groups {
            return Err(ShapeError::Channels { op, input, weight, groups });
        }
        let mut output = [input[0], weight[0], 0, 0];
        for axis in 0..2 {
            let too_many = || ShapeError::TooManyElements { op, shape: input.to_vec() };
            let padded = padded_extent(input[2 + axis], self.padding[axis]).ok_or_else(too_many)?;
            let window = window_extent(kernel[axis], self.dilation[axis]).ok_or_else(too_many)?;
            let Some(free) = padded.checked_sub(window) else {
                let Self { padding, dilation, .. } = *self;
                return Err(ShapeError::KernelTooLarge { op, input, kernel, padding, dilation });
            };
            output[2 + axis] = free / self.stride[axis] + 1;
        }
        element_count(op, &output)?;
        Ok(output)
    }

    /// Floating-point operations of the forward pass, a multiplication and an addition counted as two:
    /// 2 · N · O · OH · OW · C/groups · KH · KW. Taps that fall on padding are counted, as is usual.
    ///
    /// # Errors
    /// Those of [`Conv2d::output_shape`].
    pub fn flops(&self, input: [usize; 4], weight: [usize; 4]) -> Result<u64, ShapeError> {
        let output = self.output_shape(input, weight)?;
        Ok(2 * product(&output) * product(&weight[1..]))
    }

    /// The shape N C·KH·KW OH·OW of the windows of an input N C H W as columns (PyTorch's `unfold`). The groups play no part.
    ///
    /// # Errors
    /// Those of [`Conv2d::output_shape`].
    pub fn columns(&self, input: [usize; 4], kernel: [usize; 2]) -> Result<[usize; 3], ShapeError> {
        let [n, c, _, _] = input;
        let one = Self { groups: 1, ..*self };
        let [_, _, rows, columns] = one.output_shape(input, [1, c, kernel[0], kernel[1]])?;
        element_count("im2col", &[n, c, rows, columns, kernel[0], kernel[1]])?;
        Ok([n, c * kernel[0] * kernel[1], rows * columns])
    }

    /// Bytes that must cross the memory bus at least: input and weight read once, output written once.
    ///
    /// # Errors
    /// Those of [`Conv2d::output_shape`].
    pub fn bytes(&self, input: [usize; 4], weight: [usize; 4], dtype: DType) -> Result<u64, ShapeError> {
        let output = self.output_shape(input, weight)?;
        Ok((product(&input) + product(&weight) + product(&output)) * dtype.size() as u64)
    }
}

/// The product of extents as a figure for reports.
pub(crate) fn product(shape: &[usize]) -> u64 {
    shape.iter().fold(1_u64, |count, &extent| count.saturating_mul(extent as u64))
}

/// The extent with padding on both sides.
pub(crate) fn padded_extent(extent: usize, padding: usize) -> Option<usize> {
    padding.checked_mul(2)?.checked_add(extent)
}

/// The extent that a dilated kernel covers: dilation · (kernel − 1) + 1.
pub(crate) fn window_extent(kernel: usize, dilation: usize) -> Option<usize> {
    kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)
}

pub(crate) fn require_positive(
    op: &'static str,
    parameter: &'static str,
    value: [usize; 2],
) -> Result<(), ShapeError> {
    if value.contains(&0) {
        let value = format!("{value:?}");
        return Err(ShapeError::Parameter { op, parameter, value, hint: "it must be at least 1" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Conv2d = Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };

    #[test]
    fn output_shapes() {
        let cases = [
            (PLAIN, [2, 3, 5, 7], [4, 3, 3, 3], [2, 4, 3, 5]),
            (Conv2d { padding: [1, 1], ..PLAIN }, [2, 3, 5, 7], [4, 3, 3, 3], [2, 4, 5, 7]),
            (
                Conv2d { stride: [2, 2], padding: [3, 3], ..PLAIN },
                [1, 3, 224, 224],
                [64, 3, 7, 7],
                [1, 64, 112, 112],
            ),
            (Conv2d { stride: [2, 3], padding: [0, 1], ..PLAIN }, [1, 2, 9, 9], [2, 2, 3, 2], [1, 2, 4, 4]),
            (Conv2d { dilation: [2, 3], ..PLAIN }, [1, 1, 5, 7], [1, 1, 3, 3], [1, 1, 1, 1]),
            (Conv2d { groups: 4, ..PLAIN }, [1, 4, 3, 3], [8, 1, 1, 1], [1, 8, 3, 3]),
            // An empty batch keeps its other extents; an image without rows is fine once padding gives it some.
            (PLAIN, [0, 3, 5, 7], [4, 3, 3, 3], [0, 4, 3, 5]),
            (Conv2d { padding: [1, 0], ..PLAIN }, [1, 1, 0, 3], [1, 1, 2, 1], [1, 1, 1, 3]),
            // No channels: every sum is empty.
            (PLAIN, [1, 0, 3, 3], [2, 0, 3, 3], [1, 2, 1, 1]),
        ];
        for (conv, input, weight, expected) in cases {
            assert_eq!(conv.output_shape(input, weight), Ok(expected), "{conv:?} {input:?} {weight:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_a_typed_error() {
        let error = |conv: Conv2d, input, weight| conv.output_shape(input, weight).expect_err("does not fit");
        let (input, weight) = ([1, 4, 5, 5], [6, 4, 3, 3]);
        assert!(matches!(error(PLAIN, [1, 3, 5, 5], weight), ShapeError::Channels { .. }));
        assert!(matches!(error(PLAIN, [1, 4, 2, 5], weight), ShapeError::KernelTooLarge { .. }));
        assert!(matches!(error(PLAIN, [1, 4, 0, 5], weight), ShapeError::KernelTooLarge { .. }));
        assert!(matches!(error(Conv2d { groups: 3, ..PLAIN }, input, weight), ShapeError::Groups { .. }));
        assert!(matches!(error(Conv2d { groups: 2, ..PLAIN }, input, weight), ShapeError::Channels { .. }));
        assert!(matches!(
            error(PLAIN, input, [6, 4, 0, 3]),
            ShapeError::Parameter { parameter: "kernel", .. }
        ));
        for (parameter, conv) in [
            ("stride", Conv2d { stride: [1, 0], ..PLAIN }),
            ("dilation", Conv2d { dilation: [0, 1], ..PLAIN }),
            ("groups", Conv2d { groups: 0, ..PLAIN }),
        ] {
            match error(conv, input, weight) {
                ShapeError::Parameter { parameter: named, .. } => assert_eq!(named, parameter),
                other => panic!("{other}"),
            }
        }
        let huge = Conv2d { padding: [usize::MAX, 0], ..PLAIN };
        assert!(matches!(error(huge, input, weight), ShapeError::TooManyElements { .. }));
        let message = error(PLAIN, [1, 4, 2, 5], weight).to_string();
        assert!(
            message.contains("conv2d")
                && message.contains("[1, 4, 2, 5]")
                && message.contains("smaller kernel")
        );
    }

    #[test]
    fn counts_flops_and_bytes() {
        let (input, weight) = ([2, 4, 5, 5], [6, 2, 3, 3]);
        let conv = Conv2d { groups: 2, ..PLAIN };
        assert_eq!(conv.flops(input, weight), Ok(2 * (2 * 6 * 3 * 3) * (2 * 3 * 3)));
        assert_eq!(conv.bytes(input, weight, DType::F16), Ok(2 * (200 + 108 + 108)));
        assert_eq!(conv.flops([0, 4, 5, 5], weight), Ok(0));
    }
}
