//! Two-dimensional pooling.

use tilewright_ops::{AdaptiveAvgPool2d, Pool2d, PoolKind};

use crate::indexing::{check_len, round, valid};

/// The taps of one window along one axis that lie in the input, and how many lie in the padded input.
fn taps(pool: &Pool2d, axis: usize, window: usize, extent: usize) -> (Vec<usize>, usize) {
    let padding = pool.padding[axis];
    let padded: Vec<usize> = (0..pool.kernel[axis])
        .map(|tap| window * pool.stride[axis] + tap * pool.dilation[axis])
        .filter(|&position| position < extent + 2 * padding)
        .collect();
    let count = padded.len();
    let inside = padded
        .into_iter()
        .filter_map(|position| position.checked_sub(padding))
        .filter(|&position| position < extent)
        .collect();
    (inside, count)
}

/// Visits every window as `(y element, plane, the window's elements within their plane, divisor of the average)`.
fn for_each_window(
    kind: PoolKind,
    pool: &Pool2d,
    x_shape: [usize; 4],
    mut visit: impl FnMut(usize, usize, &[usize], f64),
) {
    let [batch, channels, rows, columns] = valid(pool.output_shape_named(kind.name(), x_shape));
    let [_, _, height, width] = x_shape;
    for row in 0..rows {
        let (x_rows, padded_rows) = taps(pool, 0, row, height);
        for column in 0..columns {
            let (x_columns, padded_columns) = taps(pool, 1, column, width);
            let window: Vec<usize> = x_rows
                .iter()
                .flat_map(|row| x_columns.iter().map(move |column| row * width + column))
                .collect();
            let divisor = match (pool.divisor_override, pool.count_include_pad) {
                (Some(divisor), _) => divisor,
                (None, true) => padded_rows * padded_columns,
                (None, false) => window.len(),
            };
            for plane in 0..batch * channels {
                visit((plane * rows + row) * columns + column, plane, &window, divisor as f64);
            }
        }
    }
}

fn output_len(kind: PoolKind, pool: &Pool2d, x_shape: [usize; 4]) -> usize {
    valid(pool.output_shape_named(kind.name(), x_shape)).iter().product()
}

/// The largest element of each window and where it was found: its flat index within its H·W plane, as PyTorch gives it.
/// The first of equal elements wins; NaN wins over everything.
#[must_use]
pub fn max_pool2d(pool: &Pool2d, x: &[f32], x_shape: [usize; 4]) -> (Vec<f32>, Vec<i32>) {
    check_len("x", x, &x_shape);
    let plane_len = x_shape[2] * x_shape[3];
    let count = output_len(PoolKind::Max, pool, x_shape);
    let (mut values, mut indices) = (vec![0.0; count], vec![0; count]);
    for_each_window(PoolKind::Max, pool, x_shape, |y, plane, window, _| {
        let mut best = (f32::NEG_INFINITY, window[0]);
        for &index in window {
            let value = x[plane * plane_len + index];
            if value > best.0 || value.is_nan() {
                best = (value, index);
            }
        }
        values[y] = best.0;
        indices[y] = i32::try_from(best.1).expect("a plane has fewer than 2³¹ pixels");
    });
    (values, indices)
}

/// The gradient of x: each element of grad_y goes to the pixel its index names; overlapping windows add up.
#[must_use]
pub fn max_pool2d_backward(pool: &Pool2d, grad_y: &[f32], indices: &[i32], x_shape: [usize; 4]) -> Vec<f32> {
    let y_shape = valid(pool.output_shape_named("max_pool2d", x_shape));
    check_len("grad_y", grad_y, &y_shape);
    check_len("indices", indices, &y_shape);
    let mut grad_x = vec![0.0; x_shape.iter().product()];
    for (y, (&grad, &index)) in grad_y.iter().zip(indices).enumerate() {
        let plane = y / (y_shape[2] * y_shape[3]);
        grad_x[plane * x_shape[2] * x_shape[3] + index as usize] += f64::from(grad);
    }
    round(&grad_x)
}

