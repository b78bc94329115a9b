//! What detectors do with boxes.

use crate::error::ShapeError;

/// Non-maximum suppression of boxes that stand best first: a box is kept unless a better one that is kept, of the same class,
/// overlaps it by more than the threshold. Overlap is the area in common over the area of both together, in f32, as
/// `torchvision.ops.nms` has it; one that is no number suppresses nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nms {
    /// The overlap from 0 to 1 up to which both boxes are kept.
    pub iou_threshold: f32,
}

impl Nms {
    /// Boxes of an image at most.
    pub const MOST: usize = 65_536;

    /// The shape of what says which boxes are kept, which is that of the classes: images and boxes.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], [`ShapeError::Operand`], and [`ShapeError::Parameter`] for a threshold that is no number from 0 to 1
    /// and for more boxes than [`Self::MOST`].
    pub fn output_shape(&self, boxes: &[usize], classes: &[usize]) -> Result<Vec<usize>, ShapeError> {
        let op = "nms";
        let &[images, count, corners] = boxes else {
            let (operand, shape) = ("boxes", boxes.to_vec());
            return Err(ShapeError::Rank { op, operand, shape, expected: "three (images, boxes, 4)" });
        };
        if corners != 4 {
            let (shape, expected) = (boxes.to_vec(), vec![images, count, 4]);
            return Err(ShapeError::Operand { op, operand: "boxes", shape, expected });
        }
        if classes != [images, count] {
            let (shape, expected) = (classes.to_vec(), vec![images, count]);
            return Err(ShapeError::Operand { op, operand: "classes", shape, expected });
        }
        if !(0.0..=1.0).contains(&self.iou_threshold) {
            let value = self.iou_threshold.to_string();
            let hint = "an overlap lies between 0 and 1";
            return Err(ShapeError::Parameter { op, parameter: "iou_threshold", value, hint });
        }
        if count > Self::MOST {
            let hint = "an image may have up to 65,536 boxes: take the best by topk first";
            let value = count.to_string();
            return Err(ShapeError::Parameter { op, parameter: "boxes", value, hint });
        }
        Ok(vec![images, count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_and_classes_fit() {
        let op = Nms { iou_threshold: 0.5 };
        assert_eq!(op.output_shape(&[2, 7, 4], &[2, 7]), Ok(vec![2, 7]));
        assert_eq!(op.output_shape(&[0, 7, 4], &[0, 7]), Ok(vec![0, 7]));
        assert!(matches!(op.output_shape(&[7, 4], &[7]), Err(ShapeError::Rank { op: "nms", .. })));
        assert!(matches!(op.output_shape(&[2, 7, 5], &[2, 7]), Err(ShapeError::Operand { .. })));
        assert!(matches!(op.output_shape(&[2, 7, 4], &[2, 8]), Err(ShapeError::Operand { .. })));
        assert!(op.output_shape(&[1, Nms::MOST, 4], &[1, Nms::MOST]).is_ok());
        let many = op.output_shape(&[1, Nms::MOST + 1, 4], &[1, Nms::MOST + 1]);
        assert!(matches!(many, Err(ShapeError::Parameter { parameter: "boxes", .. })));
        for iou_threshold in [f32::NAN, -0.1, 1.5] {
            let error = Nms { iou_threshold }.output_shape(&[1, 2, 4], &[1, 2]);
            assert!(matches!(error, Err(ShapeError::Parameter { parameter: "iou_threshold", .. })));
        }
    }
}
