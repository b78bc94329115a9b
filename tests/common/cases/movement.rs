//! What moves elements, and resizing.

use tilewright::ops::{Coordinates, DType, Interpolation, Op, Resize2d, SliceRange};

use super::{OpCase, data};

pub fn cases() -> Vec<OpCase> {
    let ranges = vec![SliceRange { start: 1, end: 4, step: 2 }, SliceRange::full(3)];
    let mut all = vec![
        OpCase::op(Op::Reshape(vec![3, 4]), vec![data(&[2, 6])]),
        OpCase::op(Op::Permute(vec![2, 0, 1]), vec![data(&[2, 3, 4])]),
        OpCase::op(Op::Permute(vec![0, 2, 3, 1]), vec![data(&[2, 3, 4, 5])]),
        OpCase::op(Op::Slice(ranges), vec![data(&[4, 3])]),
        OpCase::op(Op::Concat { axis: 1 }, vec![data(&[2, 3]), data(&[2, 1])]),
        OpCase::op(Op::Split { axis: 1, parts: vec![2, 1] }, vec![data(&[2, 3])]),
        OpCase::op(Op::Pad { padding: vec![(1, 0), (2, 1)], value: 0.5 }, vec![data(&[2, 3])]),
        OpCase::op(Op::Expand(vec![4, 2, 2, 3]), vec![data(&[2, 1, 3])]),
        OpCase::op(Op::Cast(DType::I32), vec![data(&[2, 3])]),
    ];
    let resize = Resize2d {
        size: [5, 2],
        scale: None,
        interpolation: Interpolation::Cubic { a: -0.75, exclude_outside: false },
        coordinates: Coordinates::HalfPixel,
    };
    all.push(OpCase::other("resample", vec![data(&[1, 2, 3, 4])], move |x| x[0].resize2d(&resize)));
    all
}
