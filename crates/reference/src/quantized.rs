//! Operations on quantised numbers, in integers. Bytes come in as i32, whatever their type.

use tilewright_ops::{
    FakeQuantize, Pool2d, QConv2d, Quantization, Steps,
    quantized::{Addend, Residual},
};

use crate::indexing::{check_len, valid};

/// clamp(round(x / scale) + zero point) by `dtype`'s range, half to even. NaN becomes the lowest number.
pub fn quantize(
    x: &[f32],
    x_shape: &[usize],
    quantization: &Quantization,
    (low, high): (i32, i32),
) -> Vec<i32> {
    let number = |(at, &x): (usize, &f32)| {
        let (scale, zero) = numbers(quantization, x_shape, at);
        let steps = f64::from((x / scale).round_ties_even());
        if steps.is_nan() {
            low
        } else {
            (steps + f64::from(zero)).clamp(f64::from(low), f64::from(high)) as i32
        }
    };
    x.iter().enumerate().map(number).collect()
}

/// (x − zero point) · scale.
pub fn dequantize(x: &[i32], x_shape: &[usize], quantization: &Quantization) -> Vec<f32> {
    let number = |(at, &x): (usize, &i32)| {
        let (scale, zero) = numbers(quantization, x_shape, at);
        x.wrapping_sub(zero) as f32 * scale
    };
    x.iter().enumerate().map(number).collect()
}

/// (clamp(round(x / scale) + zero point) − zero point) · scale, half to even. A NaN stays one.
pub fn fake_quantize(
    op: &FakeQuantize,
    x: &[f32],
    x_shape: &[usize],
    scale: &[f32],
    zero_point: &[i32],
) -> Vec<f32> {
    let number = |(at, &x): (usize, &f32)| {
        let index = index(op.axis, x_shape, at);
        let (scale, zero) = (scale[index], zero_point[index] as f32);
        let step = (x / scale).round_ties_even() + zero;
        (step.clamp(op.low as f32, op.high as f32) - zero) * scale
    };
    x.iter().enumerate().map(number).collect()
}

/// The gradients of [`fake_quantize`] by x, straight through the rounding, and by the scale for each element (Esser et al., arXiv
/// 1902.08153).
pub fn fake_quantize_backward(
    op: &FakeQuantize,
    x: &[f32],
    x_shape: &[usize],
    scale: &[f32],
    zero_point: &[i32],
    grad_y: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let (low, high) = (op.low as f32, op.high as f32);
    let numbers = |(at, (&x, &grad_y)): (usize, (&f32, &f32))| {
        let index = index(op.axis, x_shape, at);
        let (steps, zero) = (x / scale[index], zero_point[index] as f32);
        let step = steps.round_ties_even() + zero;
        let slope = if step < low {
            low - zero
        } else if step > high {
            high - zero
        } else {
            steps.round_ties_even() - steps
        };
        let grad_x = if (low..=high).contains(&step) { grad_y } else { 0.0 };
        (grad_x, grad_y * (op.grad_factor * slope))
    };
    x.iter().zip(grad_y).enumerate().map(numbers).unzip()
}

/// Which scale is that of element `at`.
fn index(axis: Option<usize>, shape: &[usize], at: usize) -> usize {
    axis.map_or(0, |axis| {
        let inner: usize = shape[axis + 1..].iter().product();
        at / inner % shape[axis]
    })
}

/// The scale and zero point of element `at`.
fn numbers(quantization: &Quantization, shape: &[usize], at: usize) -> (f32, i32) {
    let index = index(quantization.axis(), shape, at);
    (quantization.scale()[index], quantization.zero_point()[index])
}

/// What becomes of a sum: clamp(round(sum · multiplier) + zero point).
pub fn requantize(sum: i32, multiplier: f32, y: &Steps) -> i32 {
    let steps = (sum as f32 * multiplier).round_ties_even();
    // Beyond any byte, so that the conversion saturates nowhere near one.
    let steps = steps.clamp(-65536.0, 65536.0) as i32;
    (steps + y.zero_point).clamp(y.low, y.high)
}

