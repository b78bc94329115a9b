//! What detectors do with boxes.

use crate::{error::ShapeError, extent::element_count};

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

/// The mean of interpolated samples in each bin of each region (He et al., Mask R-CNN, arXiv 1703.06870):
/// `torchvision.ops.roi_align`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoiAlign {
    /// Height and width of the result: bins of a region.
    pub output: [usize; 2],
    /// Pixels of x for one of the units that regions are given in.
    pub spatial_scale: f32,
    /// Samples of a bin along each axis; 0 for as many as it has pixels, rounded up.
    pub sampling_ratio: usize,
    /// Whether a region is shifted by half a pixel, so that it lies on pixels' middles, and may be smaller than one.
    pub aligned: bool,
}

/// The largest element in each bin of each region, whose corners are rounded to pixels (Girshick, Fast R-CNN, arXiv 1504.08083):
/// `torchvision.ops.roi_pool`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoiPool {
    /// Height and width of the result: bins of a region.
    pub output: [usize; 2],
    /// Pixels of x for one of the units that regions are given in.
    pub spatial_scale: f32,
}

impl RoiAlign {
    /// Samples of a region along an axis at most, where their number is given, and bins.
    pub const MOST: usize = 16_384;

    /// The shape of the result for x, N C H W, and K regions of five numbers: K C OH OW.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], [`ShapeError::Operand`], [`ShapeError::TooManyElements`], and [`ShapeError::Parameter`] for an image
    /// without pixels, a scale that is no number, a result that is empty, and more than [`Self::MOST`] samples along an axis.
    pub fn output_shape(&self, x: &[usize], rois: &[usize]) -> Result<[usize; 4], ShapeError> {
        let op = "roi_align";
        let samples = self.output.map(|bins| bins.saturating_mul(self.sampling_ratio.max(1)));
        if samples.iter().any(|&samples| samples > Self::MOST) {
            let value = format!("{} with output {:?}", self.sampling_ratio, self.output);
            let hint = "a region may have up to 16,384 samples along an axis";
            return Err(ShapeError::Parameter { op, parameter: "sampling_ratio", value, hint });
        }
        regions(op, self.output, self.spatial_scale, x, rois)
    }
}

impl RoiPool {
    /// As [`RoiAlign::output_shape`], for the largest elements and for their places.
    ///
    /// # Errors
    /// Those of [`RoiAlign::output_shape`].
    pub fn output_shape(&self, x: &[usize], rois: &[usize]) -> Result<[usize; 4], ShapeError> {
        let op = "roi_pool";
        if self.output.iter().any(|&bins| bins > RoiAlign::MOST) {
            let value = format!("{:?}", self.output);
            let hint = "a region may have up to 16,384 bins along an axis";
            return Err(ShapeError::Parameter { op, parameter: "output", value, hint });
        }
        regions(op, self.output, self.spatial_scale, x, rois)
    }
}

fn regions(
    op: &'static str,
    output: [usize; 2],
    spatial_scale: f32,
    x: &[usize],
    rois: &[usize],
) -> Result<[usize; 4], ShapeError> {
    let &[_, channels, height, width] = x else {
        return Err(ShapeError::Rank { op, operand: "x", shape: x.to_vec(), expected: "four (N C H W)" });
    };
    let &[count, numbers] = rois else {
        let (operand, shape) = ("rois", rois.to_vec());
        return Err(ShapeError::Rank { op, operand, shape, expected: "two (regions, 5)" });
    };
    if numbers != 5 {
        let (shape, expected) = (rois.to_vec(), vec![count, 5]);
        return Err(ShapeError::Operand { op, operand: "rois", shape, expected });
    }
    let wrong = |parameter, value, hint| Err(ShapeError::Parameter { op, parameter, value, hint });
    if output.contains(&0) {
        return wrong("output", format!("{output:?}"), "a region has one bin or more");
    }
    if !spatial_scale.is_finite() {
        return wrong("spatial_scale", spatial_scale.to_string(), "a scale is a number");
    }
    if height == 0 || width == 0 {
        return wrong("x", format!("{x:?}"), "an image has pixels");
    }
    let shape = [count, channels, output[0], output[1]];
    element_count(op, &shape).map(|_| shape)
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

    #[test]
    fn regions_have_bins() {
        let op = RoiAlign { output: [7, 5], spatial_scale: 0.25, sampling_ratio: 2, aligned: false };
        assert_eq!(op.output_shape(&[2, 3, 9, 8], &[6, 5]), Ok([6, 3, 7, 5]));
        assert_eq!(op.output_shape(&[0, 3, 9, 8], &[0, 5]), Ok([0, 3, 7, 5]));
        let pool = RoiPool { output: [7, 5], spatial_scale: 0.25 };
        assert_eq!(pool.output_shape(&[2, 3, 9, 8], &[6, 5]), Ok([6, 3, 7, 5]));
        assert!(matches!(op.output_shape(&[2, 3, 9], &[6, 5]), Err(ShapeError::Rank { operand: "x", .. })));
        assert!(matches!(
            op.output_shape(&[2, 3, 9, 8], &[6]),
            Err(ShapeError::Rank { operand: "rois", .. })
        ));
        assert!(matches!(pool.output_shape(&[2, 3, 9, 8], &[6, 4]), Err(ShapeError::Operand { .. })));
        assert!(matches!(pool.output_shape(&[2, 3, 0, 8], &[6, 5]), Err(ShapeError::Parameter { .. })));
        for wrong in [
            RoiAlign { output: [0, 5], ..op },
            RoiAlign { spatial_scale: f32::NAN, ..op },
            RoiAlign { sampling_ratio: 3000, ..op },
        ] {
            let error = wrong.output_shape(&[2, 3, 9, 8], &[6, 5]);
            assert!(matches!(error, Err(ShapeError::Parameter { .. })), "{error:?}");
        }
        let wide = RoiPool { output: [1, 16_385], ..pool };
        assert!(matches!(wide.output_shape(&[2, 3, 9, 8], &[6, 5]), Err(ShapeError::Parameter { .. })));
    }
}
