//! Elements by index, and to their index. A negative index counts from the back; one that is outside gives the default, or is
//! left out.

use tilewright_ops::{ScatterReduction, indexing};

use crate::indexing::{check_len, strides, valid};

/// What an element and a scattered one become.
pub trait Update: Copy + Default {
    /// Of the element that is there and of one that comes.
    fn update(reduction: ScatterReduction, old: Self, value: Self) -> Self;
}

impl Update for f32 {
    fn update(reduction: ScatterReduction, old: Self, value: Self) -> Self {
        match reduction {
            ScatterReduction::Replace => value,
            ScatterReduction::Add => old + value,
            ScatterReduction::Mul => old * value,
            ScatterReduction::Max => {
                if old.is_nan() || old >= value {
                    old
                } else {
                    value
                }
            }
            ScatterReduction::Min => {
                if old.is_nan() || old <= value {
                    old
                } else {
                    value
                }
            }
        }
    }
}

impl Update for i32 {
    fn update(reduction: ScatterReduction, old: Self, value: Self) -> Self {
        match reduction {
            ScatterReduction::Replace => value,
            ScatterReduction::Add => old.wrapping_add(value),
            ScatterReduction::Mul => old.wrapping_mul(value),
            ScatterReduction::Max => old.max(value),
            ScatterReduction::Min => old.min(value),
        }
    }
}

fn place(index: i32, extent: usize) -> Option<usize> {
    let counted = i64::from(index) + if index < 0 { extent as i64 } else { 0 };
    usize::try_from(counted).ok().filter(|&place| place < extent)
}

/// For each of `indices`, of shape `shape`, where in x lies what it names along `axis`.
fn along(x_shape: &[usize], axis: usize, indices: &[i32], shape: &[usize]) -> Vec<Option<usize>> {
    check_len("indices", indices, shape);
    let (own, to) = (strides(shape), strides(x_shape));
    let at = |(flat, &index): (usize, &i32)| {
        let mut base = 0;
        for other in (0..shape.len()).filter(|&other| other != axis) {
            base += flat / own[other] % shape[other] * to[other];
        }
        place(index, x_shape[axis]).map(|place| base + place * to[axis])
    };
    indices.iter().enumerate().map(at).collect()
}

/// For each tuple of `indices`, where in x the slice begins that it names; and the elements of a slice.
fn slices(x_shape: &[usize], batch: usize, indices: &[i32], shape: &[usize]) -> (Vec<Option<usize>>, usize) {
    check_len("indices", indices, shape);
    let named = shape[shape.len() - 1];
    let inner: usize = x_shape[batch + named..].iter().product();
    let places: usize = x_shape[batch..batch + named].iter().product();
    let tuples: usize = shape[batch..shape.len() - 1].iter().product();
    let start = |(at, tuple): (usize, &[i32])| {
        let mut flat = 0;
        for (&index, &extent) in tuple.iter().zip(&x_shape[batch..]) {
            flat = flat * extent + place(index, extent)?;
        }
        Some((at / tuples * places + flat) * inner)
    };
    (indices.chunks_exact(named).enumerate().map(start).collect(), inner)
}

fn taken<T: Copy + Default>(x: &[T], starts: &[Option<usize>], inner: usize) -> Vec<T> {
    let one = |start: &Option<usize>| {
        start.map_or_else(|| vec![T::default(); inner], |start| x[start..start + inner].to_vec())
    };
    starts.iter().flat_map(one).collect()
}

fn put<T: Update>(
    reduction: ScatterReduction,
    x: &[T],
    starts: &[Option<usize>],
    updates: &[T],
    inner: usize,
) -> Vec<T> {
    let mut y = x.to_vec();
    for (at, start) in starts.iter().enumerate().filter_map(|(at, start)| Some((at, (*start)?))) {
        for n in 0..inner {
            y[start + n] = T::update(reduction, y[start + n], updates[at * inner + n]);
        }
    }
    y
}

/// For each of `indices` the element of its line along `axis`.
#[must_use]
pub fn gather_elements<T: Copy + Default>(
    x: &[T],
    x_shape: &[usize],
    axis: usize,
    indices: &[i32],
    shape: &[usize],
) -> Vec<T> {
    check_len("x", x, x_shape);
    valid(indexing::gather_elements_shape(x_shape, axis, shape));
    taken(x, &along(x_shape, axis, indices, shape), 1)
}

/// x with each of `updates` put where the index beside it says.
#[must_use]
pub fn scatter_elements<T: Update>(
    reduction: ScatterReduction,
    (x, x_shape): (&[T], &[usize]),
    axis: usize,
    (indices, shape): (&[i32], &[usize]),
    updates: &[T],
) -> Vec<T> {
    check_len("x", x, x_shape);
    check_len("updates", updates, shape);
    valid(indexing::scatter_elements_shape(x_shape, axis, shape, shape));
    put(reduction, x, &along(x_shape, axis, indices, shape), updates, 1)
}

