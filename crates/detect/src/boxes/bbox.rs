//! A box in pixels.

/// A box: its left and upper edge, its width and its height, in pixels.
///
/// Edges lie between pixels, as in COCO: the box of the single pixel in column 3 of row 5 is `[3, 5, 1, 1]`, and its right edge
/// is 4. Pascal VOC counts pixels from 1 and names the last one inside; the reader changes that.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct BBox {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// From the left edge to the right one.
    pub width: f64,
    /// From the upper edge to the lower one.
    pub height: f64,
}

impl BBox {
    /// A box by its left and upper edge and its extents.
    #[must_use]
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// A box by its edges: left, upper, right, lower.
    #[must_use]
    pub fn from_edges([left, top, right, bottom]: [f64; 4]) -> Self {
        Self::new(left, top, right - left, bottom - top)
    }

    /// Its edges: left, upper, right, lower.
    #[must_use]
    pub fn edges(&self) -> [f64; 4] {
        [self.x, self.y, self.x + self.width, self.y + self.height]
    }

    /// As COCO writes it: x, y, width, height.
    #[must_use]
    pub fn to_array(self) -> [f64; 4] {
        [self.x, self.y, self.width, self.height]
    }

    /// Width times height; 0 where one of them is negative, NaN where one is.
    #[must_use]
    pub fn area(&self) -> f64 {
        if self.width < 0.0 || self.height < 0.0 { 0.0 } else { self.width * self.height }
    }

    /// What of it lies in a picture of that size. Outside nothing is left, and the area is 0.
    #[must_use]
    pub fn clipped(&self, width: f64, height: f64) -> Self {
        let [left, top, right, bottom] = self.edges();
        let within = |edge: f64, most: f64| {
            if edge > most {
                most
            } else if edge < 0.0 {
                0.0
            } else {
                edge
            }
        };
        Self::from_edges([
            within(left, width),
            within(top, height),
            within(right, width),
            within(bottom, height),
        ])
    }

    /// Whether all four numbers are numbers, and the extents not negative.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.to_array().iter().all(|number| number.is_finite()) && self.width >= 0.0 && self.height >= 0.0
    }
}
