//! Running sums along one axis.

use tilewright_ops::CumSum;

use crate::indexing::{check_len, round, valid};

/// Running sums along the axis, in the order of the places, or from the end.
#[must_use]
pub fn cumsum(op: CumSum, x: &[f32], x_shape: &[usize]) -> Vec<f32> {
    check_len("x", x, x_shape);
    let [before, along, after] = valid(op.check(x_shape));
    let mut y = vec![0.0; x.len()];
    for line in 0..before * after {
        let mut sum = 0.0;
        for place in 0..along {
            let index = if op.reverse { along - 1 - place } else { place };
            let at = (line / after * along + index) * after + line % after;
            let through = sum + f64::from(x[at]);
            y[at] = if op.exclusive { sum } else { through };
            sum = through;
        }
    }
    round(&y)
}

/// The gradient of x: an element is part of the sums behind it.
#[must_use]
pub fn cumsum_backward(op: CumSum, x_shape: &[usize], grad_y: &[f32]) -> Vec<f32> {
    check_len("grad_y", grad_y, x_shape);
    let [before, along, after] = valid(op.check(x_shape));
    let mut grad_x = vec![0.0; grad_y.len()];
    let place = |index: usize| if op.reverse { along - 1 - index } else { index };
    for line in 0..before * after {
        let at = |index: usize| (line / after * along + index) * after + line % after;
        for of in 0..along {
            for sum in 0..along {
                if place(of) < place(sum) || (of == sum && !op.exclusive) {
                    grad_x[at(of)] += f64::from(grad_y[at(sum)]);
                }
            }
        }
    }
    round(&grad_x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_hand() {
        let x = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
        let sums = |axis, exclusive, reverse| cumsum(CumSum { axis, exclusive, reverse }, &x, &[2, 3]);
        assert_eq!(sums(1, false, false), [1.0, 3.0, 6.0, 10.0, 30.0, 60.0]);
        assert_eq!(sums(1, true, false), [0.0, 1.0, 3.0, 0.0, 10.0, 30.0]);
        assert_eq!(sums(1, false, true), [6.0, 5.0, 3.0, 60.0, 50.0, 30.0]);
        assert_eq!(sums(0, true, true), [10.0, 20.0, 30.0, 0.0, 0.0, 0.0]);
        let op = CumSum { axis: 1, exclusive: true, reverse: false };
        assert_eq!(cumsum_backward(op, &[1, 3], &[1.0, 10.0, 100.0]), [110.0, 100.0, 0.0]);
    }
}