/// The slices that the tuples in the last axis of `indices` name.
#[must_use]
pub fn gather_nd<T: Copy + Default>(
    x: &[T],
    x_shape: &[usize],
    batch: usize,
    indices: &[i32],
    shape: &[usize],
) -> Vec<T> {
    check_len("x", x, x_shape);
    valid(indexing::gather_nd_shape(x_shape, batch, shape));
    let (starts, inner) = slices(x_shape, batch, indices, shape);
    taken(x, &starts, inner)
}

/// x with each slice of `updates` put where its tuple says.
#[must_use]
pub fn scatter_nd<T: Update>(
    reduction: ScatterReduction,
    (x, x_shape): (&[T], &[usize]),
    batch: usize,
    (indices, shape): (&[i32], &[usize]),
    updates: &[T],
) -> Vec<T> {
    check_len("x", x, x_shape);
    let (starts, inner) = slices(x_shape, batch, indices, shape);
    assert_eq!(updates.len(), starts.len() * inner, "updates: a slice for each tuple");
    put(reduction, x, &starts, updates, inner)
}

/// x with each slice of `updates` put where its index along `axis` says.
#[must_use]
pub fn scatter<T: Update>(
    reduction: ScatterReduction,
    (x, x_shape): (&[T], &[usize]),
    axis: usize,
    indices: &[i32],
    updates: &[T],
) -> Vec<T> {
    check_len("x", x, x_shape);
    let (outer, inner): (usize, usize) =
        (x_shape[..axis].iter().product(), x_shape[axis + 1..].iter().product());
    let start = |o: usize, index: i32| Some((o * x_shape[axis] + place(index, x_shape[axis])?) * inner);
    let starts: Vec<_> = (0..outer).flat_map(|o| indices.iter().map(move |&index| start(o, index))).collect();
    assert_eq!(updates.len(), starts.len() * inner, "updates: a slice for each index");
    put(reduction, x, &starts, updates, inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    /// What PyTorch 1.13.1 gives, but for indices outside, which it refuses.
    #[test]
    fn elements_go_where_pytorch_puts_them() {
        let indices = [0, -1, 1, 7];
        assert_eq!(gather_elements(&X, &[2, 3], 1, &indices, &[2, 2]), [1.0, 3.0, 5.0, 0.0]);
        assert_eq!(gather_elements(&X, &[2, 3], 0, &[1, 0, 1], &[1, 3]), [4.0, 2.0, 6.0]);
        let to = |reduction| {
            scatter_elements(
                reduction,
                (&X, &[2, 3]),
                1,
                (&[2, 2, 0, -4], &[2, 2]),
                &[10.0, 20.0, 30.0, 40.0],
            )
        };
        assert_eq!(to(ScatterReduction::Replace), [1.0, 2.0, 20.0, 30.0, 5.0, 6.0]);
        assert_eq!(to(ScatterReduction::Add), [1.0, 2.0, 33.0, 34.0, 5.0, 6.0]);
        assert_eq!(to(ScatterReduction::Mul), [1.0, 2.0, 600.0, 120.0, 5.0, 6.0]);
        assert_eq!(to(ScatterReduction::Max), [1.0, 2.0, 20.0, 30.0, 5.0, 6.0]);
        assert_eq!(to(ScatterReduction::Min), X);
    }

    /// The examples of ONNX's GatherND and ScatterND.
    #[test]
    fn slices_go_where_onnx_puts_them() {
        assert_eq!(gather_nd(&[0, 1, 2, 3], &[2, 2], 0, &[0, 0, 1, 1], &[2, 2]), [0, 3]);
        assert_eq!(gather_nd(&[0, 1, 2, 3], &[2, 2], 0, &[1, 0], &[2, 1]), [2, 3, 0, 1]);
        let x: Vec<i32> = (0..8).collect();
        assert_eq!(gather_nd(&x, &[2, 2, 2], 1, &[1, 0], &[2, 1]), [2, 3, 4, 5]);
        let x: Vec<i32> = (1..=8).collect();
        let y =
            scatter_nd(ScatterReduction::Replace, (&x, &[8]), 0, (&[4, 3, 1, 7], &[4, 1]), &[9, 10, 11, 12]);
        assert_eq!(y, [1, 11, 3, 10, 9, 6, 7, 12]);
        let y = scatter(ScatterReduction::Add, (&X, &[3, 2]), 0, &[2, 0, 2], &[1.0; 6]);
        assert_eq!(y, [2.0, 3.0, 3.0, 4.0, 7.0, 8.0]);
    }
}
