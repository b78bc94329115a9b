//! Two-dimensional pooling with PyTorch's window arithmetic.

use crate::{convolution::padded_extent, convolution::require_positive, convolution::window_extent};
use crate::{error::ShapeError, extent::element_count};

/// What a window is reduced to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest element; padding never wins. The first of equal elements, in row-major order, takes the gradient.
    Max,
    /// The mean; what counts as its divisor is said at [`Pool2d`].
    Average,
    /// The sum: an average with a divisor of 1.
    Sum,
}

impl PoolKind {
    /// One of each.
    pub const ALL: [Self; 3] = [Self::Max, Self::Average, Self::Sum];

    /// The stem used in file names and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Max => "max_pool2d",
            Self::Average => "avg_pool2d",
            Self::Sum => "sum_pool2d",
        }
    }
}

/// A pooling as a value: what a convolution does to its result where both are one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pooling {
    /// What a window is reduced to.
    pub kind: PoolKind,
    /// The windows.
    pub pool: Pool2d,
}

impl Pooling {
    /// The output shape N C OH OW of an input N C H W.
    ///
    /// # Errors
    /// Those of [`Pool2d::output_shape_named`], with the kind's name.
    pub fn output_shape(&self, input: [usize; 4]) -> Result<[usize; 4], ShapeError> {
        self.pool.output_shape_named(self.kind.name(), input)
    }

    /// Height and width of windows that lie side by side and whole in an input N C H W, if they do: without padding,
    /// dilation, gaps, or a last window that overhangs. Rows and columns behind the last one are left over.
    #[must_use]
    pub fn tiles(&self, input: [usize; 4]) -> Option<[usize; 2]> {
        let Pool2d { kernel, stride, padding, dilation, .. } = self.pool;
        let output = self.output_shape(input).ok()?;
        let whole = (0..2).all(|axis| output[2 + axis].saturating_mul(kernel[axis]) <= input[2 + axis]);
        (stride == kernel && padding == [0, 0] && dilation == [1, 1] && whole).then_some(kernel)
    }

    /// What the sum of a window without padding is divided by.
    #[must_use]
    pub fn divisor(&self) -> usize {
        let taps = self.pool.kernel[0] * self.pool.kernel[1];
        match self.kind {
            PoolKind::Sum => 1,
            PoolKind::Max | PoolKind::Average => self.pool.divisor_override.unwrap_or(taps),
        }
    }
}

/// Parameters of a 2-D pooling, PyTorch's names and rules.
///
/// The divisor of an average is `divisor_override` where given; else, with `count_include_pad`, the taps of the window
/// that lie in the padded input (taps beyond it, which `ceil_mode` can bring, are never counted); else the taps that lie
/// in the input itself. The last two fields are ignored by max and sum pooling. PyTorch has no dilation for averages;
/// here it has the same meaning as for the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pool2d {
    /// Window height and width.
    pub kernel: [usize; 2],
    /// Step between windows, height and width. PyTorch's default is the kernel.
    pub stride: [usize; 2],
    /// Padding on each side, height and width, at most half the kernel.
    pub padding: [usize; 2],
    /// Distance between taps, height and width.
    pub dilation: [usize; 2],
    /// Whether a last, partly filled window is kept.
    pub ceil_mode: bool,
    /// Whether an average counts padding in its divisor (PyTorch's default: yes).
    pub count_include_pad: bool,
    /// A divisor in place of the count.
    pub divisor_override: Option<usize>,
}

impl Pool2d {
    /// A pooling whose stride is its kernel, without padding or dilation: PyTorch's defaults.
    #[must_use]
    pub const fn new(kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [0, 0],
            dilation: [1, 1],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }

    /// The output shape N C OH OW of an input N C H W:
    /// OH = ⌊(H + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, with ⌈⌉ in `ceil_mode`, where a last window that
    /// would start in the right padding is dropped. An empty batch is fine, an empty image is not.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`], [`ShapeError::PaddingTooLarge`], [`ShapeError::KernelTooLarge`],
    /// [`ShapeError::EmptyWindow`] where a dilated window meets padding only (PyTorch answers −∞ there) and
    /// [`ShapeError::TooManyElements`].
    pub fn output_shape(&self, input: [usize; 4]) -> Result<[usize; 4], ShapeError> {
        self.output_shape_named("pool2d", input)
    }

