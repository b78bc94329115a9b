//! Shapes of convolutions that between them meet every branch of every kernel.

use tilewright::ops::Conv2d;

use crate::common::full;

pub const PLAIN: Conv2d = Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };

/// Parameters, x and weight.
pub type Shape = (Conv2d, [usize; 4], [usize; 4]);

/// Around the tiles, with stride, padding, dilation and groups, one channel and many, and without an element.
pub fn shapes() -> Vec<Shape> {
    let same = Conv2d { padding: [1, 1], ..PLAIN };
    let down = Conv2d { stride: [2, 2], padding: [1, 1], ..PLAIN };
    let mut shapes = vec![
        (same, [1, 1, 5, 7], [3, 1, 3, 3]),
        (same, [2, 3, 9, 8], [8, 3, 3, 3]),
        (same, [2, 8, 7, 9], [16, 8, 3, 3]),
        (same, [1, 16, 12, 20], [36, 16, 3, 3]),
        (same, [3, 5, 6, 6], [7, 5, 3, 3]),
        (down, [2, 8, 11, 14], [12, 8, 3, 3]),
        (PLAIN, [1, 4, 5, 6], [4, 4, 5, 6]),
        (Conv2d { stride: [3, 3], ..PLAIN }, [2, 4, 13, 11], [6, 4, 2, 4]),
        (Conv2d { dilation: [2, 3], padding: [2, 3], ..PLAIN }, [1, 8, 9, 11], [8, 8, 3, 3]),
        (Conv2d { stride: [2, 1], padding: [0, 2], dilation: [1, 2], groups: 1 }, [2, 3, 8, 9], [5, 3, 3, 2]),
        (Conv2d { stride: [4, 4], ..PLAIN }, [1, 3, 16, 16], [20, 3, 4, 4]),
        (Conv2d { stride: [2, 2], padding: [3, 3], ..PLAIN }, [1, 3, 18, 17], [16, 3, 7, 7]),
        // Few channels, in rows of several runs of neighbours, of which the last is shorter.
        (Conv2d { padding: [2, 1], ..PLAIN }, [2, 2, 7, 19], [8, 2, 4, 3]),
        (Conv2d { stride: [2, 3], padding: [1, 5], ..PLAIN }, [2, 3, 9, 53], [4, 3, 3, 7]),
        // 3 × 3 around the tiles of minimal filtering: more padding, none, one pixel, one row.
        (Conv2d { padding: [2, 2], ..PLAIN }, [3, 4, 5, 3], [8, 4, 3, 3]),
        (PLAIN, [2, 12, 10, 6], [4, 12, 3, 3]),
        (PLAIN, [1, 4, 3, 3], [4, 4, 3, 3]),
        (Conv2d { padding: [0, 1], ..PLAIN }, [1, 36, 3, 17], [8, 36, 3, 3]),
        (Conv2d { padding: [3, 1], ..PLAIN }, [1, 4, 6, 4], [4, 4, 3, 3]),
        // Padding wider than the kernel, so that whole windows lie outside.
        (Conv2d { padding: [3, 4], ..PLAIN }, [1, 4, 4, 4], [4, 4, 2, 2]),
    ];
    // 1 × 1, around the multiples of the tiles.
    for [pixels, inputs, outputs] in
        [[1, 1, 1], [8, 4, 4], [9, 20, 33], [16, 64, 68], [33, 17, 8], [65, 12, 130]]
    {
        shapes.push((PLAIN, [2, inputs, 1, pixels], [outputs, inputs, 1, 1]));
    }
    shapes.push((Conv2d { stride: [2, 2], ..PLAIN }, [2, 8, 7, 7], [16, 8, 1, 1]));
    // Groups: grouped, depthwise, and depthwise with two filters to a channel.
    shapes.push((Conv2d { groups: 2, ..same }, [2, 8, 6, 7], [12, 4, 3, 3]));
    shapes.push((Conv2d { groups: 3, ..down }, [1, 9, 7, 7], [6, 3, 3, 3]));
    for channels in [4, 12, 5] {
        shapes.push((Conv2d { groups: channels, ..same }, [2, channels, 7, 9], [channels, 1, 3, 3]));
        shapes.push((Conv2d { groups: channels, ..down }, [1, channels, 9, 8], [channels, 1, 3, 3]));
        shapes.push((Conv2d { groups: channels, ..same }, [1, channels, 5, 5], [2 * channels, 1, 3, 3]));
    }
    let wide = Conv2d { groups: 8, padding: [2, 2], dilation: [2, 1], ..PLAIN };
    shapes.push((wide, [1, 8, 9, 9], [8, 1, 3, 5]));
    // Depthwise in several bands of rows, of which the last is shorter; rows that no window reaches; rows that wait long.
    shapes.push((Conv2d { groups: 4, ..same }, [2, 4, 35, 6], [4, 1, 3, 3]));
    shapes.push((Conv2d { groups: 5, ..down }, [1, 5, 37, 9], [5, 1, 3, 3]));
    let [sparse, slow] = [([3, 2], [1, 0], [1, 1]), ([2, 1], [4, 6], [3, 2])]
        .map(|(stride, padding, dilation)| Conv2d { stride, padding, dilation, groups: 4 });
    shapes.push((sparse, [1, 4, 52, 7], [4, 1, 2, 1]));
    // Depthwise with strides: blocks at odd places, taps that reach back and ahead, more padding than kernel, and rows of
    // a block that no tap reaches; strides that are too long for blocks.
    let strided = [
        ([2, 2], [0, 0], [1, 1], [3, 3], [9, 10]),
        ([2, 2], [2, 2], [1, 1], [5, 5], [11, 8]),
        ([2, 2], [5, 4], [1, 1], [3, 3], [6, 7]),
        ([2, 2], [1, 2], [2, 2], [3, 3], [9, 11]),
        ([1, 2], [1, 1], [1, 1], [3, 3], [5, 18]),
        ([4, 3], [1, 2], [1, 2], [4, 3], [17, 16]),
        ([5, 5], [2, 1], [1, 1], [3, 6], [16, 14]),
        ([2, 2], [1, 1], [1, 1], [3, 3], [1, 1]),
        // Twice the taps, on the same way.
        ([2, 2], [3, 3], [1, 1], [7, 7], [12, 13]),
    ];
    let strided =
        strided.into_iter().enumerate().filter(|(_, (_, _, _, kernel, _))| full() || *kernel != [7, 7]);
    for (at, (stride, padding, dilation, kernel, extent)) in strided {
        // Whole vec4s of channels or not is another kernel, and so is each extent; both together are the slowest to compile.
        for channels in if full() { &[4, 7][..] } else { &[4, 7][at % 2..][..1] } {
            let channels = *channels;
            let op = Conv2d { stride, padding, dilation, groups: channels };
            shapes.push((op, [3, channels, extent[0], extent[1]], [channels, 1, kernel[0], kernel[1]]));
        }
    }
    shapes.push((slow, [1, 4, 40, 9], [4, 1, 3, 5]));
    let large = if full() { [7, 7] } else { [5, 5] };
    shapes.push((Conv2d { groups: 4, padding: [3, 3], ..PLAIN }, [1, 4, 17, 17], [4, 1, large[0], large[1]]));
    // Nothing to do, or nothing to sum.
    shapes.push((same, [0, 3, 5, 5], [4, 3, 3, 3]));
    shapes.push((same, [1, 0, 4, 4], [3, 0, 3, 3]));
    shapes
}
