//! Reductions over any axes.

use tilewright_ops::{ReduceOp, argmax_shape};

use crate::indexing::{broadcast_indices, check_len, round, valid};

/// Reduces x over `axes` (none means all). The elements come in the order of the shape without those axes, so `keepdim`
/// makes no difference to them.
#[must_use]
pub fn reduce(op: ReduceOp, x: &[f32], x_shape: &[usize], axes: &[usize]) -> Vec<f32> {
    check_len("x", x, x_shape);
    let kept = valid(op.output_shape(x_shape, axes, true));
    let groups: usize = kept.iter().product();
    let start = match op {
        ReduceOp::Sum | ReduceOp::Mean => 0.0,
        ReduceOp::Max => f64::NEG_INFINITY,
        ReduceOp::Min => f64::INFINITY,
        ReduceOp::Prod => 1.0,
    };
    let mut y = vec![start; groups];
    // An element belongs to the output element that would be broadcast to it.
    for (group, &x) in broadcast_indices(&kept, x_shape).into_iter().zip(x) {
        let x = f64::from(x);
        let so_far = y[group];
        y[group] = match op {
            ReduceOp::Sum | ReduceOp::Mean => so_far + x,
            ReduceOp::Prod => so_far * x,
            ReduceOp::Max => {
                if x.is_nan() || x > so_far {
                    x
                } else {
                    so_far
                }
            }
            ReduceOp::Min => {
                if x.is_nan() || x < so_far {
                    x
                } else {
                    so_far
                }
            }
        };
    }
    if op == ReduceOp::Mean {
        // 0 / 0 is NaN, as PyTorch's mean of nothing.
        let count = reduced_count(x_shape, &kept);
        y.iter_mut().for_each(|sum| *sum /= count);
    }
    round(&y)
}

/// The gradient of x, given grad_y in the order of [`reduce`]'s result. A maximum or minimum found several times shares
/// its gradient evenly, as torch.amax and torch.amin do.
#[must_use]
pub fn reduce_backward(
    op: ReduceOp,
    x: &[f32],
    x_shape: &[usize],
    axes: &[usize],
    grad_y: &[f32],
) -> Vec<f32> {
    check_len("x", x, x_shape);
    let kept = valid(op.output_shape(x_shape, axes, true));
    check_len("grad_y", grad_y, &kept);
    let groups = broadcast_indices(&kept, x_shape);
    let spread = |group: usize| f64::from(grad_y[group]);
    let grad_x: Vec<f64> = match op {
        ReduceOp::Sum => groups.into_iter().map(spread).collect(),
        ReduceOp::Mean => {
            let count = reduced_count(x_shape, &kept);
            groups.into_iter().map(|group| spread(group) / count).collect()
        }
        // The product of the others: of those before, times those behind.
        ReduceOp::Prod => {
            let mut others = vec![1.0; x.len()];
            for order in [(0..x.len()).collect::<Vec<_>>(), (0..x.len()).rev().collect()] {
                let mut so_far = vec![1.0; grad_y.len()];
                for at in order {
                    others[at] *= so_far[groups[at]];
                    so_far[groups[at]] *= f64::from(x[at]);
                }
            }
            (0..x.len()).map(|at| spread(groups[at]) * others[at]).collect()
        }
        ReduceOp::Max | ReduceOp::Min => {
            let y = reduce(op, x, x_shape, axes);
            let mut winners = vec![0_u32; y.len()];
            for (&group, &x) in groups.iter().zip(x) {
                winners[group] += u32::from(x == y[group]);
            }
            // A NaN has no winner: 0 / 0 for all of its group, as in PyTorch.
            let share = |(group, &x): (usize, &f32)| {
                f64::from(x == y[group]) * spread(group) / f64::from(winners[group])
            };
            groups.into_iter().zip(x).map(share).collect()
        }
    };
    round(&grad_x)
}

/// Where the largest element over `axes` (none means all) lies: the index along the axis, or for several axes the
/// row-major index among them. The first of equal elements wins; the first NaN wins over everything.
#[must_use]
pub fn argmax(x: &[f32], x_shape: &[usize], axes: &[usize]) -> Vec<i32> {
    check_len("x", x, x_shape);
    let kept = valid(argmax_shape(x_shape, axes, true));
    let count: usize = kept.iter().product();
    // Largest element so far, where it was, and how many elements were seen: row-major order visits each group in the
    // row-major order of its own axes.
    let mut best = vec![(f32::NEG_INFINITY, 0, 0); count];
    for (group, &x) in broadcast_indices(&kept, x_shape).into_iter().zip(x) {
        let (largest, index, seen) = &mut best[group];
        if x > *largest || (x.is_nan() && !largest.is_nan()) {
            (*largest, *index) = (x, *seen);
        }
        *seen += 1;
    }
    best.into_iter().map(|(_, index, _)| index).collect()
}

/// How many elements share an output element.
fn reduced_count(x_shape: &[usize], kept: &[usize]) -> f64 {
    let reduced =
        x_shape.iter().zip(kept).filter(|&(extent, kept)| extent != kept).map(|(&extent, _)| extent);
    reduced.product::<usize>() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f32; 6] = [1.0, 5.0, 3.0, 5.0, 2.0, 5.0];

    #[test]
    fn reduces_over_any_axes() {
        assert_eq!(reduce(ReduceOp::Sum, &X, &[2, 3], &[0]), [6.0, 7.0, 8.0]);
        assert_eq!(reduce(ReduceOp::Mean, &X, &[2, 3], &[1]), [3.0, 4.0]);
        assert_eq!(reduce(ReduceOp::Max, &X, &[2, 3], &[]), [5.0]);
        assert_eq!(reduce(ReduceOp::Min, &X, &[1, 2, 3], &[0, 2]), [1.0, 2.0]);
    }

    #[test]
    fn equal_maxima_share() {
        assert_eq!(
            reduce_backward(ReduceOp::Max, &X, &[2, 3], &[1], &[1.0, 1.0]),
            [0.0, 1.0, 0.0, 0.5, 0.0, 0.5]
        );
    }

    #[test]
    fn argmax_takes_the_first() {
        assert_eq!(argmax(&X, &[2, 3], &[1]), [1, 0]);
        assert_eq!(argmax(&X, &[2, 3], &[0]), [1, 0, 1]);
        assert_eq!(argmax(&X, &[2, 3], &[]), [1]);
        assert_eq!(argmax(&[f32::NEG_INFINITY; 2], &[2], &[]), [0]);
        assert_eq!(argmax(&[1.0, f32::NAN, 2.0, f32::NAN], &[4], &[]), [1]);
        // Over axes 0 and 2 the index counts rows of axis 2 within axis 0.
        assert_eq!(argmax(&[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0], &[2, 2, 2], &[0, 2]), [1, 2]);
    }

    #[test]
    fn nothing() {
        assert_eq!(reduce(ReduceOp::Sum, &[], &[0, 2], &[0]), [0.0, 0.0]);
        assert!(reduce(ReduceOp::Mean, &[], &[0, 2], &[0]).iter().all(|mean| mean.is_nan()));
        assert!(reduce(ReduceOp::Max, &[], &[2, 0, 3], &[0]).is_empty());
    }
}
