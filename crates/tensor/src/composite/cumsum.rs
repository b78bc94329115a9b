//! Running sums.

use tilewright_ops::{ReduceOp, SliceRange};

use super::operand::{Operand, fails};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "cumsum";

/// The longest line that is one product with a triangle.
const LONGEST: usize = 2048;

/// Elements of a block of a longer line.
const BLOCK: usize = 256;

/// How running sums are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CumSum {
    /// The axis.
    pub axis: usize,
    /// Whether an element is left out of its own sum.
    pub exclusive: bool,
    /// Whether the sums run from the end.
    pub reverse: bool,
}

/// `y[i] = Σ x[j]` over j ≤ i along an axis (j < i if exclusive, the other way if reverse): a product with a triangle of
/// ones; of a long line, blocks of it, to which the sums of those before are added.
pub fn cumsum<V: Operand>(x: &V, op: &CumSum) -> Result<V, V::Error> {
    let shape = x.shape().to_vec();
    let axis = tilewright_ops::normalize_axis(OP, op.axis as isize, &shape).map_err(fails::<V>)?;
    if shape.contains(&0) {
        return Ok(x.clone());
    }
    // The axis goes to the end and comes back.
    let mut order: Vec<usize> = (0..shape.len()).filter(|&other| other != axis).collect();
    order.push(axis);
    let mut back = vec![0; order.len()];
    for (at, &from) in order.iter().enumerate() {
        back[from] = at;
    }
    let moved = x.permute(&order)?;
    let shape = moved.shape().to_vec();
    let extent = shape[shape.len() - 1];
    let sums = lines(&moved.reshape(&[-1, extent as isize])?, op)?;
    sums.with_shape(&shape)?.permute(&back)
}

/// Running sums of the rows of a matrix.
fn lines<V: Operand>(x: &V, op: &CumSum) -> Result<V, V::Error> {
    let &[rows, extent] = x.shape() else { return Err(fails::<V>(no_matrix(x.shape()))) };
    if extent <= LONGEST {
        return x.matmul(&x.values(&triangle(extent, op), &[extent, extent])?);
    }
    let blocks = extent.div_ceil(BLOCK);
    let padded = x.pad(&[(0, 0), (0, blocks * BLOCK - extent)], 0.0)?.with_shape(&[rows * blocks, BLOCK])?;
    let inside = lines(&padded, op)?.with_shape(&[rows, blocks, BLOCK])?;
    let totals = padded.reduce(ReduceOp::Sum, &[1], false)?.with_shape(&[rows, blocks])?;
    let before = lines(&totals, &CumSum { exclusive: true, ..*op })?.with_shape(&[rows, blocks, 1])?;
    let sums = inside.add(&before)?.with_shape(&[rows, blocks * BLOCK])?;
    sums.slice(&[SliceRange::full(rows), SliceRange::new(0, extent)])
}

/// Row j, column i: whether element j is part of sum i.
fn triangle(extent: usize, op: &CumSum) -> Vec<f32> {
    let part = |from: usize, to: usize| {
        let (from, to) = if op.reverse { (to, from) } else { (from, to) };
        from < to || (from == to && !op.exclusive)
    };
    (0..extent * extent).map(|at| f32::from(u8::from(part(at / extent, at % extent)))).collect()
}

fn no_matrix(shape: &[usize]) -> tilewright_ops::ShapeError {
    tilewright_ops::ShapeError::Rank { op: OP, operand: "x", shape: shape.to_vec(), expected: "two" }
}

impl Tensor {
    /// Running sums along an axis, `y[i] = Σ x[j]` over j ≤ i: `torch.cumsum`, with ONNX's `exclusive` and `reverse`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Axis`]; [`Error::DType`] unless f32.
    pub fn cumsum(&self, op: &CumSum) -> Result<Self, Error> {
        cumsum(self, op)
    }
}
