//! A head's numbers as boxes and scores.

use tilewright_autograd::Var;
use tilewright_darknet::Yolo;
use tilewright_nn::Result;
use tilewright_ops::{SliceRange, UnaryOp};
use tilewright_tensor::Tensor;

/// Boxes N × boxes × 4 (left, top, right, bottom in pixels of an input of `size`, height and width) and scores N × boxes × classes
/// of `map`, N × (anchors · (5 + classes)) × H × W.
///
/// A centre is the cell's corner and s σ(x) − (s − 1) / 2 of a cell, s being the head's scale; a width is the anchor's times
/// eʷ. A score is σ(objectness) σ(class).
pub(super) fn decode(map: &Var, yolo: &Yolo, size: [usize; 2]) -> Result<[Var; 2]> {
    let &[batch, _, height, width] = map.shape() else {
        let (op, operand, shape) = ("yolo", "map", map.shape().to_vec());
        return Err(tilewright_ops::ShapeError::Rank { op, operand, shape, expected: "four: N C H W" }.into());
    };
    let (anchors, numbers, cells) = (yolo.anchors.len(), 5 + yolo.classes, height * width);
    let count = anchors * cells;
    let shape = [batch, anchors, numbers, cells].map(|extent| extent as isize);
    let rows = map.reshape(&shape)?.permute(&[0, 1, 3, 2])?;
    let rows = rows.reshape(&[batch, count, numbers].map(|extent| extent as isize))?;
    let columns = |from, to| {
        rows.slice(&[SliceRange::new(0, batch), SliceRange::new(0, count), SliceRange::new(from, to)])
    };
    let context = map.tensor().context();
    let constant = |values: Vec<f32>, last: usize| -> Result<Var> {
        Ok(Var::constant(Tensor::from_slice(context, &values, &[1, values.len() / last, last])?))
    };
    let cell = [size[1] as f32 / width as f32, size[0] as f32 / height as f32];
    let inset = (yolo.scale - 1.0) / 2.0;
    let mut corners = Vec::with_capacity(2 * count);
    let mut sizes = Vec::with_capacity(2 * count);
    for anchor in &yolo.anchors {
        for at in 0..cells {
            corners.extend([(at % width) as f32 - inset, (at / width) as f32 - inset]);
            sizes.extend(anchor.map(|extent| extent / 2.0));
        }
    }
    let centres = columns(0, 2)?.unary(UnaryOp::Sigmoid)?;
    let centres = if yolo.scale == 1.0 { centres } else { centres.scale(yolo.scale)? };
    let centres = centres.add(&constant(corners, 2)?)?.mul(&constant(cell.to_vec(), 2)?)?;
    let halves = columns(2, 4)?.unary(UnaryOp::Exp)?.mul(&constant(sizes, 2)?)?;
    let boxes = Var::concat(&[&centres.sub(&halves)?, &centres.add(&halves)?], 2)?;
    let chances = columns(4, numbers)?.unary(UnaryOp::Sigmoid)?;
    let parts = chances.split(2, &[1, yolo.classes])?;
    let scores = parts[1].mul(&parts[0])?;
    Ok([boxes, scores])
}