/// The mean of each window; [`Pool2d`] says what its divisor is.
#[must_use]
pub fn avg_pool2d(pool: &Pool2d, x: &[f32], x_shape: [usize; 4]) -> Vec<f32> {
    mean_or_sum(PoolKind::Average, pool, x, x_shape)
}

/// The sum of each window.
#[must_use]
pub fn sum_pool2d(pool: &Pool2d, x: &[f32], x_shape: [usize; 4]) -> Vec<f32> {
    mean_or_sum(PoolKind::Sum, &Pool2d { divisor_override: Some(1), ..*pool }, x, x_shape)
}

fn mean_or_sum(kind: PoolKind, pool: &Pool2d, x: &[f32], x_shape: [usize; 4]) -> Vec<f32> {
    check_len("x", x, &x_shape);
    let plane_len = x_shape[2] * x_shape[3];
    let mut values = vec![0.0; output_len(kind, pool, x_shape)];
    for_each_window(kind, pool, x_shape, |y, plane, window, divisor| {
        let sum: f64 = window.iter().map(|&index| f64::from(x[plane * plane_len + index])).sum();
        values[y] = (sum / divisor) as f32;
    });
    values
}

/// The gradient of x through [`avg_pool2d`].
#[must_use]
pub fn avg_pool2d_backward(pool: &Pool2d, grad_y: &[f32], x_shape: [usize; 4]) -> Vec<f32> {
    mean_or_sum_backward(PoolKind::Average, pool, grad_y, x_shape)
}

/// The gradient of x through [`sum_pool2d`].
#[must_use]
pub fn sum_pool2d_backward(pool: &Pool2d, grad_y: &[f32], x_shape: [usize; 4]) -> Vec<f32> {
    mean_or_sum_backward(PoolKind::Sum, &Pool2d { divisor_override: Some(1), ..*pool }, grad_y, x_shape)
}

fn mean_or_sum_backward(kind: PoolKind, pool: &Pool2d, grad_y: &[f32], x_shape: [usize; 4]) -> Vec<f32> {
    assert_eq!(grad_y.len(), output_len(kind, pool, x_shape), "grad_y must have the elements of the output");
    let plane_len = x_shape[2] * x_shape[3];
    let mut grad_x = vec![0.0; x_shape.iter().product()];
    for_each_window(kind, pool, x_shape, |y, plane, window, divisor| {
        for &index in window {
            grad_x[plane * plane_len + index] += f64::from(grad_y[y]) / divisor;
        }
    });
    round(&grad_x)
}

/// Visits every window of an adaptive pooling as `(y element, the window's elements)`.
fn for_each_adaptive_window(
    pool: AdaptiveAvgPool2d,
    x_shape: [usize; 4],
    mut visit: impl FnMut(usize, &[usize]),
) {
    let [batch, channels, rows, columns] = valid(pool.output_shape(x_shape));
    let [_, _, height, width] = x_shape;
    let mut y = 0;
    for plane in 0..batch * channels {
        for row in 0..rows {
            let (top, bottom) = AdaptiveAvgPool2d::window(row, height, rows);
            for column in 0..columns {
                let (left, right) = AdaptiveAvgPool2d::window(column, width, columns);
                let window: Vec<usize> = (top..bottom)
                    .flat_map(|row| (left..right).map(move |column| (plane * height + row) * width + column))
                    .collect();
                visit(y, &window);
                y += 1;
            }
        }
    }
}

/// The mean of each window of an adaptive pooling.
#[must_use]
pub fn adaptive_avg_pool2d(pool: AdaptiveAvgPool2d, x: &[f32], x_shape: [usize; 4]) -> Vec<f32> {
    check_len("x", x, &x_shape);
    let mut values = Vec::new();
    for_each_adaptive_window(pool, x_shape, |_, window| {
        let sum: f64 = window.iter().map(|&index| f64::from(x[index])).sum();
        values.push((sum / window.len() as f64) as f32);
    });
    values
}