/// A term of several in fractions of a step.
fn fraction(number: i32, multiplier: f32) -> i32 {
    let steps = (number as f32 * multiplier).clamp(-Steps::REACH, Steps::REACH);
    (steps * (1u32 << Steps::FRACTION) as f32).round_ties_even() as i32
}

/// The number for a sum of fractions: rounded half to even.
fn whole(fractions: i32, y: &Steps) -> i32 {
    let (below, half) = (fractions >> Steps::FRACTION, 1 << (Steps::FRACTION - 1));
    let rest = fractions & ((1 << Steps::FRACTION) - 1);
    let up = rest > half || (rest == half && below & 1 == 1);
    (below + i32::from(up) + y.zero_point).clamp(y.low, y.high)
}

/// What is not always there beside x and the weight of a convolution, one number for each output channel each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conv2dExtras<'a> {
    /// The weight's zero points.
    pub weight_zero: Option<&'a [i32]>,
    /// Added to sums.
    pub bias: Option<&'a [i32]>,
    /// The scales of x and the weight by the result's.
    pub multiplier: Option<&'a [f32]>,
    /// Of the result's shape, and what its numbers stand for.
    pub residual: Option<(&'a [i32], Residual)>,
}

/// x N C H W, weight O (C/groups) KH KW. The result is N O OH OW: bytes, or sums where the operation has no steps.
pub fn qconv2d(
    op: &QConv2d,
    x: &[i32],
    x_shape: [usize; 4],
    weight: &[i32],
    weight_shape: [usize; 4],
    extras: &Conv2dExtras<'_>,
) -> Vec<i32> {
    let shape = valid(op.output_shape(x_shape, weight_shape, extras.residual.map(|(_, residual)| residual)));
    check_len("x", x, &x_shape);
    check_len("weight", weight, &weight_shape);
    let ([_, c, h, w], [outputs, each, kh, kw], conv) = (x_shape, weight_shape, &op.conv);
    let [batch, _, oh, ow] = shape;
    let mut y = Vec::with_capacity(shape.iter().product());
    for n in 0..batch {
        for o in 0..outputs {
            let group = o / (outputs / conv.groups);
            let weight_zero = extras.weight_zero.map_or(0, |zeros| zeros[o]);
            for row in 0..oh {
                for column in 0..ow {
                    let mut sum = extras.bias.map_or(0, |bias| bias[o]);
                    for i in 0..each {
                        for ky in 0..kh {
                            for kx in 0..kw {
                                let at = |start: usize, tap: usize, axis: usize, extent: usize| {
                                    let place = start * conv.stride[axis] + tap * conv.dilation[axis];
                                    place.checked_sub(conv.padding[axis]).filter(|&place| place < extent)
                                };
                                // Padding stands for 0.
                                let (Some(top), Some(left)) = (at(row, ky, 0, h), at(column, kx, 1, w))
                                else {
                                    continue;
                                };
                                let x = x[((n * c + group * each + i) * h + top) * w + left];
                                let weight = weight[((o * each + i) * kh + ky) * kw + kx];
                                let product = (x - op.x_zero).wrapping_mul(weight - weight_zero);
                                sum = sum.wrapping_add(product);
                            }
                        }
                    }
                    let multiplier = extras.multiplier.map_or(1.0, |multiplier| multiplier[o]);
                    y.push(match (op.y, extras.residual) {
                        (None, _) => sum,
                        (Some(steps), None) => requantize(sum, multiplier, &steps),
                        (Some(steps), Some((residual, Residual { zero_point, multiplier: by }))) => {
                            let other = residual[y.len()] - zero_point;
                            whole(fraction(sum, multiplier) + fraction(other, by), &steps)
                        }
                    });
                }
            }
        }
    }
    y
}

/// The sum of two tensors of one shape.
pub fn qadd(a: &[i32], b: &[i32], addends: [Addend; 2], y: &Steps) -> Vec<i32> {
    let term = |x: i32, addend: Addend| fraction(x - addend.zero_point, addend.multiplier);
    a.iter().zip(b).map(|(&a, &b)| whole(term(a, addends[0]) + term(b, addends[1]), y)).collect()
}

