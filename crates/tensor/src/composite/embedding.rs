//! Rows of a table by their numbers.

use tilewright_ops::BinaryOp;

use super::operand::{Operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "embedding";

/// The rows of `weight` at `indices` (i32); the row `padding_idx` gets no gradient.
pub fn embedding<V: Operand>(
    weight: &V,
    indices: &Tensor,
    padding_idx: Option<usize>,
) -> Result<V, V::Error> {
    let &[rows, _] = weight.shape() else {
        return Err(rank::<V>(OP, "weight", weight.shape(), "two (rows, columns)"));
    };
    let y = weight.gathered(0, indices)?;
    let Some(index) = padding_idx else { return Ok(y) };
    let Some(number) = i32::try_from(index).ok().filter(|_| index < rows) else {
        let hint = "it must be one of the rows";
        return Err(parameter::<V>(OP, "padding_idx", format!("{index} of {rows}"), hint));
    };
    let number = Tensor::from_slice(indices.context(), &[number], &[])?;
    let mut shape = indices.shape().to_vec();
    shape.push(1);
    let padding = Operand::with_shape(&indices.binary(BinaryOp::Equal, &number)?, &shape)?;
    // The same values without a past.
    V::constant(y.tensor().clone()).where_on(&padding, &y)
}

/// The elements of `axis` at `indices`, a list.
pub fn index_select<V: Operand>(x: &V, axis: usize, indices: &Tensor) -> Result<V, V::Error> {
    if indices.rank() != 1 {
        return Err(rank::<V>("index_select", "indices", indices.shape(), "one"));
    }
    x.gathered(axis, indices)
}

impl Tensor {
    /// The rows of this table at `indices` (i32), whose axes stand before the columns: `torch.nn.functional.embedding`.
    /// As a variable's, the row `padding_idx` gets no gradient. A negative index counts from the back, one that is outside
    /// gives zeros.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] unless the table has two axes, [`tilewright_ops::ShapeError::Parameter`] for a
    /// padding that is no row; those of [`Tensor::gather`].
    pub fn embedding(&self, indices: &Self, padding_idx: Option<usize>) -> Result<Self, Error> {
        embedding(self, indices, padding_idx)
    }

    /// The elements of `axis` at `indices` (i32), a list: `torch.index_select`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] unless the indices have one axis; those of [`Tensor::gather`].
    pub fn index_select(&self, axis: usize, indices: &Self) -> Result<Self, Error> {
        index_select(self, axis, indices)
    }
}
