//! Reshape, permute, slice, concat, pad, expand against the scalar reference: equal to the bit.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, random};
use tilewright::{Context, DType, Layout, Tensor, ops::SliceRange};
use tilewright_reference::movement as reference;

const LAYOUTS: [Layout; 2] = [Layout::RowMajor, Layout::ChannelsLast];

fn operand(context: &Context, shape: &[usize], layout: Layout) -> (Tensor, Vec<f32>) {
    let values = random(11, shape.iter().product(), -1.0, 1.0);
    (Tensor::from_slice(context, &values, shape).unwrap().to_layout(layout).unwrap(), values)
}

fn same(tensor: &Tensor, expected: &[f32]) -> Result<(), String> {
    close(&tensor.to_vec::<f32>().unwrap(), expected, 0.0, 0.0)
}

#[test]
fn reshape_reads_row_major() {
    let mut cases = Cases::new();
    for context in contexts() {
        for layout in LAYOUTS {
            let (x, values) = operand(&context, &[2, 3, 4, 5], layout);
            for shape in [&[6, -1][..], &[2, 60], &[120], &[1, 2, 1, 60], &[5, 4, 3, 2]] {
                cases.check(format!("{shape:?} {layout:?}"), same(&x.reshape(shape).unwrap(), &values));
            }
            assert_eq!(x.flatten(1).unwrap().shape(), [2, 60]);
            assert!(x.reshape(&[7, -1]).is_err());
        }
    }
    cases.finish();
}

#[test]
fn permute_slice_pad_and_their_ways_back() {
    let shape = [2, 3, 5, 7];
    let mut cases = Cases::new();
    for context in contexts() {
        for layout in LAYOUTS {
            let (x, values) = operand(&context, &shape, layout);
            for axes in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 3, 1], [1, 0, 3, 2]] {
                let expected = reference::permute(&values, &shape, &axes);
                cases.check(
                    format!("permute {axes:?} {layout:?}"),
                    same(&x.permute(&axes).unwrap(), &expected),
                );
            }
            let range = |start, end, step| SliceRange { start, end, step };
            for ranges in [
                [range(0, 2, 1), range(1, 3, 1), range(0, 5, 2), range(2, 7, 3)],
                [range(1, 2, 1), range(0, 3, 2), range(4, 5, 1), range(0, 7, 1)],
                [range(0, 2, 1), range(2, 2, 1), range(0, 5, 1), range(0, 7, 1)],
            ] {
                let name = format!("slice {ranges:?} {layout:?}");
                let y = x.slice(&ranges).unwrap();
                let expected = reference::slice(&values, &shape, &ranges);
                cases.check(&name, same(&y, &expected));
                let back = Tensor::slice_backward(&shape, &ranges, &y).unwrap();
                cases.check(&name, same(&back, &reference::slice_backward(&expected, &shape, &ranges)));
            }
            for padding in [[(0, 0), (1, 2), (0, 3), (2, 0)], [(1, 1), (0, 0), (0, 0), (0, 0)]] {
                let expected = reference::pad(&values, &shape, &padding, 0.5);
                cases.check(
                    format!("pad {padding:?} {layout:?}"),
                    same(&x.pad(&padding, 0.5).unwrap(), &expected),
                );
            }
        }
    }
    cases.finish();
}

#[test]
fn concat_along_every_axis() {
    let mut cases = Cases::new();
    for context in contexts() {
        for axis in 0..4 {
            let mut other = [2, 3, 4, 5];
            other[axis] = 6;
            for (first, second) in
                [(LAYOUTS[0], LAYOUTS[0]), (LAYOUTS[1], LAYOUTS[1]), (LAYOUTS[1], LAYOUTS[0])]
            {
                let (a, va) = operand(&context, &[2, 3, 4, 5], first);
                let (b, vb) = operand(&context, &other, second);
                let y = Tensor::concat(&[&a, &b, &a], axis).unwrap();
                let operands = [(&va[..], &[2, 3, 4, 5][..]), (&vb, &other), (&va, &[2, 3, 4, 5])];
                let expected = reference::concat(&operands, axis);
                cases.check(format!("axis {axis} {first:?} {second:?}"), same(&y, &expected));
            }
        }
        assert!(Tensor::concat(&[], 0).is_err());
    }
    cases.finish();
}

