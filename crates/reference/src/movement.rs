//! Movement: what lies where. A reshape moves nothing, so it has no function here.

use tilewright_ops::{SliceRange, TapTable, concat_shape, pad_shape, permute_shape, slice_shape};

use crate::indexing::{check_len, strided_indices, strides, valid};

/// Axis `i` of the result is axis `axes[i]` of x. The gradient is the inverse permutation of grad_y.
#[must_use]
pub fn permute<T: Copy>(x: &[T], x_shape: &[usize], axes: &[usize]) -> Vec<T> {
    check_len("x", x, x_shape);
    let y_shape = valid(permute_shape(x_shape, axes));
    let x_strides = strides(x_shape);
    let moved: Vec<usize> = axes.iter().map(|&axis| x_strides[axis]).collect();
    strided_indices(&y_shape, &moved, 0).into_iter().map(|index| x[index]).collect()
}

/// N C H W to N H W C: the order a 4-D activation has in memory.
#[must_use]
pub fn to_channels_last<T: Copy>(x: &[T], x_shape: [usize; 4]) -> Vec<T> {
    permute(x, &x_shape, &[0, 2, 3, 1])
}

/// Back from N H W C; `x_shape` is the logical shape N C H W.
#[must_use]
pub fn from_channels_last<T: Copy>(x: &[T], [n, c, h, w]: [usize; 4]) -> Vec<T> {
    permute(x, &[n, h, w, c], &[0, 3, 1, 2])
}

/// Where the elements of a slice lie in x.
fn slice_indices(x_shape: &[usize], ranges: &[SliceRange]) -> Vec<usize> {
    let y_shape = valid(slice_shape(x_shape, ranges));
    let x_strides = strides(x_shape);
    let offset = x_strides.iter().zip(ranges).map(|(stride, range)| stride * range.start).sum();
    let steps: Vec<usize> = x_strides.iter().zip(ranges).map(|(stride, range)| stride * range.step).collect();
    strided_indices(&y_shape, &steps, offset)
}

/// The elements of x at one range of indices for each axis.
#[must_use]
pub fn slice<T: Copy>(x: &[T], x_shape: &[usize], ranges: &[SliceRange]) -> Vec<T> {
    check_len("x", x, x_shape);
    slice_indices(x_shape, ranges).into_iter().map(|index| x[index]).collect()
}

/// The gradient of x through [`slice()`]: grad_y in its place, zero elsewhere.
#[must_use]
pub fn slice_backward(grad_y: &[f32], x_shape: &[usize], ranges: &[SliceRange]) -> Vec<f32> {
    check_len("grad_y", grad_y, &valid(slice_shape(x_shape, ranges)));
    let mut grad_x = vec![0.0; x_shape.iter().product()];
    for (index, &grad) in slice_indices(x_shape, ranges).into_iter().zip(grad_y) {
        grad_x[index] = grad;
    }
    grad_x
}

/// Operands, each with its shape, joined along `axis`. The gradient of each is its slice of grad_y.
#[must_use]
pub fn concat<T: Copy>(operands: &[(&[T], &[usize])], axis: usize) -> Vec<T> {
    let shapes: Vec<&[usize]> = operands.iter().map(|&(_, shape)| shape).collect();
    let y_shape = valid(concat_shape(&shapes, axis));
    let mut y = Vec::with_capacity(y_shape.iter().product());
    for outer in 0..y_shape[..axis].iter().product() {
        for &(x, shape) in operands {
            check_len("operand", x, shape);
            let run: usize = shape[axis..].iter().product();
            y.extend_from_slice(&x[outer * run..(outer + 1) * run]);
        }
    }
    y
}