/// The gradient of x through [`adaptive_avg_pool2d`].
#[must_use]
pub fn adaptive_avg_pool2d_backward(
    pool: AdaptiveAvgPool2d,
    grad_y: &[f32],
    x_shape: [usize; 4],
) -> Vec<f32> {
    check_len("grad_y", grad_y, &valid(pool.output_shape(x_shape)));
    let mut grad_x = vec![0.0; x_shape.iter().product()];
    for_each_adaptive_window(pool, x_shape, |y, window| {
        for &index in window {
            grad_x[index] += f64::from(grad_y[y]) / window.len() as f64;
        }
    });
    round(&grad_x)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f32; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

    #[test]
    fn overlapping_windows_add_their_gradients() {
        let pool = Pool2d { stride: [1, 1], ..Pool2d::new([2, 2]) };
        // The maximum of every window is 9 or beside it; make the centre the largest, so that all four windows share it.
        let mut x = X;
        x[4] = 10.0;
        let (values, indices) = max_pool2d(&pool, &x, [1, 1, 3, 3]);
        assert_eq!((values, &indices[..]), (vec![10.0; 4], &[4; 4][..]));
        let grad_x = max_pool2d_backward(&pool, &[1.0, 2.0, 3.0, 4.0], &indices, [1, 1, 3, 3]);
        assert_eq!(grad_x, [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(
            sum_pool2d_backward(&pool, &[1.0; 4], [1, 1, 3, 3]),
            [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]
        );
    }

    #[test]
    fn padding_never_wins_and_the_first_of_equals_does() {
        let pool = Pool2d { stride: [1, 1], padding: [1, 1], ..Pool2d::new([2, 2]) };
        let (values, indices) = max_pool2d(&pool, &[-3.0; 4], [1, 1, 2, 2]);
        assert_eq!(values, [-3.0; 9]);
        assert_eq!(indices, [0, 0, 1, 0, 0, 1, 2, 2, 3]);
    }

    #[test]
    fn divisors() {
        let base = Pool2d { stride: [2, 2], padding: [1, 1], ceil_mode: true, ..Pool2d::new([3, 3]) };
        let x = [1.0; 16];
        let shape = [1, 1, 4, 4];
        // Rows −1..2, 1..4 and 3..6, the last of which is cut at 5, the end of the padding.
        let edge = |own: f32, other: f32| own * other;
        let counted: Vec<f32> =
            [2.0 / 3.0, 1.0, 0.5].iter().flat_map(|&a| [2.0 / 3.0, 1.0, 0.5].map(|b| edge(a, b))).collect();
        crate::compare::assert_close("include", &avg_pool2d(&base, &x, shape), &counted, 1e-6, 0.0);
        assert_eq!(avg_pool2d(&Pool2d { count_include_pad: false, ..base }, &x, shape), [1.0; 9]);
        let by_two = Pool2d { divisor_override: Some(2), ..base };
        assert_eq!(avg_pool2d(&by_two, &x, shape), [2.0, 3.0, 1.0, 3.0, 4.5, 1.5, 1.0, 1.5, 0.5]);
        assert_eq!(sum_pool2d(&by_two, &x, shape), [4.0, 6.0, 2.0, 6.0, 9.0, 3.0, 2.0, 3.0, 1.0]);
    }

    #[test]
    fn nan_wins_a_maximum() {
        let (values, _) = max_pool2d(&Pool2d::new([2, 2]), &[1.0, f32::NAN, 3.0, 2.0], [1, 1, 2, 2]);
        assert!(values[0].is_nan());
    }

    #[test]
    fn adaptive_windows_may_overlap() {
        let pool = AdaptiveAvgPool2d { output: [2, 2] };
        assert_eq!(adaptive_avg_pool2d(pool, &X, [1, 1, 3, 3]), [3.0, 4.0, 6.0, 7.0]);
        let grad = adaptive_avg_pool2d_backward(pool, &[4.0; 4], [1, 1, 3, 3]);
        assert_eq!(grad, [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]);
    }
}
