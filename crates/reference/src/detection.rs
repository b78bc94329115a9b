//! What detectors do with boxes and regions.

use tilewright_ops::{Nms, RoiAlign, RoiPool};

use crate::indexing::{check_len, valid};

/// The overlap of two boxes, x1 y1 x2 y2, with torchvision's arithmetic in f32.
#[must_use]
pub fn box_iou(a: [f32; 4], b: [f32; 4]) -> f32 {
    let side = |axis: usize| (a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis])).max(0.0);
    let area = |x: [f32; 4]| (x[2] - x[0]) * (x[3] - x[1]);
    let inter = side(0) * side(1);
    inter / (area(a) + area(b) - inter)
}

/// 1 for each box that is kept: no better one that is kept, of the same class, overlaps it by more than the threshold. Boxes of an
/// image stand best first; a class below 0 is no box.
#[must_use]
pub fn nms(op: Nms, boxes: &[f32], boxes_shape: &[usize], classes: &[i32]) -> Vec<i32> {
    check_len("boxes", boxes, boxes_shape);
    let shape = valid(op.output_shape(boxes_shape, &boxes_shape[..2]));
    check_len("classes", classes, &shape);
    let boxes = boxes.as_chunks::<4>().0;
    let mut keep = vec![0; classes.len()];
    for image in 0..shape[0] {
        let first = image * shape[1];
        for at in first..first + shape[1] {
            let covered = (first..at).any(|better| {
                keep[better] == 1
                    && classes[better] == classes[at]
                    && box_iou(boxes[better], boxes[at]) > op.iou_threshold
            });
            keep[at] = i32::from(classes[at] >= 0 && !covered);
        }
    }
    keep
}

/// A region's samples along one axis in a bin, as pixels and their weights, and what divides them.
fn samples(
    op: &RoiAlign,
    [low, high]: [f32; 2],
    axis: usize,
    bin: usize,
    extent: usize,
) -> (Vec<(usize, f64)>, f64) {
    let offset = if op.aligned { 0.5 } else { 0.0 };
    let start = low * op.spatial_scale - offset;
    let length = high * op.spatial_scale - offset - start;
    let length = if op.aligned { length } else { length.max(1.0) };
    let size = length / op.output[axis] as f32;
    // A region of more pixels than this is as good as endless.
    let count =
        if op.sampling_ratio > 0 { op.sampling_ratio as f32 } else { size.ceil().clamp(0.0, 16_777_216.0) };
    let mut taps = Vec::new();
    for at in 0..count as usize {
        let place = start + bin as f32 * size + (at as f32 + 0.5) * size / count;
        if (-1.0..=extent as f32).contains(&place) {
            let place = f64::from(place).clamp(0.0, (extent - 1) as f64);
            let share = place.fract();
            taps.push((place as usize, 1.0 - share));
            if share > 0.0 {
                taps.push((place as usize + 1, share));
            }
        }
    }
    (taps, f64::from(count))
}

/// The weight of each pixel of an image in a bin, where it is not 0; nothing for a region with a number that is none.
fn bin_weights(
    op: &RoiAlign,
    roi: &[f32],
    [oy, ox]: [usize; 2],
    [height, width]: [usize; 2],
) -> Option<Vec<(usize, f64)>> {
    if roi.iter().any(|number| !number.is_finite()) {
        return None;
    }
    let (rows, down) = samples(op, [roi[2], roi[4]], 0, oy, height);
    let (columns, across) = samples(op, [roi[1], roi[3]], 1, ox, width);
    let divisor = (down * across).max(1.0);
    let pixel = |&(y, wy): &(usize, f64), &(x, wx): &(usize, f64)| (y * width + x, wy * wx / divisor);
    Some(rows.iter().flat_map(|row| columns.iter().map(move |column| pixel(row, column))).collect())
}

/// Which image a region is of, if it is there.
fn image(number: f32, images: usize) -> Option<usize> {
    (number > -1.0 && number < images as f32).then_some(number as usize)
}