#[test]
fn expand_repeats() {
    for context in contexts() {
        let x = Tensor::from_slice(&context, &[1.0f32, 2.0, 3.0], &[3, 1]).unwrap();
        assert_eq!(x.expand(&[3, 2]).unwrap().to_vec::<f32>().unwrap(), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        assert!(x.expand(&[2, 2]).is_err());
    }
}

#[test]
fn expand_repeats_runs() {
    let mut cases = Cases::new();
    for context in contexts() {
        // Around the rows and columns that a thread takes: 8 and 64 rows, up to four columns.
        for (outer, rows, inner) in
            [(1, 5, 4), (1, 65, 12), (1, 130, 64), (2, 7, 96), (3, 70, 128), (2, 9, 20)]
        {
            let values = random(5, outer * inner, -1.0, 1.0);
            let expected: Vec<f32> = values.chunks(inner).flat_map(|run| run.repeat(rows)).collect();
            let x = Tensor::from_slice(&context, &values, &[outer, 1, inner]).unwrap();
            let y = x.expand(&[outer, rows, inner]).unwrap();
            let name = format!("{outer} × {rows} × {inner} {:?}", context.mode());
            cases.check(&name, same(&y, &expected));
            // The same memory as images, channels-last.
            let x = Tensor::from_slice(&context, &values, &[outer, inner, 1, 1]).unwrap();
            let y = x.to_layout(Layout::ChannelsLast).unwrap().expand(&[outer, inner, rows, 1]).unwrap();
            cases.check(&name, same(&y.permute(&[0, 2, 3, 1]).unwrap(), &expected));
        }
    }
    cases.finish();
}

#[test]
fn more_elements_than_65535_workgroups_of_one_axis() {
    // 4.3 million elements are 67,000 workgroups of 64.
    let count = 4_300_001;
    for context in contexts() {
        let values: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let x = Tensor::from_slice(&context, &values, &[count, 1]).unwrap();
        let y = x.slice(&[SliceRange { start: 1, end: count, step: 1 }, SliceRange::full(1)]).unwrap();
        same(&y, &values[1..]).unwrap();
    }
}

#[test]
fn half_precision_moves_as_well() {
    for context in contexts() {
        let (x, _) = common::random_tensor(&context, 5, &[2, 3, 4, 5]);
        let half = x.cast(DType::F16).unwrap();
        let expected = half.to_vec::<half::f16>().unwrap();
        let turned = x.to_layout(Layout::ChannelsLast).unwrap().cast(DType::F16).unwrap();
        assert_eq!(turned.layout(), Layout::ChannelsLast);
        assert_eq!(turned.to_vec::<half::f16>().unwrap(), expected);
        let back = half.permute(&[3, 1, 0, 2]).unwrap().permute(&[2, 1, 3, 0]).unwrap();
        assert_eq!((back.dtype(), back.to_vec::<half::f16>().unwrap()), (DType::F16, expected.clone()));
        let twice = Tensor::concat(&[&half, &turned], 0).unwrap().to_vec::<half::f16>().unwrap();
        assert_eq!(twice, [expected.clone(), expected].concat());
    }
}

#[test]
fn a_step_past_the_end_takes_one_element() {
    let context = context();
    let x = Tensor::from_slice(&context, &[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], &[3, 2]).unwrap();
    for step in [3, 1 << 33, 1 << 62, isize::MAX as usize, usize::MAX] {
        let ranges = [SliceRange { start: 1, end: 3, step }, SliceRange::full(2)];
        assert_eq!(x.slice(&ranges).unwrap().to_vec::<f32>().unwrap(), [2.0, 3.0]);
        let grad = Tensor::slice_backward(&[3, 2], &ranges, &Tensor::ones(&context, &[1, 2]).unwrap());
        assert_eq!(grad.unwrap().to_vec::<f32>().unwrap(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    }
}

/// Around the tiles of the transposing kernel (4×4, and 32 × 32 or 256 of a workgroup), around a thread's share of vec4s, and
/// around the runs that the device copies itself.
#[test]
fn tiles_vec4s_and_runs_of_every_size() {
    let mut cases = Cases::new();
    for context in contexts() {
        for shape in [
            [1, 4, 2, 2],
            [2, 8, 6, 6],
            [3, 12, 5, 7],
            [2, 28, 4, 9],
            [1, 32, 16, 16],
            [2, 36, 16, 18],
            [1, 64, 33, 8],
            [2, 3, 8, 8],
            [2, 6, 4, 4],
            [1, 260, 2, 130],
            [1, 4, 128, 132],
        ] {
            for layout in LAYOUTS {
                let (x, values) = operand(&context, &shape, layout);
                let name = |what: &str| format!("{what} {shape:?} {layout:?} {:?}", context.mode());
                let other = LAYOUTS[usize::from(layout == LAYOUTS[0])];
                cases.check(name("layout"), same(&x.to_layout(other).unwrap(), &values));
                cases.check(name("copy"), same(&x.copy().unwrap(), &values));
                for axes in
                    [[0, 2, 3, 1], [0, 3, 1, 2], [0, 2, 1, 3], [1, 0, 2, 3], [3, 1, 2, 0], [3, 2, 1, 0]]
                {
                    let expected = reference::permute(&values, &shape, &axes);
                    let y = x.permute(&axes).unwrap();
                    cases.check(name(&format!("permute {axes:?}")), same(&y, &expected));
                }
                let [n, c, h, w] = shape;
                for ranges in [
                    [
                        SliceRange::full(n),
                        SliceRange::new(c / 4, c - c / 4),
                        SliceRange::full(h),
                        SliceRange::full(w),
                    ],
                    [
                        SliceRange::new(n - 1, n),
                        SliceRange::full(c),
                        SliceRange::new(1, h),
                        SliceRange::full(w),
                    ],
                    [
                        SliceRange::full(n),
                        SliceRange::full(c),
                        SliceRange::full(h),
                        SliceRange::new(1, w - 1),
                    ],
                ] {
                    let expected = reference::slice(&values, &shape, &ranges);
                    let y = x.slice(&ranges).unwrap();
                    cases.check(name("slice"), same(&y, &expected));
                    let back = Tensor::slice_backward(&shape, &ranges, &y).unwrap();
                    let expected = reference::slice_backward(&expected, &shape, &ranges);
                    cases.check(name("slice backward"), same(&back, &expected));
                }
                for axis in 0..4 {
                    let (other, more) = operand(&context, &shape, layout);
                    let y = Tensor::concat(&[&x, &other, &x], axis).unwrap();
                    let parts = [(&values[..], &shape[..]), (&more, &shape), (&values, &shape)];
                    cases.check(name("concat"), same(&y, &reference::concat(&parts, axis)));
                }
            }
        }
    }
    cases.finish();
}

/// Rows of x that follow each other are read ahead of the walk across them: around the lanes of a team, in rows of four, the
/// longest such row, and shapes on either side of both; also with a batch and where rows of y lie whole pages apart.
#[test]
fn tall_matrices_turn_around() {
    let mut cases = Cases::new();
    for context in contexts() {
        for rows in [12, 28, 32, 36, 68, 132, 1024, 1028, 3072] {
            for columns in [4, 8, 12, 56, 124, 128, 132] {
                for batch in [1, 3] {
                    let shape = [batch, rows, columns];
                    let (x, values) = operand(&context, &shape, Layout::RowMajor);
                    let expected = reference::permute(&values, &shape, &[0, 2, 1]);
                    let y = x.permute(&[0, 2, 1]).unwrap();
                    cases.check(format!("{shape:?} {:?}", context.mode()), same(&y, &expected));
                }
            }
        }
    }
    cases.finish();
}
