//! Two-dimensional convolution.

use tilewright_ops::{Conv2d, ConvTranspose2d};

use crate::indexing::{check_len, round, valid};

/// Visits every multiplication of a convolution as `(y, x, weight)`: the element of the output that it is added to and the
/// elements multiplied. Taps that fall on padding are zeros and are left out.
///
/// Forward and backward are the same triples, read in three directions.
fn for_each_tap(
    op: &Conv2d,
    x_shape: [usize; 4],
    weight_shape: [usize; 4],
    mut visit: impl FnMut(usize, usize, usize),
) {
    let [batch, outputs, rows, columns] = valid(op.output_shape(x_shape, weight_shape));
    let [_, inputs, height, width] = x_shape;
    let [_, inputs_per_group, kernel_height, kernel_width] = weight_shape;
    let outputs_per_group = outputs / op.groups;
    for image in 0..batch {
        for output in 0..outputs {
            let first_input = output / outputs_per_group * inputs_per_group;
            for row in 0..rows {
                for column in 0..columns {
                    let y = ((image * outputs + output) * rows + row) * columns + column;
                    for input in 0..inputs_per_group {
                        let plane = (image * inputs + first_input + input) * height;
                        for tap_row in 0..kernel_height {
                            let Some(x_row) = position(op, 0, row, tap_row, height) else {
                                continue;
                            };
                            for tap_column in 0..kernel_width {
                                let Some(x_column) = position(op, 1, column, tap_column, width) else {
                                    continue;
                                };
                                let weight = ((output * inputs_per_group + input) * kernel_height + tap_row)
                                    * kernel_width
                                    + tap_column;
                                visit(y, (plane + x_row) * width + x_column, weight);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a tap of a window lies in the input along one axis: window · stride + tap · dilation − padding, if inside.
fn position(op: &Conv2d, axis: usize, window: usize, tap: usize, extent: usize) -> Option<usize> {
    let padded = window * op.stride[axis] + tap * op.dilation[axis];
    padded.checked_sub(op.padding[axis]).filter(|&position| position < extent)
}

/// y\[n, o\] = bias\[o\] + Σ x\[n, i\] ⋆ weight\[o, i\] over the input channels of o's group.
#[must_use]
pub fn conv2d(
    op: &Conv2d,
    x: &[f32],
    x_shape: [usize; 4],
    weight: &[f32],
    weight_shape: [usize; 4],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    check_len("x", x, &x_shape);
    check_len("weight", weight, &weight_shape);
    let [batch, outputs, rows, columns] = valid(op.output_shape(x_shape, weight_shape));
    let mut y = vec![0.0; batch * outputs * rows * columns];
    if let Some(bias) = bias {
        check_len("bias", bias, &[outputs]);
        for (index, y) in y.iter_mut().enumerate() {
            *y = f64::from(bias[index / (rows * columns) % outputs]);
        }
    }
    for_each_tap(op, x_shape, weight_shape, |i, a, b| y[i] += f64::from(x[a]) * f64::from(weight[b]));
    round(&y)
}

/// The gradient of x, of shape `x_shape`.
#[must_use]
pub fn conv2d_backward_input(
    op: &Conv2d,
    grad_y: &[f32],
    x_shape: [usize; 4],
    weight: &[f32],
    weight_shape: [usize; 4],
) -> Vec<f32> {
    check_len("grad_y", grad_y, &valid(op.output_shape(x_shape, weight_shape)));
    check_len("weight", weight, &weight_shape);
    let mut grad_x = vec![0.0; x_shape.iter().product()];
    for_each_tap(op, x_shape, weight_shape, |i, a, b| {
        grad_x[a] += f64::from(grad_y[i]) * f64::from(weight[b])
    });
    round(&grad_x)
}

/// The gradient of the weight, of shape `weight_shape`.
#[must_use]
pub fn conv2d_backward_weight(
    op: &Conv2d,
    grad_y: &[f32],
    x: &[f32],
    x_shape: [usize; 4],
    weight_shape: [usize; 4],
) -> Vec<f32> {
    check_len("grad_y", grad_y, &valid(op.output_shape(x_shape, weight_shape)));
    check_len("x", x, &x_shape);
    let mut grad_weight = vec![0.0; weight_shape.iter().product()];
    for_each_tap(op, x_shape, weight_shape, |i, a, b| {
        grad_weight[b] += f64::from(grad_y[i]) * f64::from(x[a])
    });
    round(&grad_weight)
}

/// The gradient of the bias: grad_y, of shape `y_shape` N O OH OW, summed over all axes but the channels.
#[must_use]
pub fn conv2d_backward_bias(grad_y: &[f32], y_shape: [usize; 4]) -> Vec<f32> {
    check_len("grad_y", grad_y, &y_shape);
    let [_, outputs, rows, columns] = y_shape;
    let mut grad_bias = vec![0.0; outputs];
    for (index, &grad) in grad_y.iter().enumerate() {
        grad_bias[index / (rows * columns) % outputs] += f64::from(grad);
    }
    round(&grad_bias)
}

/// Visits every element of the im2col matrix as `(column element, x element)`, padding left out.
fn for_each_column_element(
    op: &Conv2d,
    x_shape: [usize; 4],
    kernel: [usize; 2],
    mut visit: impl FnMut(usize, usize),
) -> [usize; 3] {
    let [batch, channels, height, width] = x_shape;
    // Which channels meet in a sum does not matter here, so groups do not: the rule is asked for one channel.
    let one_channel = Conv2d { groups: 1, ..*op };
    let [_, _, rows, columns] =
        valid(one_channel.output_shape([batch, 1, height, width], [1, 1, kernel[0], kernel[1]]));
    for plane in 0..batch * channels {
        for tap_row in 0..kernel[0] {
            for tap_column in 0..kernel[1] {
                let matrix_row = (plane * kernel[0] + tap_row) * kernel[1] + tap_column;
                for row in 0..rows {
                    let Some(x_row) = position(op, 0, row, tap_row, height) else {
                        continue;
                    };
                    for column in 0..columns {
                        let Some(x_column) = position(op, 1, column, tap_column, width) else {
                            continue;
                        };
                        visit(
                            (matrix_row * rows + row) * columns + column,
                            (plane * height + x_row) * width + x_column,
                        );
                    }
                }
            }
        }
    }
    [batch, channels * kernel[0] * kernel[1], rows * columns]
}

/// Writes every window of x as a column: the matrix, of shape `[N, C·KH·KW, OH·OW]` as torch.nn.functional.unfold has it,
/// and that shape. The rows of group g are the g-th of `groups` equal parts, so a convolution is a product of the weight
/// with each part.
#[must_use]
pub fn im2col(op: &Conv2d, x: &[f32], x_shape: [usize; 4], kernel: [usize; 2]) -> (Vec<f32>, [usize; 3]) {
    check_len("x", x, &x_shape);
    let shape = for_each_column_element(op, x_shape, kernel, |_, _| ());
    let mut columns = vec![0.0; shape.iter().product()];
    for_each_column_element(op, x_shape, kernel, |i, a| columns[i] = x[a]);
    (columns, shape)
}

/// The adjoint of [`im2col`]: adds every element of the matrix to the pixel it was read from (torch.nn.functional.fold).
#[must_use]
pub fn col2im(op: &Conv2d, columns: &[f32], x_shape: [usize; 4], kernel: [usize; 2]) -> Vec<f32> {
    let mut x = vec![0.0; x_shape.iter().product()];
    let shape = for_each_column_element(op, x_shape, kernel, |_, _| ());
    check_len("columns", columns, &shape);
    for_each_column_element(op, x_shape, kernel, |i, a| x[a] += f64::from(columns[i]));
    round(&x)
}

/// The transposed convolution: each input element adds its multiple of the window to the output.
#[must_use]
pub fn conv_transpose2d(
    op: &ConvTranspose2d,
    x: &[f32],
    x_shape: [usize; 4],
    weight: &[f32],
    weight_shape: [usize; 4],
) -> Vec<f32> {
    let [n, outputs, oh, ow] = valid(op.output_shape(x_shape, weight_shape));
    let [_, inputs, h, w] = x_shape;
    let [_, per_group, kh, kw] = weight_shape;
    let mut y = vec![0.0_f64; n * outputs * oh * ow];
    for (at, &value) in x.iter().enumerate() {
        let (image, i, row, column) = (at / (inputs * h * w), at / (h * w) % inputs, at / w % h, at % w);
        let group = i / (inputs / op.groups);
        for o in 0..per_group {
            for (r, c) in (0..kh).flat_map(|r| (0..kw).map(move |c| (r, c))) {
                let to_row = (row * op.stride[0] + r * op.dilation[0]).checked_sub(op.padding[0]);
                let to_column = (column * op.stride[1] + c * op.dilation[1]).checked_sub(op.padding[1]);
                let (Some(to_row), Some(to_column)) = (to_row, to_column) else { continue };
                if to_row < oh && to_column < ow {
                    let channel = group * per_group + o;
                    let tap = f64::from(weight[((i * per_group + o) * kh + r) * kw + c]);
                    y[((image * outputs + channel) * oh + to_row) * ow + to_column] += f64::from(value) * tap;
                }
            }
        }
    }
    round(&y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matmul::matmul;
    use tilewright_ops::MatMul;

    /// Whole numbers, so that every order of summation gives the same bits.
    fn whole(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7 + 3) % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn a_window_by_hand() {
        let x: Vec<f32> = (1..=9_u8).map(f32::from).collect();
        let y =
            conv2d(&Conv2d::default(), &x, [1, 1, 3, 3], &[1.0, 0.0, 0.0, -1.0], [1, 1, 2, 2], Some(&[0.5]));
        // Cross-correlation, not flipped: x[r][c] − x[r + 1][c + 1] is −4 everywhere.
        assert_eq!(y, [-3.5; 4]);
        let op = Conv2d { padding: [1, 1], stride: [2, 2], ..Conv2d::default() };
        let y = conv2d(&op, &x, [1, 1, 3, 3], &[1.0; 9], [1, 1, 3, 3], None);
        assert_eq!(y, [12.0, 16.0, 24.0, 28.0]);
    }

    #[test]
    fn im2col_times_weight_is_the_convolution() {
        let op = Conv2d { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 1 };
        let (x_shape, weight_shape) = ([1, 3, 5, 7], [4, 3, 3, 2]);
        let (x, weight) = (whole(3 * 5 * 7), whole(4 * 3 * 3 * 2));
        let (columns, [_, taps, windows]) = im2col(&op, &x, x_shape, [3, 2]);
        let product = matmul(MatMul::default(), &weight, &[4, taps], &columns, &[taps, windows]);
        assert_eq!(product, conv2d(&op, &x, x_shape, &weight, weight_shape, None));
    }

    #[test]
    fn backward_functions_are_adjoints() {
        let op = Conv2d { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 };
        let (x_shape, weight_shape) = ([2, 4, 5, 7], [6, 2, 3, 2]);
        let (x, weight) = (whole(2 * 4 * 5 * 7), whole(6 * 2 * 3 * 2));
        let y = conv2d(&op, &x, x_shape, &weight, weight_shape, None);
        let grad_y = whole(y.len());
        let dot =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        // ⟨y, grad_y⟩ is linear in x and in weight, so it equals both products with the gradients.
        let expected = dot(&y, &grad_y);
        assert_eq!(dot(&x, &conv2d_backward_input(&op, &grad_y, x_shape, &weight, weight_shape)), expected);
        assert_eq!(dot(&weight, &conv2d_backward_weight(&op, &grad_y, &x, x_shape, weight_shape)), expected);
        let (columns, _) = im2col(&op, &x, x_shape, [3, 2]);
        let other = whole(columns.len());
        assert_eq!(dot(&columns, &other), dot(&x, &col2im(&op, &other, x_shape, [3, 2])));
    }

    #[test]
    fn an_empty_batch_has_zero_gradients() {
        let op = Conv2d::default();
        assert!(conv2d(&op, &[], [0, 1, 3, 3], &[1.0; 4], [1, 1, 2, 2], Some(&[1.0])).is_empty());
        assert_eq!(conv2d_backward_weight(&op, &[], &[], [0, 1, 3, 3], [1, 1, 2, 2]), [0.0; 4]);
        assert_eq!(conv2d_backward_bias(&[], [0, 2, 2, 2]), [0.0; 2]);
    }

    #[test]
    #[should_panic(expected = "conv2d: kernel [4, 4]")]
    fn a_broken_rule_is_named() {
        let _ = conv2d(&Conv2d::default(), &[0.0; 9], [1, 1, 3, 3], &[0.0; 16], [1, 1, 4, 4], None);
    }
}
