//! Several masks of one picture.

use super::{error::MaskError, rle::Rle};

fn one_size(one: &Rle, other: &Rle) -> Result<(), MaskError> {
    let size = |of: &Rle| [of.height(), of.width()];
    if size(one) == size(other) {
        Ok(())
    } else {
        Err(MaskError::Sizes { one: size(one), other: size(other) })
    }
}

impl Rle {
    /// The pixels that are inside both.
    ///
    /// # Errors
    /// [`MaskError::Sizes`].
    pub fn intersection(&self, other: &Self) -> Result<Self, MaskError> {
        one_size(self, other)?;
        let (mut ours, mut theirs) = (self.spans().peekable(), other.spans().peekable());
        let spans = std::iter::from_fn(|| {
            let (&(start, end), &(from, to)) = (ours.peek()?, theirs.peek()?);
            if end < to {
                ours.next()
            } else {
                theirs.next()
            };
            // Without anything in common the end lies before the start, and the span is left out.
            Some((start.max(from), end.min(to)))
        });
        Ok(Self::from_spans(self.height(), self.width(), spans))
    }

    /// The pixels that are inside any of the two.
    ///
    /// # Errors
    /// [`MaskError::Sizes`].
    pub fn union(&self, other: &Self) -> Result<Self, MaskError> {
        one_size(self, other)?;
        let (mut ours, mut theirs) = (self.spans().peekable(), other.spans().peekable());
        let mut reached = 0;
        let spans = std::iter::from_fn(|| {
            let (start, end) = match (ours.peek(), theirs.peek()) {
                (Some(one), Some(other)) if one.0 <= other.0 => ours.next()?,
                (Some(_), None) => ours.next()?,
                _ => theirs.next()?,
            };
            let span = (start.max(reached), end);
            reached = reached.max(end);
            Some(span)
        });
        Ok(Self::from_spans(self.height(), self.width(), spans))
    }

    /// The pixels that are inside any of them.
    ///
    /// # Errors
    /// [`MaskError::Sizes`]; [`MaskError::TooLarge`] for `height` and `width`, those of the result where there are no masks.
    pub fn merge(height: usize, width: usize, masks: &[Self]) -> Result<Self, MaskError> {
        masks.iter().try_fold(Self::empty(height, width)?, |merged, mask| merged.union(mask))
    }

    /// Intersection over union; two empty masks have 0.
    ///
    /// # Errors
    /// [`MaskError::Sizes`].
    pub fn iou(&self, other: &Self) -> Result<f64, MaskError> {
        let shared = self.intersection(other)?.area();
        Ok(fraction(shared, self.area() + other.area() - shared))
    }

    /// Intersection over this mask's own area: the measure of a detection against a crowd.
    ///
    /// # Errors
    /// [`MaskError::Sizes`].
    pub fn crowd_iou(&self, crowd: &Self) -> Result<f64, MaskError> {
        Ok(fraction(self.intersection(crowd)?.area(), self.area()))
    }
}

fn fraction(above: u64, below: u64) -> f64 {
    if above == 0 { 0.0 } else { above as f64 / below as f64 }
}
