//! Overlaps of each box of one list with each of another.

use super::overlap::{Corners, distance, hull, ratios, shared};
use crate::composite::operand::Operand;

/// Keeps a quotient from 0 / 0, as torchvision has it.
const EPS: f32 = 1e-7;

/// One list down, the other across.
fn both<V: Operand>(op: &'static str, a: &V, b: &V) -> Result<[Corners<V>; 2], V::Error> {
    Ok([Corners::new(op, "a", a, &[-1, 1])?, Corners::new(op, "b", b, &[1, -1])?])
}

fn iou<V: Operand>(a: &Corners<V>, b: &Corners<V>) -> Result<V, V::Error> {
    let [inter, together] = shared(a, b)?;
    inter.div(&together)
}

/// The areas `[N]` of boxes `[N, 4]`.
///
/// # Errors
/// [`tilewright_ops::ShapeError::Operand`] for another shape.
pub fn box_area<V: Operand>(boxes: &V) -> Result<V, V::Error> {
    Corners::new("box_area", "boxes", boxes, &[-1])?.area()
}

/// The area in common over that of both together, `[N, M]`, of boxes `[N, 4]` and `[M, 4]`.
///
/// # Errors
/// Those of [`box_area`].
pub fn box_iou<V: Operand>(a: &V, b: &V) -> Result<V, V::Error> {
    let [a, b] = both("box_iou", a, b)?;
    iou(&a, &b)
}

/// [`box_iou`] less the part of the box around both that neither covers (Rezatofighi et al., arXiv 1902.09630).
///
/// # Errors
/// Those of [`box_area`].
pub fn generalized_box_iou<V: Operand>(a: &V, b: &V) -> Result<V, V::Error> {
    let [a, b] = both("generalized_box_iou", a, b)?;
    let [inter, together] = shared(&a, &b)?;
    let [width, height] = hull(&a, &b)?;
    let around = width.mul(&height)?;
    inter.div(&together)?.sub(&around.sub(&together)?.div(&around)?)
}

/// [`box_iou`] less the square of the middles' distance over that of the diagonal of the box around both (Zheng et al., arXiv
/// 1911.08287).
///
/// # Errors
/// Those of [`box_area`].
pub fn distance_box_iou<V: Operand>(a: &V, b: &V) -> Result<V, V::Error> {
    let [a, b] = both("distance_box_iou", a, b)?;
    iou(&a, &b)?.sub(&distance(&a, &b, EPS)?)
}

/// [`distance_box_iou`] less how far the ratios of the sides differ (Zheng et al., arXiv 2005.03572). The weight of that part has
/// no gradient.
///
/// # Errors
/// Those of [`box_area`].
pub fn complete_box_iou<V: Operand>(a: &V, b: &V) -> Result<V, V::Error> {
    let [a, b] = both("complete_box_iou", a, b)?;
    let iou = iou(&a, &b)?;
    iou.sub(&distance(&a, &b, EPS)?)?.sub(&ratios(&a, &b, &iou, EPS)?)
}
