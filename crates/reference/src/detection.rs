//! What detectors do with boxes and regions.

use tilewright_ops::Nms;

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
        // What is no box suppresses nothing.
        assert_eq!(run(0.4, &[-1, 0, 0]), [0, 1, 1]);
        assert_eq!(run(0.4, &[-1, -1, 0]), [0, 0, 1]);
    }
}
