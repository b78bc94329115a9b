//! Losses of boxes and the boxes that they should be.

use tilewright_ops::Reduction;

use super::{
    binary_cross_entropy::one_minus,
    join::{join, not_negative, same},
};
use crate::composite::{
    boxes::overlap::{Corners, distance, hull, ratios, shared},
    operand::Operand,
};

/// Both lists, row by row.
fn matched<V: Operand>(op: &'static str, x: &V, target: &V, eps: f32) -> Result<[Corners<V>; 2], V::Error> {
    same(op, "target", x, target)?;
    not_negative::<V>(op, "eps", eps)?;
    Ok([Corners::new(op, "x", x, &[-1])?, Corners::new(op, "target", target, &[-1])?])
}

/// 1 − the generalised overlap of boxes `[N, 4]` with their targets (Rezatofighi et al., arXiv 1902.09630):
/// `torchvision.ops.generalized_box_iou_loss`, whose `eps` is 1e-7.
///
/// # Errors
/// Those of [this module](super); an `eps` that is negative.
pub fn generalized_box_iou_loss<V: Operand>(
    x: &V,
    target: &V,
    eps: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let [x, target] = matched("generalized_box_iou_loss", x, target, eps)?;
    let [inter, together] = shared(&x, &target)?;
    let [width, height] = hull(&x, &target)?;
    let around = width.mul(&height)?;
    let outside = around.sub(&together)?.div(&around.plus(eps)?)?;
    join(one_minus(&inter.div(&together.plus(eps)?)?)?.add(&outside)?, reduction)
}

/// The loss and the overlap, box by box.
fn distances<V: Operand>(x: &Corners<V>, target: &Corners<V>, eps: f32) -> Result<[V; 2], V::Error> {
    let [inter, together] = shared(x, target)?;
    let iou = inter.div(&together.plus(eps)?)?;
    Ok([one_minus(&iou)?.add(&distance(x, target, eps)?)?, iou])
}

/// 1 − the overlap + the square of the middles' distance over that of the diagonal of the box around both (Zheng et al., arXiv
/// 1911.08287): `torchvision.ops.distance_box_iou_loss`, whose `eps` is 1e-7.
///
/// # Errors
/// Those of [`generalized_box_iou_loss`].
pub fn distance_box_iou_loss<V: Operand>(
    x: &V,
    target: &V,
    eps: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let [x, target] = matched("distance_box_iou_loss", x, target, eps)?;
    let [losses, _] = distances(&x, &target, eps)?;
    join(losses, reduction)
}

/// [`distance_box_iou_loss`] + how far the ratios of the sides differ, times a weight that has no gradient (Zheng et al., arXiv
/// 2005.03572): `torchvision.ops.complete_box_iou_loss`, whose `eps` is 1e-7.
///
/// # Errors
/// Those of [`generalized_box_iou_loss`].
pub fn complete_box_iou_loss<V: Operand>(
    x: &V,
    target: &V,
    eps: f32,
    reduction: Reduction,
) -> Result<V, V::Error> {
    let [x, target] = matched("complete_box_iou_loss", x, target, eps)?;
    let [losses, iou] = distances(&x, &target, eps)?;
    join(losses.add(&ratios(&target, &x, &iou, eps)?)?, reduction)
}
