//! Windows at the borders of an image: those that begin in the padding behind are dropped in `ceil_mode`, and a mean is over
//! the elements inside the padded extent. Values are PyTorch 1.13.1's where it takes the padding, else ONNX Runtime 1.32's.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, contexts};
use tilewright::{
    Context, Tensor,
    autograd::Var,
    ops::{Pool2d, PoolKind, Pooling},
    tensor::composite::{Pool3d, bordered_pool2d::in_time},
};

const MAX: usize = 0;
const COUNTED: usize = 1;
const INSIDE: usize = 2;

/// A pooling along one axis, and its maxima, means with the padding counted, and means without.
struct Row {
    x: &'static [f32],
    kernel: usize,
    stride: usize,
    pads: (usize, usize),
    expected: [&'static [f32]; 3],
}

const ROWS: [Row; 7] = [
    Row {
        x: &[1.0, 2.0, 3.0, 4.0, 5.0],
        kernel: 3,
        stride: 3,
        pads: (0, 2),
        expected: [&[3.0, 5.0], &[2.0, 3.0], &[2.0, 4.5]],
    },
    // The last window is cut off by the padded extent: its mean is over two places, not three.
    Row {
        x: &[1.0, 2.0, 3.0, 4.0],
        kernel: 3,
        stride: 3,
        pads: (0, 1),
        expected: [&[3.0, 4.0], &[2.0, 2.0], &[2.0, 4.0]],
    },
    Row {
        x: &[1.0, 2.0, 3.0, 4.0],
        kernel: 2,
        stride: 2,
        pads: (0, 1),
        expected: [&[2.0, 4.0], &[1.5, 3.5], &[1.5, 3.5]],
    },
    Row {
        x: &[1.0, 2.0, 3.0, 4.0, 5.0],
        kernel: 2,
        stride: 3,
        pads: (1, 1),
        expected: [&[1.0, 4.0], &[0.5, 3.5], &[1.0, 3.5]],
    },
    Row { x: &[1.0, 2.0], kernel: 2, stride: 3, pads: (1, 1), expected: [&[1.0], &[0.5], &[1.0]] },
    Row {
        x: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        kernel: 3,
        stride: 2,
        pads: (1, 1),
        expected: [&[2.0, 4.0, 6.0, 6.0], &[1.0, 3.0, 5.0, 3.0], &[1.5, 3.0, 5.0, 6.0]],
    },
    // No padding, a window that overhangs.
    Row {
        x: &[1.0, 2.0, 3.0, 4.0, 5.0],
        kernel: 2,
        stride: 2,
        pads: (0, 0),
        expected: [&[2.0, 4.0, 5.0], &[1.5, 3.5, 5.0], &[1.5, 3.5, 5.0]],
    },
];

/// The row along an axis of two or three, the others of one element.
fn laid(context: &Context, row: &Row, axes: usize, axis: usize) -> Tensor {
    let mut shape = vec![1; 2 + axes];
    shape[2 + axis] = row.x.len();
    Tensor::from_slice(context, row.x, &shape).unwrap()
}

fn ones<const N: usize>(axis: usize, value: usize) -> [usize; N] {
    let mut all = [1; N];
    all[axis] = value;
    all
}

fn pool2d(row: &Row, axis: usize, count_include_pad: bool) -> (Pool2d, [(usize, usize); 2]) {
    let mut border = [(0, 0); 2];
    border[axis] = row.pads;
    let op = Pool2d {
        stride: ones(axis, row.stride),
        ceil_mode: true,
        count_include_pad,
        ..Pool2d::new(ones(axis, row.kernel))
    };
    (op, border)
}

fn pool3d(row: &Row, axis: usize, count_include_pad: bool) -> Pool3d {
    let mut padding = [(0, 0); 3];
    padding[axis] = row.pads;
    Pool3d {
        stride: ones(axis, row.stride),
        padding,
        ceil_mode: true,
        count_include_pad,
        ..Pool3d::new(ones(axis, row.kernel))
    }
}

#[test]
fn windows_that_begin_in_the_padding_behind_are_dropped() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (at, row) in ROWS.iter().enumerate() {
            let mut check = |name: String, y: &Tensor, which: usize| {
                let (y, expected) = (y.to_vec::<f32>().unwrap(), row.expected[which]);
                assert_eq!(y.len(), expected.len(), "row {at}, {name}");
                cases.check(format!("row {at}, {name}"), close(&y, expected, 1e-6, 0.0));
            };
            for axis in 0..2 {
                let x = laid(&context, row, 2, axis);
                let var = Var::constant(x.clone());
                let (op, border) = pool2d(row, axis, true);
                check(format!("max {axis}"), &x.max_pool2d_bordered(border, &op).unwrap(), MAX);
                check(format!("Var max {axis}"), var.max_pool2d_bordered(border, &op).unwrap().tensor(), MAX);
                check(format!("counted {axis}"), &x.avg_pool2d_bordered(border, &op).unwrap(), COUNTED);
                let inside = Pool2d { count_include_pad: false, ..op };
                check(format!("inside {axis}"), &x.avg_pool2d_bordered(border, &inside).unwrap(), INSIDE);
                check(
                    format!("Var {axis}"),
                    var.avg_pool2d_bordered(border, &inside).unwrap().tensor(),
                    INSIDE,
                );
                // PyTorch's own padding: alike on both sides, at most half the kernel.
                if row.pads.0 == row.pads.1 && row.pads.0 <= row.kernel / 2 {
                    let mut padding = [0; 2];
                    padding[axis] = row.pads.0;
                    let [op, inside] = [op, inside].map(|op| Pool2d { padding, ..op });
                    check(format!("max_pool2d {axis}"), &x.max_pool2d_values(&op).unwrap(), MAX);
                    check(format!("avg_pool2d {axis}"), &x.avg_pool2d(&op).unwrap(), COUNTED);
                    check(format!("avg_pool2d inside {axis}"), &x.avg_pool2d(&inside).unwrap(), INSIDE);
                }
            }
            for axis in 0..3 {
                let x = laid(&context, row, 3, axis);
                check(format!("3-D max {axis}"), &x.max_pool3d(&pool3d(row, axis, true)).unwrap(), MAX);
                check(
                    format!("3-D counted {axis}"),
                    &x.avg_pool3d(&pool3d(row, axis, true)).unwrap(),
                    COUNTED,
                );
                check(
                    format!("3-D inside {axis}"),
                    &x.avg_pool3d(&pool3d(row, axis, false)).unwrap(),
                    INSIDE,
                );
            }
        }
    }
    cases.finish();
}