/// The mean of the samples of each bin.
#[must_use]
pub fn roi_align(op: &RoiAlign, x: &[f32], x_shape: [usize; 4], rois: &[f32]) -> Vec<f32> {
    check_len("x", x, &x_shape);
    let [images, channels, height, width] = x_shape;
    let [count, _, rows, columns] = valid(op.output_shape(&x_shape, &[rois.len() / 5, 5]));
    let mut y = Vec::new();
    for (at, roi) in rois.chunks(5).enumerate().take(count) {
        for (channel, oy) in (0..channels).flat_map(|channel| (0..rows).map(move |oy| (channel, oy))) {
            for ox in 0..columns {
                let plane = image(roi[0], images).map(|image| (image * channels + channel) * height * width);
                let weights = bin_weights(op, roi, [oy, ox], [height, width]);
                y.push(match (weights, plane) {
                    (None, _) => f32::NAN,
                    (_, None) => 0.0,
                    (Some(weights), Some(plane)) => weights
                        .iter()
                        .map(|&(pixel, weight)| weight * f64::from(x[plane + pixel]))
                        .sum::<f64>() as f32,
                });
            }
        }
        debug_assert_eq!(y.len(), (at + 1) * channels * rows * columns);
    }
    y
}

/// The gradient of x: each bin's goes to the pixels of its samples.
#[must_use]
pub fn roi_align_backward(op: &RoiAlign, x_shape: [usize; 4], rois: &[f32], grad_y: &[f32]) -> Vec<f32> {
    let [images, channels, height, width] = x_shape;
    let shape = valid(op.output_shape(&x_shape, &[rois.len() / 5, 5]));
    check_len("grad_y", grad_y, &shape);
    let mut grad_x = vec![0.0_f64; x_shape.iter().product()];
    for (at, &grad) in grad_y.iter().enumerate() {
        let (ox, oy) = (at % shape[3], at / shape[3] % shape[2]);
        let (channel, region) = (at / shape[3] / shape[2] % channels, at / shape[3] / shape[2] / channels);
        let roi = &rois[region * 5..][..5];
        let Some(image) = image(roi[0], images) else { continue };
        let plane = (image * channels + channel) * height * width;
        for (pixel, weight) in bin_weights(op, roi, [oy, ox], [height, width]).unwrap_or_default() {
            grad_x[plane + pixel] += weight * f64::from(grad);
        }
    }
    grad_x.into_iter().map(|grad| grad as f32).collect()
}

/// The pixels of a bin along one axis.
fn pixels(
    op: &RoiPool,
    [low, high]: [f32; 2],
    axis: usize,
    bin: usize,
    extent: usize,
) -> std::ops::Range<usize> {
    let nearest = |corner: f32| (corner * op.spatial_scale).round().clamp(-16_777_216.0, 16_777_216.0) as i64;
    let start = nearest(low);
    let size = (nearest(high) - start + 1).max(1) as f32 / op.output[axis] as f32;
    let place = |end: f32| (end as i64 + start).clamp(0, extent as i64) as usize;
    place((bin as f32 * size).floor())..place(((bin + 1) as f32 * size).ceil())
}

/// The largest element of each bin, and its place in the plane; 0 and −1 for a bin without any. NaN is larger than all.
#[must_use]
pub fn roi_pool(op: &RoiPool, x: &[f32], x_shape: [usize; 4], rois: &[f32]) -> (Vec<f32>, Vec<i32>) {
    check_len("x", x, &x_shape);
    let [images, channels, height, width] = x_shape;
    let shape = valid(op.output_shape(&x_shape, &[rois.len() / 5, 5]));
    let (mut y, mut indices) = (Vec::new(), Vec::new());
    for at in 0..shape.iter().product() {
        let (ox, oy) = (at % shape[3], at / shape[3] % shape[2]);
        let (channel, region) = (at / shape[3] / shape[2] % channels, at / shape[3] / shape[2] / channels);
        let roi = &rois[region * 5..][..5];
        let mut best = (if roi.iter().all(|number| number.is_finite()) { 0.0 } else { f32::NAN }, -1);
        if let (Some(image), false) = (image(roi[0], images), best.0.is_nan()) {
            let plane = &x[(image * channels + channel) * height * width..][..height * width];
            for iy in pixels(op, [roi[2], roi[4]], 0, oy, height) {
                for ix in pixels(op, [roi[1], roi[3]], 1, ox, width) {
                    let value = plane[iy * width + ix];
                    if best.1 < 0 || value > best.0 || value.is_nan() {
                        best = (value, (iy * width + ix) as i32);
                    }
                }
            }
        }
        y.push(best.0);
        indices.push(best.1);
    }
    (y, indices)
}