/// x surrounded by `value`; `padding` holds the elements added before and after along each axis. The gradient is the
/// slice of grad_y in which x lies.
#[must_use]
pub fn pad<T: Copy>(x: &[T], x_shape: &[usize], padding: &[(usize, usize)], value: T) -> Vec<T> {
    check_len("x", x, x_shape);
    let y_shape = valid(pad_shape(x_shape, padding));
    let mut y = vec![value; y_shape.iter().product()];
    let inner: Vec<SliceRange> = x_shape
        .iter()
        .zip(padding)
        .map(|(&extent, &(before, _))| SliceRange::new(before, before + extent))
        .collect();
    for (index, &x) in slice_indices(&y_shape, &inner).into_iter().zip(x) {
        y[index] = x;
    }
    y
}

/// The axes `axis` and `axis + 1` drawn anew by a table for each.
#[must_use]
pub fn resample(x: &[f32], x_shape: &[usize], axis: usize, tables: &[TapTable; 2]) -> Vec<f32> {
    check_len("x", x, x_shape);
    let [rows, columns] = tables;
    let (height, width) = (x_shape[axis], x_shape[axis + 1]);
    let outer: usize = x_shape[..axis].iter().product();
    let inner: usize = x_shape[axis + 2..].iter().product();
    let taps = |table: &TapTable, place: usize| -> Vec<(usize, f64)> {
        let entries = &table.entries()[place * table.taps()..(place + 1) * table.taps()];
        entries.iter().map(|&[index, weight]| (index as usize, f64::from(weight))).collect()
    };
    let mut y = vec![];
    for o in 0..outer {
        for i in 0..rows.len() {
            for j in 0..columns.len() {
                for n in 0..inner {
                    let mut sum = 0.0;
                    for (a, u) in taps(rows, i) {
                        for (b, v) in taps(columns, j) {
                            // A tap without weight is none, whatever lies there.
                            if u * v != 0.0 {
                                sum += u * v * f64::from(x[((o * height + a) * width + b) * inner + n]);
                            }
                        }
                    }
                    y.push(sum as f32);
                }
            }
        }
    }
    y
}

/// The elements of `axis` at `indices`; a negative one counts from the back, one outside gives 0.
#[must_use]
pub fn gather<T: Copy + Default>(x: &[T], x_shape: &[usize], axis: usize, indices: &[i32]) -> Vec<T> {
    check_len("x", x, x_shape);
    let extent = x_shape[axis] as i64;
    let outer: usize = x_shape[..axis].iter().product();
    let inner: usize = x_shape[axis + 1..].iter().product();
    let mut y = vec![];
    for o in 0..outer {
        for &index in indices {
            let index = i64::from(index);
            let place = if index < 0 { index + extent } else { index };
            for n in 0..inner {
                let inside = (0..extent).contains(&place);
                y.push(if inside {
                    x[(o * x_shape[axis] + place as usize) * inner + n]
                } else {
                    T::default()
                });
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [i32; 6] = [1, 2, 3, 4, 5, 6];

    #[test]
    fn moves() {
        assert_eq!(permute(&X, &[2, 3], &[1, 0]), [1, 4, 2, 5, 3, 6]);
        assert_eq!(to_channels_last(&X, [1, 2, 1, 3]), [1, 4, 2, 5, 3, 6]);
        assert_eq!(from_channels_last(&to_channels_last(&X, [1, 2, 1, 3]), [1, 2, 1, 3]), X);
        let ranges = [SliceRange::full(2), SliceRange { start: 0, end: 3, step: 2 }];
        assert_eq!(slice(&X, &[2, 3], &ranges), [1, 3, 4, 6]);
        assert_eq!(slice_backward(&[1.0, 2.0, 3.0, 4.0], &[2, 3], &ranges), [1.0, 0.0, 2.0, 3.0, 0.0, 4.0]);
        assert_eq!(concat(&[(&X, &[2, 3]), (&[7, 8], &[2, 1])], 1), [1, 2, 3, 7, 4, 5, 6, 8]);
        assert_eq!(concat(&[(&X[..2], &[1, 2]), (&X[2..], &[2, 2])], 0), X);
        assert_eq!(pad(&[1, 2], &[1, 2], &[(1, 0), (0, 1)], 9), [9, 9, 9, 1, 2, 9]);
    }
}
