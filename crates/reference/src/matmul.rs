//! Matrix products.

use tilewright_ops::MatMul;

use crate::indexing::{broadcast_indices, check_len, round, valid};

/// Visits every product of a batched matrix product as `(y, left, right)`: the element of the output that it is added to
/// and the elements multiplied.
fn for_each_product(op: MatMul, left: &[usize], right: &[usize], mut visit: impl FnMut(usize, usize, usize)) {
    let dims = valid(op.dims(left, right));
    let (m, n, k) = (dims.m, dims.n, dims.k);
    // Which matrix of each operand a matrix of the output is made from.
    let left_matrices = broadcast_indices(&left[..left.len() - 2], &dims.batch);
    let right_matrices = broadcast_indices(&right[..right.len() - 2], &dims.batch);
    for (batch, (left_matrix, right_matrix)) in left_matrices.into_iter().zip(right_matrices).enumerate() {
        for row in 0..m {
            for column in 0..n {
                let y = (batch * m + row) * n + column;
                for inner in 0..k {
                    let a = if op.transpose_left { inner * m + row } else { row * k + inner };
                    let b = if op.transpose_right { column * k + inner } else { inner * n + column };
                    visit(y, left_matrix * m * k + a, right_matrix * k * n + b);
                }
            }
        }
    }
}

/// y = left · right over the last two axes, with [`MatMul`]'s transposes and broadcasting of leading axes.
#[must_use]
pub fn matmul(
    op: MatMul,
    left: &[f32],
    left_shape: &[usize],
    right: &[f32],
    right_shape: &[usize],
) -> Vec<f32> {
    check_len("left", left, left_shape);
    check_len("right", right, right_shape);
    let mut y = vec![0.0; valid(op.output_shape(left_shape, right_shape)).iter().product()];
    for_each_product(op, left_shape, right_shape, |i, a, b| y[i] += f64::from(left[a]) * f64::from(right[b]));
    round(&y)
}

/// The gradients of left and right in their stored shapes; what was broadcast is summed.
#[must_use]
pub fn matmul_backward(
    op: MatMul,
    left: &[f32],
    left_shape: &[usize],
    right: &[f32],
    right_shape: &[usize],
    grad_y: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    check_len("left", left, left_shape);
    check_len("right", right, right_shape);
    check_len("grad_y", grad_y, &valid(op.output_shape(left_shape, right_shape)));
    let (mut grad_left, mut grad_right) = (vec![0.0; left.len()], vec![0.0; right.len()]);
    for_each_product(op, left_shape, right_shape, |i, a, b| {
        grad_left[a] += f64::from(grad_y[i]) * f64::from(right[b]);
        grad_right[b] += f64::from(grad_y[i]) * f64::from(left[a]);
    });
    (round(&grad_left), round(&grad_right))
}

/// A linear layer: y = x · weightᵀ + bias for x of shape `[rows, inputs]` and a weight of shape `[outputs, inputs]`.
#[must_use]
pub fn linear(
    x: &[f32],
    x_shape: [usize; 2],
    weight: &[f32],
    weight_shape: [usize; 2],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let op = MatMul { transpose_right: true, ..MatMul::default() };
    check_len("x", x, &x_shape);
    check_len("weight", weight, &weight_shape);
    let outputs = weight_shape[0];
    // The sum starts from the bias, so that it is rounded once.
    let mut y: Vec<f64> = match bias {
        Some(bias) => {
            check_len("bias", bias, &[outputs]);
            (0..x_shape[0]).flat_map(|_| bias.iter().map(|&bias| f64::from(bias))).collect()
        }
        None => vec![0.0; x_shape[0] * outputs],
    };
    for_each_product(op, &x_shape, &weight_shape, |i, a, b| y[i] += f64::from(x[a]) * f64::from(weight[b]));
    round(&y)
}

/// The gradients of x, weight and bias of a [`linear`] layer.
#[must_use]
pub fn linear_backward(
    x: &[f32],
    x_shape: [usize; 2],
    weight: &[f32],
    weight_shape: [usize; 2],
    grad_y: &[f32],
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let op = MatMul { transpose_right: true, ..MatMul::default() };
    let (grad_x, grad_weight) = matmul_backward(op, x, &x_shape, weight, &weight_shape, grad_y);
    let outputs = weight_shape[0];
    let mut grad_bias = vec![0.0; outputs];
    for (index, &grad) in grad_y.iter().enumerate() {
        grad_bias[index % outputs] += f64::from(grad);
    }
    (grad_x, grad_weight, round(&grad_bias))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_read_the_same_matrix() {
        let (left, right) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0, 11.0, 12.0]);
        let expected = [58.0, 64.0, 139.0, 154.0];
        assert_eq!(matmul(MatMul::default(), &left, &[2, 3], &right, &[3, 2]), expected);
        let (left_t, right_t) = ([1.0, 4.0, 2.0, 5.0, 3.0, 6.0], [7.0, 9.0, 11.0, 8.0, 10.0, 12.0]);
        let both = MatMul { transpose_left: true, transpose_right: true };
        assert_eq!(matmul(both, &left_t, &[3, 2], &right_t, &[2, 3]), expected);
    }

    #[test]
    fn a_sum_over_nothing_is_zero() {
        assert_eq!(matmul(MatMul::default(), &[], &[2, 0], &[], &[0, 1]), [0.0, 0.0]);
        assert_eq!(linear(&[], [1, 0], &[], [2, 0], Some(&[1.0, 2.0])), [1.0, 2.0]);
    }
}
