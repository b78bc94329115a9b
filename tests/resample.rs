//! Axes drawn anew and elements by index, against the scalar reference.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, close, context, contexts, random, random_tensor};
use tilewright::{
    DType, Layout, Tensor,
    ops::{Coordinates, Interpolation, Resize2d, Rounding, TapTable},
};
use tilewright_reference::movement as reference;

const INTERPOLATIONS: [Interpolation; 7] = [
    Interpolation::Nearest(Rounding::Floor),
    Interpolation::Nearest(Rounding::PreferCeil),
    Interpolation::Linear,
    Interpolation::Cubic { a: -0.75, exclude_outside: false },
    Interpolation::Cubic { a: -0.5, exclude_outside: true },
    Interpolation::LinearAntialias { exclude_outside: true },
    Interpolation::CubicAntialias { a: -0.75, exclude_outside: false },
];

const COORDINATES: [Coordinates; 7] = [
    Coordinates::HalfPixel,
    Coordinates::PytorchHalfPixel,
    Coordinates::AlignCorners,
    Coordinates::Asymmetric,
    Coordinates::TfHalfPixelForNn,
    Coordinates::HalfPixelSymmetric,
    Coordinates::CropAndResize { start: 0.125, end: 0.75 },
];

/// `torch.nn.functional.interpolate(x, size, mode, antialias=True)` of PyTorch 1.13.1; its bicubic has Keys' −0.5.
#[test]
fn antialiasing_is_pytorchs() {
    let x = [
        [0.0f32, 1.0, 4.0, 9.0, 16.0, 25.0, 36.0],
        [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0],
        [2.0, 2.0, 2.0, 8.0, 8.0, 8.0, 8.0],
        [5.0, 4.0, 3.0, 2.0, 1.0, 0.0, -1.0],
        [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
    ]
    .concat();
    let bilinear = Interpolation::LinearAntialias { exclude_outside: true };
    let bicubic = Interpolation::CubicAntialias { a: -0.5, exclude_outside: true };
    let mut cases = Cases::new();
    for context in contexts() {
        let x = Tensor::from_slice(&context, &x, &[1, 1, 5, 7]).unwrap();
        for (interpolation, size, expected) in [
            (bilinear, [2, 3], &[2.162338f32, 7.53476, 15.019481, 2.454545, 2.703208, 2.454545][..]),
            (
                bilinear,
                [3, 10],
                &[
                    0.428571, 1.214286, 2.5, 4.3, 6.842856, 9.842856, 13.299998, 17.5, 22.214285, 26.142859,
                    2.444444, 2.566667, 2.722222, 2.877778, 5.199999, 6.522223, 6.677778, 6.833333, 6.988889,
                    7.111111, 2.714286, 2.164286, 1.75, 1.85, 1.207143, 0.907143, 0.95, 0.25, 0.064286,
                    0.142857,
                ],
            ),
            (bicubic, [2, 3], &[1.781251, 7.700312, 16.489048, 2.452245, 2.410627, 1.505274]),
            (
                bicubic,
                [3, 10],
                &[
                    0.200987, 0.922883, 2.359615, 4.315308, 6.843923, 9.945461, 13.619919, 17.867306,
                    23.358192, 27.322346, 2.58972, 2.729673, 2.804288, 2.865424, 5.409812, 6.785904, 6.48134,
                    6.455814, 6.335803, 6.220445, 2.850777, 2.197773, 1.656731, 1.790377, 1.019332, 0.663947,
                    0.724225, -0.120191, -0.372938, -0.256877,
                ],
            ),
        ] {
            let op = Resize2d { size, scale: None, interpolation, coordinates: Coordinates::HalfPixel };
            let y = x.resize2d(&op).unwrap().to_vec::<f32>().unwrap();
            cases.check(format!("{interpolation:?} {size:?}"), close(&y, expected, 1e-6, 2e-6));
        }
    }
    cases.finish();
}

/// An infinity reaches the places that stand for it and makes no NaN of the others.
#[test]
fn antialiased_places_beside_an_infinity() {
    let mut x = [1.0f32; 24];
    x[5] = f32::INFINITY;
    for context in contexts() {
        let x = Tensor::from_slice(&context, &x, &[1, 1, 1, 24]).unwrap();
        let interpolation = Interpolation::LinearAntialias { exclude_outside: true };
        let op = Resize2d { size: [1, 8], scale: None, interpolation, coordinates: Coordinates::HalfPixel };
        let y = x.resize2d(&op).unwrap().to_vec::<f32>().unwrap();
        // Place i is a triangle of 6 elements around 3 i + 1: the weight of element 5 in place 0 is 0.
        let inf = f32::INFINITY;
        assert_eq!(y[..4], [1.0, inf, inf, 1.0], "{y:?}");
        close(&y[4..], &[1.0; 4], 1e-6, 0.0).unwrap();
    }
}

#[test]
fn resizes_and_goes_back() {
    let mut cases = Cases::new();
    for context in contexts() {
        // Channels around the vec4, batches, one pixel, sizes up and down.
        for (shape, size) in [
            ([2, 3, 5, 7], [10, 3]),
            ([1, 4, 6, 5], [1, 13]),
            ([3, 5, 1, 1], [4, 4]),
            ([2, 8, 9, 17], [4, 8]),
            ([1, 1, 65, 3], [33, 9]),
            ([0, 4, 3, 3], [2, 2]),
        ] {
            let (x, values) = random_tensor(&context, 3, &shape);
            for (interpolation, coordinates) in
                INTERPOLATIONS.iter().flat_map(|&how| COORDINATES.map(|coordinates| (how, coordinates)))
            {
                let op = Resize2d { size, scale: None, interpolation, coordinates };
                let tables = op.tables([shape[2], shape[3]]).unwrap();
                let expected = reference::resample(&values, &shape, 2, &tables);
                for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                    let y = x.to_layout(layout).unwrap().resize2d(&op).unwrap();
                    assert_eq!(y.shape(), [shape[0], shape[1], size[0], size[1]]);
                    let name = format!("{shape:?} → {size:?} {interpolation:?} {coordinates:?} {layout:?}");
                    cases.check(&name, close(&y.to_vec().unwrap(), &expected, 1e-5, 2e-6));
                    let back = [tables[0].transposed(shape[2]), tables[1].transposed(shape[3])];
                    let grad_x = y.resample_by(&back).unwrap().to_vec::<f32>().unwrap();
                    let expected = reference::resample(&expected, y.shape(), 2, &back);
                    cases.check(format!("back, {name}"), close(&grad_x, &expected, 1e-5, 2e-5));
                }
            }
        }
    }
    cases.finish();
}

