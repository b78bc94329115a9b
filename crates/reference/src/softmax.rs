//! Softmax and its logarithm.

use tilewright_ops::{LogSoftmax, Softmax};

use crate::indexing::{check_len, round, valid};

/// Visits every line along the axis as the indices of its elements, for a shape split into `[before, along, after]`.
fn for_each_line([before, along, after]: [usize; 3], mut visit: impl FnMut(&[usize])) {
    for outer in 0..before {
        for inner in 0..after {
            let line: Vec<usize> = (0..along).map(|index| (outer * along + index) * after + inner).collect();
            visit(&line);
        }
    }
}

/// log Σ e^x along a line, with the largest element taken out first so that nothing overflows.
pub(crate) fn log_sum_exp(x: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = x.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + x.map(|x| (x - largest).exp()).sum::<f64>().ln()
}

fn each_line(x: &[f32], split: [usize; 3], value: impl Fn(f64, f64) -> f64) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    for_each_line(split, |line| {
        let values = line.iter().map(|&i| f64::from(x[i]));
        // Apart, or the logarithm would vanish beside a large element.
        let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = log_sum_exp(values.map(|x| x - largest));
        for &i in line {
            y[i] = value(f64::from(x[i]) - largest, log_sum);
        }
    });
    round(&y)
}

/// e^x / Σ e^x along the axis.
#[must_use]
pub fn softmax(op: Softmax, x: &[f32], x_shape: &[usize]) -> Vec<f32> {
    check_len("x", x, x_shape);
    each_line(x, valid(op.check(x_shape)), |x, log_sum| (x - log_sum).exp())
}

/// x − log Σ e^x along the axis.
#[must_use]
pub fn log_softmax(op: LogSoftmax, x: &[f32], x_shape: &[usize]) -> Vec<f32> {
    check_len("x", x, x_shape);
    each_line(x, valid(op.check(x_shape)), |x, log_sum| x - log_sum)
}

/// The gradient of x from the output y of [`softmax`]: y · (grad_y − Σ grad_y · y).
#[must_use]
pub fn softmax_backward(op: Softmax, y: &[f32], y_shape: &[usize], grad_y: &[f32]) -> Vec<f32> {
    check_len("y", y, y_shape);
    check_len("grad_y", grad_y, y_shape);
    let mut grad_x = vec![0.0; y.len()];
    for_each_line(valid(op.check(y_shape)), |line| {
        let dot: f64 = line.iter().map(|&i| f64::from(grad_y[i]) * f64::from(y[i])).sum();
        for &i in line {
            grad_x[i] = f64::from(y[i]) * (f64::from(grad_y[i]) - dot);
        }
    });
    round(&grad_x)
}

/// The gradient of x from the output y of [`log_softmax`]: grad_y − e^y · Σ grad_y.
#[must_use]
pub fn log_softmax_backward(op: LogSoftmax, y: &[f32], y_shape: &[usize], grad_y: &[f32]) -> Vec<f32> {
    check_len("y", y, y_shape);
    check_len("grad_y", grad_y, y_shape);
    let mut grad_x = vec![0.0; y.len()];
    for_each_line(valid(op.check(y_shape)), |line| {
        let sum: f64 = line.iter().map(|&i| f64::from(grad_y[i])).sum();
        for &i in line {
            grad_x[i] = f64::from(grad_y[i]) - f64::from(y[i]).exp() * sum;
        }
    });
    round(&grad_x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_sum_to_one_even_for_large_inputs() {
        let x = [1000.0, 1001.0, -1000.0, 5.0, 5.0, 5.0];
        let y = softmax(Softmax { axis: 1 }, &x, &[2, 3]);
        assert!((y[0] + y[1] - 1.0).abs() < 1e-6 && y[2] == 0.0);
        assert_eq!(y[3..], [1.0_f32 / 3.0; 3]);
        let columns = softmax(Softmax { axis: 0 }, &[0.0, 1.0, 0.0, 1.0], &[2, 2]);
        assert_eq!(columns, [0.5; 4]);
        assert_eq!(log_softmax(LogSoftmax { axis: 0 }, &[3.0], &[1]), [0.0]);
        assert!(softmax(Softmax { axis: 1 }, &[], &[2, 0]).is_empty());
    }
}
