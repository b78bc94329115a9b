//! Poolings.

use tilewright::ops::{AdaptiveAvgPool2d, Op, Pool2d, RoiAlign, RoiPool};

use super::{OpCase, data, fixed};

pub fn cases() -> Vec<OpCase> {
    let pool = Pool2d { stride: [1, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
    let overhanging = Pool2d { stride: [2, 1], padding: [1, 0], ceil_mode: true, ..Pool2d::new([2, 1]) };
    let inside = Pool2d { count_include_pad: false, ..pool };
    let divided = Pool2d { divisor_override: Some(5), dilation: [2, 1], ..pool };
    let mut all: Vec<_> = [
        Op::MaxPool2d { pool, indices: false },
        Op::MaxPool2d { pool: overhanging, indices: false },
        Op::AvgPool2d(pool),
        Op::AvgPool2d(overhanging),
        Op::AvgPool2d(inside),
        Op::AvgPool2d(divided),
        Op::SumPool2d(pool),
    ]
    .map(|op| OpCase::op(op, vec![data(&[2, 2, 5, 5])]))
    .into();
    for output in [[2, 3], [1, 1]] {
        all.push(OpCase::op(Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output }), vec![data(&[1, 2, 5, 4])]));
    }
    // Regions between 0.8 and 2.9, of images 0 to 2.
    for (output, sampling_ratio, aligned) in [([2, 3], 0, false), ([1, 2], 2, true)] {
        let op = RoiAlign { output, spatial_scale: 1.5, sampling_ratio, aligned };
        all.push(OpCase::op(Op::RoiAlign(op), vec![data(&[3, 2, 5, 4]), fixed(&[4, 5])]));
    }
    let op = RoiPool { output: [2, 1], spatial_scale: 1.5 };
    all.push(OpCase::op(Op::RoiPool(op), vec![data(&[3, 2, 5, 4]), fixed(&[4, 5])]));
    all
}
