//! How far two boxes overlap: the scalar meaning of each measure.
//!
//! A coordinate that is NaN makes each of them NaN. A negative extent is an extent of 0. Where a fraction is 0/0 its part is 0:
//! two equal boxes without an area have an IoU of 0.

use super::bbox::BBox;

/// Area of the intersection of two boxes.
#[must_use]
pub fn intersection(one: &BBox, other: &BBox) -> f64 {
    let Some(([left, top, right, bottom], [l, t, r, b])) = edges(one, other) else { return f64::NAN };
    let (width, height) = (right.min(r) - left.max(l), bottom.min(b) - top.max(t));
    if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
}

/// Intersection over union.
#[must_use]
pub fn iou(one: &BBox, other: &BBox) -> f64 {
    let shared = intersection(one, other);
    fraction(shared, one.area() + other.area() - shared)
}

/// Intersection over the area of `detection`: the measure against a crowd, in which a detection may lie anywhere.
#[must_use]
pub fn crowd_iou(detection: &BBox, crowd: &BBox) -> f64 {
    fraction(intersection(detection, crowd), detection.area())
}

/// Generalised IoU (Rezatofighi et al., arXiv 1902.09630): less what the smallest box around both has outside of their union.
/// From −1 to 1.
#[must_use]
pub fn giou(one: &BBox, other: &BBox) -> f64 {
    let Some((width, height)) = around(one, other) else { return f64::NAN };
    let (shared, hull) = (intersection(one, other), width * height);
    let union = one.area() + other.area() - shared;
    fraction(shared, union) - fraction(hull - union, hull)
}

/// Distance IoU (Zheng et al., arXiv 1911.08287): less the squared distance of the centres over the squared diagonal of the
/// smallest box around both. From −1 to 1.
#[must_use]
pub fn diou(one: &BBox, other: &BBox) -> f64 {
    let Some((width, height)) = around(one, other) else { return f64::NAN };
    let centre = |edges: [f64; 4]| [(edges[0] + edges[2]) / 2.0, (edges[1] + edges[3]) / 2.0];
    let (a, b) = (centre(filled(one)), centre(filled(other)));
    let distance = (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
    iou(one, other) - fraction(distance, width * width + height * height)
}

/// Complete IoU (arXiv 1911.08287): distance IoU, less how far the proportions differ, v = 4/π² · (atan w/h − atan w′/h′)²,
/// times v / (1 − IoU + v). The weight counts at every IoU, as in that paper; arXiv 2005.03572 leaves it out below an IoU of 0.5.
#[must_use]
pub fn ciou(one: &BBox, other: &BBox) -> f64 {
    // By the angle of the diagonal: w/h for every height, 0 included.
    let angle = |of: &BBox| of.width.max(0.0).atan2(of.height.max(0.0));
    let overlap = iou(one, other);
    let apart = 4.0 / std::f64::consts::PI.powi(2) * (angle(other) - angle(one)).powi(2);
    diou(one, other) - fraction(apart * apart, 1.0 - overlap + apart)
}

/// `above / below`, or 0 where that is no number because both are 0; a NaN stays one.
fn fraction(above: f64, below: f64) -> f64 {
    if below == 0.0 && !above.is_nan() { 0.0 } else { above / below }
}

/// The edges, of an extent that is negative as of one that is 0.
fn filled(of: &BBox) -> [f64; 4] {
    BBox { width: of.width.max(0.0), height: of.height.max(0.0), ..*of }.edges()
}

/// The edges of both; nothing where a number is NaN, which `min` and `max` would drop.
fn edges(one: &BBox, other: &BBox) -> Option<([f64; 4], [f64; 4])> {
    let nan = |of: &BBox| of.to_array().iter().any(|number| number.is_nan());
    (!nan(one) && !nan(other)).then(|| (filled(one), filled(other)))
}

/// Width and height of the smallest box around both.
fn around(one: &BBox, other: &BBox) -> Option<(f64, f64)> {
    let ([left, top, right, bottom], [l, t, r, b]) = edges(one, other)?;
    Some((right.max(r) - left.min(l), bottom.max(b) - top.min(t)))
}