#[test]
fn any_two_neighbouring_axes() {
    let mut cases = Cases::new();
    for context in contexts() {
        let shape = [2, 3, 4, 5];
        let (x, values) = random_tensor(&context, 5, &shape);
        for axis in 0..3 {
            let tables = [
                TapTable::gather(&[shape[axis] - 1, 0, 1]),
                TapTable::resize(shape[axis + 1], 7, None, Interpolation::Linear, Coordinates::HalfPixel)
                    .unwrap(),
            ];
            let [rows, columns] = [0, 1].map(|at| Tensor::tap_table(&context, &tables[at]).unwrap());
            let expected = reference::resample(&values, &shape, axis, &tables);
            for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                let y = x.to_layout(layout).unwrap().resample(axis, &rows, &columns).unwrap();
                cases.check(
                    format!("axis {axis} {layout:?}"),
                    close(&y.to_vec().unwrap(), &expected, 1e-6, 1e-6),
                );
            }
        }
    }
    cases.finish();
}

#[test]
fn an_index_outside_is_held_at_the_edge() {
    for context in contexts() {
        let x = Tensor::from_slice(&context, &[1.0f32, 2.0, 3.0], &[1, 3]).unwrap();
        let identity = Tensor::tap_table(&context, &TapTable::identity(1)).unwrap();
        let wild = Tensor::from_slice(&context, &[1e9f32, 1.0, 2.0, 1.0], &[2, 1, 2]).unwrap();
        let y = x.resample(0, &identity, &wild).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [3.0, 3.0]);
    }
}

#[test]
fn gathers_along_any_axis() {
    let mut cases = Cases::new();
    for context in contexts() {
        for (shape, axis, index_shape) in [
            (&[7][..], 0, &[4][..]),
            (&[3, 5], 1, &[2, 3]),
            (&[3, 5], 0, &[]),
            (&[2, 3, 4, 5], 2, &[6]),
            (&[2, 3, 4, 5], 1, &[2, 2]),
            (&[65, 3], 0, &[300]),
            (&[4, 2], 0, &[0]),
        ] {
            let (x, values) = random_tensor(&context, 7, shape);
            let extent = shape[axis] as f32;
            let count = index_shape.iter().product();
            // One beyond the axis on either side.
            let indices: Vec<i32> =
                random(8, count, -extent - 1.0, extent + 1.0).iter().map(|&at| at.floor() as i32).collect();
            let by = Tensor::from_slice(&context, &indices, index_shape).unwrap();
            let expected = reference::gather(&values, shape, axis, &indices);
            for layout in [Layout::RowMajor, Layout::ChannelsLast] {
                let y = x.to_layout(layout).unwrap().gather(axis, &by).unwrap();
                let name = format!("{shape:?} axis {axis} by {index_shape:?} {layout:?}");
                cases.check(&name, close(&y.to_vec().unwrap(), &expected, 0.0, 0.0));
            }
        }
        let numbers = Tensor::from_slice(&context, &[10i32, 20, 30], &[3]).unwrap();
        let by = Tensor::from_slice(&context, &[-1i32, 0], &[2]).unwrap();
        assert_eq!(numbers.gather(0, &by).unwrap().to_vec::<i32>().unwrap(), [30, 10]);
    }
    cases.finish();
}

#[test]
fn wrong_operands_are_typed_errors() {
    let context = context();
    let x = Tensor::zeros(&context, &[2, 3]).unwrap();
    let table = Tensor::tap_table(&context, &TapTable::identity(3)).unwrap();
    let message = |outcome: tilewright::tensor::Result<Tensor>| outcome.unwrap_err().to_string();
    assert!(message(x.resample(1, &table, &table)).contains("resample"));
    assert!(message(x.resample(0, &x, &table)).contains("rows"));
    assert!(
        message(x.resize2d(&Resize2d {
            size: [1, 1],
            scale: None,
            interpolation: Interpolation::Linear,
            coordinates: Coordinates::HalfPixel,
        }))
        .contains("four")
    );
    let by = Tensor::from_slice(&context, &[0i32], &[1]).unwrap();
    assert!(message(x.gather(2, &by)).contains("gather"));
    assert!(message(x.gather(0, &x)).contains("i32"));
    assert!(message(x.cast(DType::F16).unwrap().gather(0, &by)).contains("f16"));
}
