//! The largest or smallest elements along one axis, in order.

use std::cmp::Ordering;

use tilewright_ops::TopK;

use crate::indexing::{check_len, valid};

/// The elements of each line along the axis as indices, for a shape split into `[before, along, after]`.
fn lines([before, along, after]: [usize; 3]) -> impl Iterator<Item = Vec<usize>> {
    (0..before * after)
        .map(move |line| (0..along).map(|i| (line / after * along + i) * after + line % after).collect())
}

/// A NaN is above every number; -0 and +0 are equal.
fn compare(a: f32, b: f32) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The k largest (or smallest) elements along the axis, best first, and their indices along it. Of equal elements the lower
/// index comes first.
#[must_use]
pub fn topk(op: TopK, x: &[f32], x_shape: &[usize]) -> (Vec<f32>, Vec<i32>) {
    check_len("x", x, x_shape);
    let y_shape = valid(op.output_shape(x_shape));
    let count = y_shape.iter().product();
    let (mut values, mut indices) = (vec![0.0; count], vec![0; count]);
    let y_lines = lines(valid(op.check(&y_shape)));
    for (x_line, y_line) in lines(valid(op.check(x_shape))).zip(y_lines) {
        let mut order: Vec<usize> = (0..x_line.len()).collect();
        // This sort is stable.
        order.sort_by(|&a, &b| {
            let ascending = compare(x[x_line[a]], x[x_line[b]]);
            if op.largest { ascending.reverse() } else { ascending }
        });
        for (at, index) in y_line.into_iter().zip(order) {
            values[at] = x[x_line[index]];
            indices[at] = index as i32;
        }
    }
    (values, indices)
}

/// The gradient of x: that of each value at its index, and 0 elsewhere.
#[must_use]
pub fn topk_backward(op: TopK, x_shape: &[usize], indices: &[i32], grad_values: &[f32]) -> Vec<f32> {
    let y_shape = valid(op.output_shape(x_shape));
    check_len("indices", indices, &y_shape);
    check_len("grad_values", grad_values, &y_shape);
    let mut grad_x = vec![0.0; x_shape.iter().product()];
    let y_lines = lines(valid(op.check(&y_shape)));
    for (x_line, y_line) in lines(valid(op.check(x_shape))).zip(y_lines) {
        for at in y_line {
            grad_x[x_line[indices[at] as usize]] += grad_values[at];
        }
    }
    grad_x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_first_and_of_equal_ones_the_lower_index() {
        let x = [1.0, 5.0, -0.0, 5.0, 0.0, 2.0];
        let largest = TopK { k: 3, axis: 0, largest: true };
        assert_eq!(topk(largest, &x, &[6]), (vec![5.0, 5.0, 2.0], vec![1, 3, 5]));
        let smallest = TopK { largest: false, ..largest };
        let (values, indices) = topk(smallest, &x, &[6]);
        assert_eq!(indices, [2, 4, 0]);
        assert!(values[0].is_sign_negative() && values[1].is_sign_positive());
        assert_eq!(topk(largest, &x, &[3, 2]), (vec![1.0, 5.0, -0.0, 5.0, 0.0, 2.0], vec![0, 0, 1, 1, 2, 2]));
        assert_eq!(topk(TopK { k: 0, ..largest }, &x, &[6]), (vec![], vec![]));
    }

    #[test]
    fn nan_is_the_largest() {
        let x = [1.0, f32::NAN, f32::INFINITY, -f32::NAN, f32::NEG_INFINITY];
        let largest = TopK { k: 5, axis: 0, largest: true };
        assert_eq!(topk(largest, &x, &[5]).1, [1, 3, 2, 0, 4]);
        assert_eq!(topk(TopK { largest: false, ..largest }, &x, &[5]).1, [4, 0, 2, 1, 3]);
    }

    #[test]
    fn gradients_go_where_the_values_came_from() {
        let op = TopK { k: 2, axis: 1, largest: true };
        let (_, indices) = topk(op, &[1.0, 3.0, 2.0, 6.0, 4.0, 5.0], &[2, 3]);
        assert_eq!(
            topk_backward(op, &[2, 3], &indices, &[1.0, 2.0, 3.0, 4.0]),
            [0.0, 1.0, 2.0, 3.0, 0.0, 4.0]
        );
    }
}
