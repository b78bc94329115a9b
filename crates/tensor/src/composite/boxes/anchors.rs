//! Boxes that a detector starts from.

use tilewright_ops::ShapeError;
use tilewright_runtime::Context;

use crate::error::Result;
use crate::tensor::Tensor;

/// Boxes of several sizes and ratios around each place of several grids, as torchvision's `AnchorGenerator` has them.
#[derive(Debug, Clone, PartialEq)]
pub struct AnchorGenerator {
    /// Side of the square of the same area, in pixels of the image: some for each grid.
    pub sizes: Vec<Vec<f32>>,
    /// Height over width: some for each grid.
    pub aspect_ratios: Vec<Vec<f32>>,
}

impl AnchorGenerator {
    /// The boxes around 0 of grid `level`, each size of the first ratio, then of the next; corners are rounded to whole pixels, halves
    /// to even ones.
    #[must_use]
    pub fn around(&self, level: usize) -> Vec<[f32; 4]> {
        let part = |of: &[Vec<f32>]| of.get(level).cloned().unwrap_or_default();
        let (sizes, ratios) = (part(&self.sizes), part(&self.aspect_ratios));
        let anchor = |(ratio, size): (f32, f32)| {
            let tall = ratio.sqrt();
            let (width, height) = (1.0 / tall * size, tall * size);
            [-width, -height, width, height].map(|corner| (corner / 2.0).round_ties_even())
        };
        let pairs = ratios.iter().flat_map(|&ratio| sizes.iter().map(move |&size| (ratio, size)));
        pairs.map(anchor).collect()
    }

    /// The boxes `[A, 4]` of an image of height and width `image`, over grids of height and width `grids`: grid by grid, row by row,
    /// place by place, in the order of [`Self::around`]. A place lies as many whole pixels from the next as the image has for each.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] unless there are as many lists of sizes and of ratios as grids, of numbers above 0, and for a grid
    /// without places.
    pub fn anchors(&self, context: &Context, image: [usize; 2], grids: &[[usize; 2]]) -> Result<Tensor> {
        let wrong = |parameter, value: String, hint| {
            Err(ShapeError::Parameter { op: "anchors", parameter, value, hint }.into())
        };
        if self.sizes.len() != grids.len() || self.aspect_ratios.len() != grids.len() {
            let value =
                format!("{} and {} for {} grids", self.sizes.len(), self.aspect_ratios.len(), grids.len());
            return wrong("sizes", value, "each grid has a list of sizes and one of ratios");
        }
        let mut numbers = self.sizes.iter().chain(&self.aspect_ratios).flatten();
        if let Some(number) = numbers.find(|number| !(number.is_finite() && **number > 0.0)) {
            return wrong("sizes", number.to_string(), "sizes and ratios are numbers above 0");
        }
        let mut corners: Vec<f32> = Vec::new();
        for (level, &[rows, columns]) in grids.iter().enumerate() {
            if rows == 0 || columns == 0 {
                return wrong("grids", format!("{grids:?}"), "a grid has places");
            }
            let (down, across) = (image[0] / rows, image[1] / columns);
            let around = self.around(level);
            for place in 0..rows * columns {
                let (x, y) = ((place % columns * across) as f32, (place / columns * down) as f32);
                corners.extend(around.iter().flat_map(|[x1, y1, x2, y2]| [x + x1, y + y1, x + x2, y + y2]));
            }
        }
        Tensor::from_slice(context, &corners, &[corners.len() / 4, 4])
    }
}