/// The gradient of x: each bin's goes to its largest element.
#[must_use]
pub fn roi_pool_backward(
    op: &RoiPool,
    x_shape: [usize; 4],
    rois: &[f32],
    indices: &[i32],
    grad_y: &[f32],
) -> Vec<f32> {
    let [images, channels, height, width] = x_shape;
    let shape = valid(op.output_shape(&x_shape, &[rois.len() / 5, 5]));
    check_len("grad_y", grad_y, &shape);
    let mut grad_x = vec![0.0_f64; x_shape.iter().product()];
    for (at, (&grad, &place)) in grad_y.iter().zip(indices).enumerate() {
        let (plane, channel) = (at / shape[3] / shape[2], at / shape[3] / shape[2] % channels);
        if let (Ok(place), Some(image)) = (usize::try_from(place), image(rois[plane / channels * 5], images))
        {
            grad_x[(image * channels + channel) * height * width + place] += f64::from(grad);
        }
    }
    grad_x.into_iter().map(|grad| grad as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_those_of_areas() {
        let (a, b) = ([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0]);
        assert_eq!(box_iou(a, b), 2.0 / 6.0);
        assert_eq!(box_iou(a, a), 1.0);
        assert_eq!(box_iou(a, [2.0, 0.0, 3.0, 1.0]), 0.0);
        assert!(box_iou([1.0; 4], [1.0; 4]).is_nan());
    }

    #[test]
    fn the_threshold_itself_keeps_both() {
        let boxes = [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 2.0];
        let run = |iou_threshold, classes: &[i32]| nms(Nms { iou_threshold }, &boxes, &[1, 3, 4], classes);
        assert_eq!(run(0.5, &[0, 0, 0]), [1, 1, 0]);
        assert_eq!(run(0.4, &[0, 0, 0]), [1, 0, 0]);
        assert_eq!(run(0.5, &[0, 0, 1]), [1, 1, 1]);
        // Three tenths, in f32: torchvision's threshold of 64 bits is a little less.
        let tenths = [0.0, 0.0, 10.0, 1.0, 0.0, 0.0, 3.0, 1.0];
        assert_eq!(nms(Nms { iou_threshold: 0.3 }, &tenths, &[1, 2, 4], &[0, 0]), [1, 1]);
        // What is no box suppresses nothing.
        assert_eq!(run(0.5, &[-1, 0, 0]), [0, 1, 1]);
        assert_eq!(run(0.4, &[-1, -1, 0]), [0, 0, 1]);
    }

    #[test]
    fn bins_are_means_and_maxima() {
        let x: Vec<f32> = (0..16).map(|at| at as f32).collect();
        let op = RoiAlign { output: [1, 2], spatial_scale: 1.0, sampling_ratio: 1, aligned: false };
        let rois = [0.0, 0.0, 0.0, 4.0, 2.0];
        assert_eq!(roi_align(&op, &x, [1, 1, 4, 4], &rois), [5.0, 7.0]);
        assert_eq!(roi_align(&op, &x, [1, 1, 4, 4], &[1.0, 0.0, 0.0, 4.0, 2.0]), [0.0, 0.0]);
        assert!(roi_align(&op, &x, [1, 1, 4, 4], &[0.0, f32::NAN, 0.0, 4.0, 2.0])[0].is_nan());
        let grad = roi_align_backward(&op, [1, 1, 4, 4], &rois, &[2.0, 1.0]);
        assert_eq!((grad[5], grad[7], grad.iter().sum::<f32>()), (2.0, 1.0, 3.0));

        let op = RoiPool { output: [1, 2], spatial_scale: 0.5 };
        let (y, indices) = roi_pool(&op, &x, [1, 1, 4, 4], &[0.0, 0.0, 0.0, 5.0, 3.0]);
        assert_eq!((y, indices), (vec![9.0, 11.0], vec![9, 11]));
        let (y, indices) = roi_pool(&op, &x, [1, 1, 4, 4], &[0.0, 90.0, 90.0, 99.0, 99.0]);
        assert_eq!((y, indices), (vec![0.0; 2], vec![-1; 2]));
    }
}
