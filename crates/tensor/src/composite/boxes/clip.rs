//! Boxes cut at the borders of an image.

use tilewright_ops::{SliceRange, UnaryOp};

use crate::composite::operand::{Operand, operand, parameter};

const OP: &str = "clip_boxes_to_image";

/// Boxes `[…, 4]` cut at 0 and at the `height` and `width` of an image. What is cut has no gradient.
///
/// # Errors
/// [`tilewright_ops::ShapeError::Operand`] unless the last axis has four corners, and
/// [`tilewright_ops::ShapeError::Parameter`] for a size that is no number or negative.
pub fn clip_boxes_to_image<V: Operand>(boxes: &V, [height, width]: [f32; 2]) -> Result<V, V::Error> {
    let shape = boxes.shape().to_vec();
    let Some((4, before)) = shape.split_last() else {
        let expected = [&shape[..shape.len().saturating_sub(1)], &[4]].concat();
        return Err(operand::<V>(OP, "boxes", &shape, &expected));
    };
    if !(height.is_finite() && width.is_finite() && height >= 0.0 && width >= 0.0) {
        let hint = "height and width are numbers, not negative";
        return Err(parameter::<V>(OP, "size", format!("{height} x {width}"), hint));
    }
    let count = before.iter().product();
    let flat = boxes.with_shape(&[count, 4])?;
    let held = |start: usize, max: f32| {
        let every = [SliceRange::full(count), SliceRange { start, end: start + 3, step: 2 }];
        let held = flat.slice(&every)?.unary(UnaryOp::Clamp { min: 0.0, max })?;
        held.with_shape(&[count, 2, 1])
    };
    V::joined(&[&held(0, width)?, &held(1, height)?], 2)?.with_shape(&shape)
}