    /// [`Pool2d::output_shape`] with `op` as the operation's name in errors.
    ///
    /// # Errors
    /// Those of [`Pool2d::output_shape`].
    pub fn output_shape_named(&self, op: &'static str, input: [usize; 4]) -> Result<[usize; 4], ShapeError> {
        let Self { kernel, stride, padding, dilation, ceil_mode, .. } = *self;
        require_positive(op, "kernel", kernel)?;
        require_positive(op, "stride", stride)?;
        require_positive(op, "dilation", dilation)?;
        if self.divisor_override == Some(0) {
            return Err(ShapeError::Parameter {
                op,
                parameter: "divisor_override",
                value: "0".to_owned(),
                hint: "it must be at least 1, or absent",
            });
        }
        if padding[0] > kernel[0] / 2 || padding[1] > kernel[1] / 2 {
            return Err(ShapeError::PaddingTooLarge { op, kernel, padding });
        }
        let mut output = [input[0], input[1], 0, 0];
        for axis in 0..2 {
            let too_many = || ShapeError::TooManyElements { op, shape: input.to_vec() };
            let too_large = ShapeError::KernelTooLarge { op, input, kernel, padding, dilation };
            let (extent, pad, step) = (input[2 + axis], padding[axis], stride[axis]);
            let padded = padded_extent(extent, pad).ok_or_else(too_many)?;
            let window = window_extent(kernel[axis], dilation[axis]).ok_or_else(too_many)?;
            if extent == 0 {
                return Err(too_large);
            }
            // ⌈a / s⌉ + 1 is ⌊(a + s − 1) / s⌋ + 1; it can be positive although the window overhangs (a < 0).
            let reach = if ceil_mode { padded.checked_add(step - 1).ok_or_else(too_many)? } else { padded };
            let Some(free) = reach.checked_sub(window) else {
                return Err(too_large);
            };
            let mut count = free / step + 1;
            // The last window must start inside the input or the left padding.
            if ceil_mode && (count - 1) * step >= extent + pad {
                count -= 1;
            }
            output[2 + axis] = count;
            if !every_window_meets_input(extent, count, kernel[axis], step, pad, dilation[axis]) {
                return Err(ShapeError::EmptyWindow { op, input, kernel, padding, dilation });
            }
        }
        element_count(op, &output)?;
        Ok(output)
    }
}

