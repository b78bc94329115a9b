//! Polygons to masks, by the scan conversion of COCO's tools.
//!
//! The outline is walked on a grid that is five times as fine, from one of its corners, rounded to that grid, to the next: a step
//! moves by one along the longer axis, and the other coordinate is rounded. Where the walk goes from the third to the fourth fine
//! column of a pixel it crosses the pixel's centre, and the first row whose centre is not above the crossing begins or ends a run
//! there. So the right and lower edge of a polygon are outside, and a pixel that lies between an even number of crossings is
//! as well. Only those places are visited here, so that the work grows with the picture and not with the outline.

use super::{
    error::MaskError,
    rle::{Rle, fits},
};

/// How much finer the grid is.
const FINE: f64 = 5.0;

/// The furthest coordinate, in pixels; COCO's tools overflow at 2³¹ / 5.
const FURTHEST: f64 = 1e8;

/// Rounds as the walk does: a half is added, and what is behind the point is cut off (towards zero).
fn round(value: f64) -> i64 {
    (value + 0.5) as i64
}

/// The step from one fine corner to another.
struct Edge {
    /// Where it begins: at the lower end of its longer axis.
    x: i64,
    y: i64,
    /// Steps, the longer extent.
    steps: i64,
    /// What the other coordinate moves in a step.
    slope: f64,
    /// Whether the longer axis is x.
    flat: bool,
}

impl Edge {
    fn new(from: (i64, i64), to: (i64, i64)) -> Self {
        let (dx, dy) = ((to.0 - from.0).abs(), (to.1 - from.1).abs());
        let flat = dx >= dy;
        let back = if flat { from.0 > to.0 } else { from.1 > to.1 };
        let ((x, y), end) = if back { (to, from) } else { (from, to) };
        let slope = if flat { (end.1 - y) as f64 / dx as f64 } else { (end.0 - x) as f64 / dy as f64 };
        Self { x, y, steps: dx.max(dy), slope, flat }
    }

    /// The fine place after so many steps.
    fn at(&self, step: i64) -> (i64, i64) {
        if self.flat {
            (self.x + step, round_from(self.y, self.slope * step as f64))
        } else {
            (round_from(self.x, self.slope * step as f64), self.y + step)
        }
    }

    /// The first step whose x is `wanted` or more (or, of an edge that leads to the left, `wanted` or less).
    fn first(&self, wanted: i64) -> i64 {
        let (mut low, mut high) = (0, self.steps);
        while low < high {
            let middle = (low + high) / 2;
            let x = self.at(middle).0;
            if if self.slope < 0.0 { x <= wanted } else { x >= wanted } {
                high = middle
            } else {
                low = middle + 1
            }
        }
        low
    }

    /// The upper end of the step between the fine columns `left` and `left + 1`, if there is one.
    fn crossing(&self, left: i64) -> Option<i64> {
        let second = if self.flat {
            left + 1 - self.x
        } else {
            self.first(if self.slope < 0.0 { left } else { left + 1 })
        };
        if second < 1 || second > self.steps {
            return None;
        }
        let (a, b) = (self.at(second - 1), self.at(second));
        (a.0.min(b.0) == left && a.0 != b.0).then_some(a.1.min(b.1))
    }
}

fn round_from(start: i64, moved: f64) -> i64 {
    round(start as f64 + moved)
}

impl Rle {
    /// The pixels inside a polygon, given by x and y of its corners in turns, to the bits of COCO's tools. Two corners enclose
    /// nothing (COCO's Python takes an array of four numbers for a box, and refuses such a list).
    ///
    /// # Errors
    /// [`MaskError::TooLarge`], [`MaskError::Odd`], and [`MaskError::Coordinate`] for what is no number or beyond 10⁸ pixels.
    pub fn from_polygon(height: usize, width: usize, polygon: &[f64]) -> Result<Self, MaskError> {
        let pixels = fits(height, width)?;
        if !polygon.len().is_multiple_of(2) {
            return Err(MaskError::Odd { found: polygon.len() });
        }
        if let Some(&value) = polygon.iter().find(|value| !(-FURTHEST..=FURTHEST).contains(*value)) {
            return Err(MaskError::Coordinate { value, limit: FURTHEST });
        }
        if pixels == 0 || polygon.is_empty() {
            return Self::empty(height, width);
        }
        let fine: Vec<(i64, i64)> =
            polygon.chunks_exact(2).map(|point| (round(FINE * point[0]), round(FINE * point[1]))).collect();
        let mut marks: Vec<u32> = Vec::new();
        for (at, &from) in fine.iter().enumerate() {
            let to = fine[(at + 1) % fine.len()];
            if from.0 == to.0 {
                continue;
            }
            let edge = Edge::new(from, to);
            // Columns whose centre lies between the ends.
            let first = from.0.min(to.0).max(0) / 5;
            let last = (from.0.max(to.0) / 5).min(width as i64 - 1);
            for column in first..=last {
                if let Some(y) = edge.crossing(5 * column + 2) {
                    let row = ((y as f64 + 0.5) / FINE - 0.5).clamp(0.0, height as f64).ceil();
                    marks.push((column as usize * height) as u32 + row as u32);
                }
            }
        }
        // Where an odd number of marks lies before a pixel it is inside; an outline is closed, so that marks come in pairs.
        marks.sort_unstable();
        marks.push(pixels as u32);
        Ok(Self::from_spans(height, width, marks.chunks_exact(2).map(|pair| (pair[0], pair[1]))))
    }

    /// The pixels inside any of the polygons.
    ///
    /// # Errors
    /// Those of [`Self::from_polygon`].
    pub fn from_polygons(height: usize, width: usize, polygons: &[Vec<f64>]) -> Result<Self, MaskError> {
        polygons.iter().try_fold(Self::empty(height, width)?, |merged, polygon| {
            merged.union(&Self::from_polygon(height, width, polygon)?)
        })
    }
}
