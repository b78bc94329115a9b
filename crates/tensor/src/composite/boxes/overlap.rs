//! The formulas of overlaps, of whatever corners broadcast.

use std::f32::consts::PI;

use tilewright_ops::{BinaryOp, SliceRange, UnaryOp};

use crate::composite::operand::{Operand, operand};

/// x1, y1, x2 and y2 of boxes.
pub(in crate::composite) struct Corners<V>([V; 4]);

impl<V: Operand> Corners<V> {
    /// Those of N boxes, `[N, 4]`, each in the shape `shape`.
    pub fn new(op: &'static str, name: &'static str, boxes: &V, shape: &[isize]) -> Result<Self, V::Error> {
        let &[count, 4] = boxes.shape() else {
            let count = boxes.shape().first().copied().unwrap_or(1);
            return Err(operand::<V>(op, name, boxes.shape(), &[count, 4]));
        };
        let corner =
            |at| boxes.slice(&[SliceRange::full(count), SliceRange::new(at, at + 1)])?.reshape(shape);
        Ok(Self([corner(0)?, corner(1)?, corner(2)?, corner(3)?]))
    }

    /// Width and height.
    pub fn sides(&self) -> Result<[V; 2], V::Error> {
        let [x1, y1, x2, y2] = &self.0;
        Ok([x2.sub(x1)?, y2.sub(y1)?])
    }

    pub fn area(&self) -> Result<V, V::Error> {
        let [width, height] = self.sides()?;
        width.mul(&height)
    }
}

/// What two boxes have in common, and what both cover together.
pub(in crate::composite) fn shared<V: Operand>(a: &Corners<V>, b: &Corners<V>) -> Result<[V; 2], V::Error> {
    let side = |at: usize| {
        let low = a.0[at].binary(BinaryOp::Maximum, &b.0[at])?;
        a.0[at + 2].binary(BinaryOp::Minimum, &b.0[at + 2])?.sub(&low)?.unary(UnaryOp::Relu)
    };
    let inter = side(0)?.mul(&side(1)?)?;
    let together = a.area()?.add(&b.area()?)?.sub(&inter)?;
    Ok([inter, together])
}

/// Width and height of the smallest box around both.
pub(in crate::composite) fn hull<V: Operand>(a: &Corners<V>, b: &Corners<V>) -> Result<[V; 2], V::Error> {
    let side = |at: usize| {
        let low = a.0[at].binary(BinaryOp::Minimum, &b.0[at])?;
        a.0[at + 2].binary(BinaryOp::Maximum, &b.0[at + 2])?.sub(&low)
    };
    Ok([side(0)?, side(1)?])
}

/// The square of the middles' distance over that of the diagonal of the box around both (Zheng et al., arXiv 1911.08287).
pub(in crate::composite) fn distance<V: Operand>(
    a: &Corners<V>,
    b: &Corners<V>,
    eps: f32,
) -> Result<V, V::Error> {
    let square = |[x, y]: [V; 2]| x.unary(UnaryOp::Square)?.add(&y.unary(UnaryOp::Square)?);
    let apart = |at: usize| {
        let middle = |of: &Corners<V>| of.0[at].add(&of.0[at + 2])?.scale(0.5);
        middle(a)?.sub(&middle(b)?)
    };
    square([apart(0)?, apart(1)?])?.div(&square(hull(a, b)?)?.plus(eps)?)
}

/// How far the ratios of the sides differ, times a weight that has no gradient (Zheng et al., arXiv 2005.03572).
pub(in crate::composite) fn ratios<V: Operand>(
    a: &Corners<V>,
    b: &Corners<V>,
    iou: &V,
    eps: f32,
) -> Result<V, V::Error> {
    let angle = |of: &Corners<V>| {
        let [width, height] = of.sides()?;
        width.div(&height)?.unary(UnaryOp::Atan)
    };
    let differ = angle(a)?.sub(&angle(b)?)?.unary(UnaryOp::Square)?.scale(4.0 / (PI * PI))?;
    let (held, iou) = (V::constant(differ.tensor().clone()), V::constant(iou.tensor().clone()));
    let weight = held.div(&held.sub(&iou)?.plus(1.0 + eps)?)?;
    differ.mul(&weight)
}