/// The product of two tensors of one shape.
pub fn qmul(a: &[i32], b: &[i32], zeros: [i32; 2], multiplier: f32, y: &Steps) -> Vec<i32> {
    a.iter().zip(b).map(|(&a, &b)| requantize((a - zeros[0]) * (b - zeros[1]), multiplier, y)).collect()
}

/// The entry of each number, of which the least is `least`.
pub fn qlookup(x: &[i32], least: i32, table: &[i32]) -> Vec<i32> {
    x.iter().map(|&x| table[(x - least) as usize]).collect()
}

/// Elements along `axis`; 0 for an index that is outside.
pub fn qgather(x: &[i32], x_shape: &[usize], axis: usize, indices: &[i32]) -> Vec<i32> {
    let (outer, inner) = (x_shape[..axis].iter().product::<usize>(), x_shape[axis + 1..].iter().product());
    let extent = x_shape[axis];
    let mut y = Vec::with_capacity(outer * indices.len() * inner);
    for line in 0..outer {
        for &index in indices {
            for at in 0..inner {
                let place = usize::try_from(index).ok().filter(|&index| index < extent);
                y.push(place.map_or(0, |index| x[(line * extent + index) * inner + at]));
            }
        }
    }
    y
}

/// Means of windows, by the multipliers of [`tilewright_ops::quantized::average_multipliers`].
pub fn qavg_pool2d(
    pool: &Pool2d,
    x_zero: i32,
    multiplier: &[f32],
    y: &Steps,
    x: &[i32],
    x_shape: [usize; 4],
) -> Vec<i32> {
    let padded = |axis: usize| x_shape[2 + axis] + 2 * pool.padding[axis];
    windows(pool, x_shape, |taps, plane| {
        let inside = |place: &[Option<usize>; 2]| place[0].is_some() && place[1].is_some();
        let sum: i32 = taps
            .iter()
            .filter_map(|(place, _)| Some(plane + place[0]? * x_shape[3] + place[1]?))
            .map(|at| x[at] - x_zero)
            .sum();
        let counted = |(place, from): &&([Option<usize>; 2], [usize; 2])| {
            if pool.count_include_pad { from[0] < padded(0) && from[1] < padded(1) } else { inside(place) }
        };
        requantize(sum, multiplier[taps.iter().filter(counted).count()], y)
    })
}

/// Maxima of windows; padding never wins.
pub fn qmax_pool2d(pool: &Pool2d, x: &[i32], x_shape: [usize; 4]) -> Vec<i32> {
    windows(pool, x_shape, |taps, plane| {
        let places = taps.iter().filter_map(|(place, _)| Some(plane + place[0]? * x_shape[3] + place[1]?));
        places.map(|at| x[at]).max().unwrap_or_default()
    })
}

/// A tap: its place in the image, where it has one, and in the padded image.
type Tap = ([Option<usize>; 2], [usize; 2]);

/// Every window reduced, given its taps and where its plane begins.
fn windows(pool: &Pool2d, x_shape: [usize; 4], reduce: impl Fn(&[Tap], usize) -> i32) -> Vec<i32> {
    let [batch, channels, rows, columns] = valid(pool.output_shape(x_shape));
    let [_, _, h, w] = x_shape;
    let mut y = Vec::new();
    for plane in 0..batch * channels {
        for row in 0..rows {
            for column in 0..columns {
                let mut taps: Vec<Tap> = Vec::new();
                for ky in 0..pool.kernel[0] {
                    for kx in 0..pool.kernel[1] {
                        let from = [
                            row * pool.stride[0] + ky * pool.dilation[0],
                            column * pool.stride[1] + kx * pool.dilation[1],
                        ];
                        let place = |axis: usize, extent: usize| {
                            from[axis].checked_sub(pool.padding[axis]).filter(|&place| place < extent)
                        };
                        taps.push(([place(0, h), place(1, w)], from));
                    }
                }
                y.push(reduce(&taps, plane * h * w));
            }
        }
    }
    y
}
