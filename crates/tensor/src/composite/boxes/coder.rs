//! What a regression says of boxes.

use tilewright_ops::{SliceRange, UnaryOp};

use crate::composite::operand::{Operand, operand, parameter};

/// Offsets of boxes from others (Ren et al., Faster R-CNN, arXiv 1506.01497), as torchvision's `BoxCoder` has them: the middle's in
/// units of the sides, and the sides' logarithms, each times a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxCoder {
    /// Of dx, dy, dw and dh.
    pub weights: [f32; 4],
    /// The largest logarithm of a ratio of sides that [`Self::decode`] takes as it is.
    pub clip: f32,
}

impl Default for BoxCoder {
    /// No weights, and sides that grow by 1000 / 16 at most.
    fn default() -> Self {
        Self { weights: [1.0; 4], clip: (1000.0_f32 / 16.0).ln() }
    }
}

/// Middles and sides, x before y, `[N, 2]` each.
fn middles<V: Operand>(op: &'static str, name: &'static str, boxes: &V) -> Result<[V; 2], V::Error> {
    let &[count, 4] = boxes.shape() else {
        let count = boxes.shape().first().copied().unwrap_or(1);
        return Err(operand::<V>(op, name, boxes.shape(), &[count, 4]));
    };
    let part = |at| boxes.slice(&[SliceRange::full(count), SliceRange::new(at, at + 2)]);
    let low = part(0)?;
    let sides = part(2)?.sub(&low)?;
    Ok([low.add(&sides.scale(0.5)?)?, sides])
}

impl BoxCoder {
    fn check<V: Operand>(&self, op: &'static str) -> Result<(), V::Error> {
        if self.weights.iter().all(|weight| weight.is_finite() && *weight != 0.0) && !self.clip.is_nan() {
            return Ok(());
        }
        Err(parameter::<V>(op, "weights", format!("{self:?}"), "weights are numbers, not 0"))
    }

    /// The offsets `[N, 4]` of `boxes` from `from`, `[N, 4]` both.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Operand`], and [`tilewright_ops::ShapeError::Parameter`] for weights that are 0 or no numbers.
    pub fn encode<V: Operand>(&self, boxes: &V, from: &V) -> Result<V, V::Error> {
        let op = "box_encode";
        self.check::<V>(op)?;
        let ([middle, sides], [origin, unit]) = (middles(op, "boxes", boxes)?, middles(op, "from", from)?);
        if boxes.shape() != from.shape() {
            return Err(operand::<V>(op, "from", from.shape(), boxes.shape()));
        }
        let [x, y, width, height] = self.weights;
        let moved = middle.sub(&origin)?.div(&unit)?.mul(&boxes.values(&[x, y], &[2])?)?;
        let grown = sides.div(&unit)?.unary(UnaryOp::Log)?.mul(&boxes.values(&[width, height], &[2])?)?;
        V::joined(&[&moved, &grown], 1)
    }

    /// The boxes `[N, C, 4]` at `offsets` `[N, 4 · C]` from `from`, `[N, 4]`: C for each, one of each class.
    ///
    /// # Errors
    /// Those of [`Self::encode`].
    pub fn decode<V: Operand>(&self, offsets: &V, from: &V) -> Result<V, V::Error> {
        let op = "box_decode";
        self.check::<V>(op)?;
        let [origin, unit] = middles(op, "from", from)?;
        let count = from.shape()[0];
        let classes = match *offsets.shape() {
            [rows, numbers] if rows == count && numbers % 4 == 0 => numbers / 4,
            _ => return Err(operand::<V>(op, "offsets", offsets.shape(), &[count, 4])),
        };
        let every = [SliceRange::full(count), SliceRange::full(classes)];
        let numbers = offsets.with_shape(&[count, classes, 4])?;
        let part = |at: usize| numbers.slice(&[every[0], every[1], SliceRange::new(at, at + 2)]);
        let by = |at: usize| {
            let weights = [self.weights[at], self.weights[at + 1]];
            part(at)?.div(&offsets.values(&weights, &[2])?)
        };
        let (origin, unit) = (origin.with_shape(&[count, 1, 2])?, unit.with_shape(&[count, 1, 2])?);
        let middle = by(0)?.mul(&unit)?.add(&origin)?;
        let grown = by(2)?.unary(UnaryOp::Clamp { min: f32::MIN, max: self.clip })?.unary(UnaryOp::Exp)?;
        let half = grown.mul(&unit)?.scale(0.5)?;
        V::joined(&[&middle.sub(&half)?, &middle.add(&half)?], 2)
    }
}