/// Only a window that starts in the left padding can miss the input, and only when dilated.
fn every_window_meets_input(
    extent: usize,
    windows: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> bool {
    (0..windows).map(|window| window * stride).take_while(|&start| start < padding).all(|start| {
        // The first tap that reaches the input, counted in padded coordinates.
        let taps_before = (padding - start).div_ceil(dilation);
        taps_before < kernel && start + taps_before * dilation < padding + extent
    })
}

/// Average pooling to a given output size: window i of an axis covers ⌊i·H/OH⌋ .. ⌈(i+1)·H/OH⌉.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AdaptiveAvgPool2d {
    /// Output height and width; `[1, 1]` is global average pooling.
    pub output: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// The output shape N C OH OW of an input N C H W.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for an output extent of zero, [`ShapeError::KernelTooLarge`] for an empty image.
    pub fn output_shape(&self, input: [usize; 4]) -> Result<[usize; 4], ShapeError> {
        let op = "adaptive_avg_pool2d";
        require_positive(op, "output", self.output)?;
        if input[2] == 0 || input[3] == 0 {
            let (kernel, padding, dilation) = ([1, 1], [0, 0], [1, 1]);
            return Err(ShapeError::KernelTooLarge { op, input, kernel, padding, dilation });
        }
        let output = [input[0], input[1], self.output[0], self.output[1]];
        element_count(op, &output)?;
        Ok(output)
    }

    /// First index and one past the last of window `index` of `windows` over an axis of `extent` elements.
    #[must_use]
    pub const fn window(index: usize, extent: usize, windows: usize) -> (usize, usize) {
        // Widened: index · extent of two large images does not fit 32 bits.
        let start = (index as u128 * extent as u128 / windows as u128) as usize;
        let end = ((index as u128 + 1) * extent as u128).div_ceil(windows as u128) as usize;
        (start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(kernel: usize, stride: usize, padding: usize, dilation: usize, ceil_mode: bool) -> Pool2d {
        Pool2d {
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [dilation; 2],
            ceil_mode,
            ..Pool2d::new([kernel; 2])
        }
    }

    #[test]
    fn windows_are_tiles_where_they_touch_and_none_overhangs() {
        let tiles = |kernel: usize, stride, padding, dilation, ceil_mode, extent: usize| {
            let pool = pool(kernel, stride, padding, dilation, ceil_mode);
            Pooling { kind: PoolKind::Max, pool }.tiles([1, 1, extent, extent])
        };
        assert_eq!(tiles(2, 2, 0, 1, false, 6), Some([2, 2]));
        assert_eq!(tiles(2, 2, 0, 1, false, 7), Some([2, 2]));
        assert_eq!(tiles(2, 2, 0, 1, true, 6), Some([2, 2]));
        assert_eq!(tiles(2, 2, 0, 1, true, 7), None);
        assert_eq!(tiles(3, 2, 0, 1, false, 7), None);
        assert_eq!(tiles(2, 2, 1, 1, false, 6), None);
        assert_eq!(tiles(2, 2, 0, 2, false, 6), None);
        assert_eq!(tiles(2, 2, 0, 1, false, 1), None);
    }

    #[test]
    fn output_extents_are_pytorchs() {
        // (input, kernel, stride, padding, dilation, ceil_mode, output) as torch.nn.functional.max_pool2d gives them.
        let cases = [
            (5, 2, 2, 0, 1, false, 2),
            (5, 2, 2, 0, 1, true, 3),
            (4, 2, 2, 0, 1, true, 2),
            (112, 3, 2, 1, 1, false, 56),
            (7, 3, 2, 1, 1, true, 4),
            (6, 3, 2, 1, 1, true, 4),
            // Kept by ⌈⌉, dropped again because it would start in the right padding.
            (5, 2, 3, 1, 1, true, 2),
            (2, 2, 3, 1, 1, true, 1),
            // A kernel larger than the input is kept in ceil_mode while it starts inside.
            (2, 3, 2, 0, 1, true, 1),
            (9, 3, 1, 1, 2, false, 7),
            (10, 3, 3, 1, 3, true, 3),
        ];
        for (extent, kernel, stride, padding, dilation, ceil_mode, expected) in cases {
            let pool = pool(kernel, stride, padding, dilation, ceil_mode);
            let shape = pool.output_shape([2, 3, extent, extent]);
            assert_eq!(shape, Ok([2, 3, expected, expected]), "{pool:?} over {extent}");
        }
        assert_eq!(Pool2d::new([2, 3]).output_shape([0, 3, 4, 9]), Ok([0, 3, 2, 3]));
    }

    #[test]
    fn what_does_not_fit_is_a_typed_error() {
        let input = [1, 1, 4, 4];
        let error = |pool: Pool2d| pool.output_shape(input).expect_err("does not fit");
        assert!(matches!(error(pool(5, 1, 0, 1, false)), ShapeError::KernelTooLarge { .. }));
        assert!(matches!(error(pool(3, 1, 0, 2, false)), ShapeError::KernelTooLarge { .. }));
        assert!(matches!(error(pool(3, 1, 2, 1, false)), ShapeError::PaddingTooLarge { .. }));
        assert!(matches!(error(pool(0, 1, 0, 1, false)), ShapeError::Parameter { parameter: "kernel", .. }));
        assert!(matches!(error(pool(2, 0, 0, 1, false)), ShapeError::Parameter { parameter: "stride", .. }));
        assert!(matches!(
            error(pool(2, 1, 0, 0, false)),
            ShapeError::Parameter { parameter: "dilation", .. }
        ));
        let zero = Pool2d { divisor_override: Some(0), ..Pool2d::new([2, 2]) };
        assert!(matches!(error(zero), ShapeError::Parameter { parameter: "divisor_override", .. }));
        assert!(Pool2d::new([1, 1]).output_shape([1, 1, 0, 4]).is_err());
        // Taps at −1 and 2 over two elements.
        let missed = pool(2, 1, 1, 3, false).output_shape([1, 1, 2, 2]);
        assert!(matches!(missed, Err(ShapeError::EmptyWindow { .. })));
    }

    #[test]
    fn adaptive_windows_cover_the_axis() {
        for extent in 1..12 {
            for windows in 1..9 {
                let mut covered = 0;
                for index in 0..windows {
                    let (start, end) = AdaptiveAvgPool2d::window(index, extent, windows);
                    assert!(start < end && start <= covered && end >= covered, "{index} {extent} {windows}");
                    covered = end;
                }
                assert_eq!(covered, extent);
            }
        }
        let global = AdaptiveAvgPool2d { output: [1, 1] };
        assert_eq!(global.output_shape([2, 3, 7, 5]), Ok([2, 3, 1, 1]));
        assert!(global.output_shape([2, 3, 0, 5]).is_err());
        assert!(AdaptiveAvgPool2d { output: [0, 1] }.output_shape([2, 3, 7, 5]).is_err());
    }
}