/// Sums are what a mean with padding counted is before its division; a window that was dropped is dropped there too.
#[test]
fn sums_have_the_same_windows() {
    for context in contexts() {
        let row = &ROWS[0];
        let (op, border) = pool2d(row, 1, true);
        let x = laid(&context, row, 2, 1);
        assert_eq!(x.sum_pool2d_bordered(border, &op).unwrap().to_vec::<f32>().unwrap(), [6.0, 9.0]);
        let y = laid(&context, row, 3, 0).sum_pool3d(&pool3d(row, 0, true)).unwrap();
        assert_eq!((y.to_vec::<f32>().unwrap(), y.shape()), (vec![6.0, 9.0], &[1, 1, 2, 1, 1][..]));
        let var = Var::constant(x).sum_pool2d_bordered(border, &op).unwrap();
        assert_eq!(var.tensor().to_vec::<f32>().unwrap(), [6.0, 9.0]);
    }
}

/// Taps at −1 and 2 over one element, and at 0 and 3: only dilation brings a window that sees no element. Its mean is 0, as
/// ONNX Runtime has it, and no NaN.
#[test]
fn a_mean_of_padding_alone_is_nothing() {
    for context in contexts() {
        let x = Tensor::from_slice(&context, &[7.0f32], &[1, 1, 1, 1]).unwrap();
        let pool =
            Pool2d { dilation: [1, 2], stride: [1, 1], count_include_pad: false, ..Pool2d::new([1, 2]) };
        let y = x.avg_pool2d_bordered([(0, 0), (1, 1)], &pool).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [0.0]);
        let volume = x.reshape(&[1, 1, 1, 1, 1]).unwrap();
        let pool = Pool3d {
            dilation: [2, 1, 1],
            stride: [1; 3],
            padding: [(1, 1), (0, 0), (0, 0)],
            count_include_pad: false,
            ..Pool3d::new([2, 1, 1])
        };
        assert_eq!(volume.avg_pool3d(&pool).unwrap().to_vec::<f32>().unwrap(), [0.0]);
    }
}

/// The gradient of what was dropped is nothing, that of what was kept goes to its elements.
#[test]
fn gradients_of_kept_windows_alone() {
    for context in contexts() {
        let row = &ROWS[0];
        let (op, border) = pool2d(row, 1, false);
        let gradient = |run: &dyn Fn(&Var) -> Var| {
            let x = Var::leaf(laid(&context, row, 2, 1));
            let y = run(&x);
            y.sum(&[0, 1, 2, 3], false).unwrap().backward().unwrap().get(&x).unwrap().to_vec::<f32>().unwrap()
        };
        assert_eq!(gradient(&|x| x.max_pool2d_bordered(border, &op).unwrap()), [0.0, 0.0, 1.0, 0.0, 1.0]);
        let third = 1.0 / 3.0;
        let found = gradient(&|x| x.avg_pool2d_bordered(border, &op).unwrap());
        close(&found, &[third, third, third, 0.5, 0.5], 1e-6, 0.0).unwrap();
    }
}

#[test]
fn windows_in_time() {
    // (extent, before, stride, windows): how many begin before the padding behind.
    for (extent, before, stride, windows, expected) in
        [(5, 0, 3, 3, 2), (5, 1, 3, 3, 2), (6, 1, 2, 4, 4), (1, 0, 1, 5, 1), (4, 0, 2, 2, 2), (0, 0, 1, 1, 1)]
    {
        assert_eq!(in_time(extent, before, stride, windows), expected, "{extent} {before} {stride}");
    }
    // The same rule in the shapes of PyTorch's pooling.
    let pool = Pool2d { stride: [1, 3], padding: [0, 1], ceil_mode: true, ..Pool2d::new([1, 2]) };
    for kind in PoolKind::ALL {
        assert_eq!(Pooling { kind, pool }.output_shape([1, 1, 1, 5]).unwrap(), [1, 1, 1, 2]);
    }
}
