//! Maxima put back to where they were.

use tilewright_ops::{Op, Pool2d, ScatterReduction, element_count};

use super::operand::{Operand, fails, operand, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "max_unpool2d";

/// N C OH OW put to `indices` of planes of zeros, of `output` or else of what the windows cover.
pub fn max_unpool2d<V: Operand>(
    x: &V,
    indices: &Tensor,
    pool: &Pool2d,
    output: Option<[usize; 2]>,
) -> Result<V, V::Error> {
    let &[n, c, rows, columns] = x.shape() else {
        return Err(rank::<V>(OP, "x", x.shape(), "four (N C H W)"));
    };
    if indices.shape() != x.shape() {
        return Err(operand::<V>(OP, "indices", indices.shape(), x.shape()));
    }
    let covered = |axis: usize, count: usize| {
        let reach = count.saturating_sub(1).checked_mul(pool.stride[axis])?.checked_add(pool.kernel[axis])?;
        reach.checked_sub(pool.padding[axis].checked_mul(2)?).filter(|&extent| extent > 0)
    };
    let size = match output {
        Some(size) => Some(size),
        None => covered(0, rows).zip(covered(1, columns)).map(|(height, width)| [height, width]),
    };
    let plane = size.and_then(|[height, width]| height.checked_mul(width)).filter(|&plane| plane <= 1 << 31);
    let (Some(plane), Some([height, width])) = (plane, size) else {
        let value = format!("{output:?} for windows {:?}", pool.kernel);
        return Err(parameter::<V>(OP, "output", value, "a plane of 1 to 2,147,483,648 elements is needed"));
    };
    element_count(OP, &[n, c, plane]).map_err(fails::<V>)?;
    let flat = |tensor: &V| tensor.with_shape(&[n, c, rows * columns]);
    let zeros = V::constant(Tensor::zeros(x.tensor().context(), &[1, 1, 1])?.expand(&[n, c, plane])?);
    let indices = V::constant(Operand::with_shape(indices, &[n, c, rows * columns])?);
    let op = Op::ScatterElements { axis: 2, reduction: ScatterReduction::Replace };
    V::apply_one(&op, &[&zeros, &indices, &flat(x)?])?.with_shape(&[n, c, height, width])
}

impl Tensor {
    /// N C OH OW put to where `indices` (i32) says in planes of zeros: `torch.nn.functional.max_unpool2d`, the way back of
    /// [`Tensor::max_pool2d`]. The planes have the size `output`, or else what the windows cover. An index outside its plane
    /// is left out; of several at one place the last stays.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`], [`tilewright_ops::ShapeError::Operand`] for indices of another shape,
    /// [`tilewright_ops::ShapeError::Parameter`] for an output that is empty or too large.
    pub fn max_unpool2d(
        &self,
        indices: &Self,
        pool: &Pool2d,
        output: Option<[usize; 2]>,
    ) -> Result<Self, Error> {
        max_unpool2d(self, indices, pool, output)
    }
}
