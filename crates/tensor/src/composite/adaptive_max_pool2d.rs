//! Maxima of as many windows as the output has pixels.

use tilewright_ops::{AdaptiveAvgPool2d, Op, Pool2d, TapTable};

use super::operand::{Operand, fails, parameter, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "adaptive_max_pool2d";

/// The windows of an axis, all as long as the longest: a shorter one shows its last element again, which is never the first
/// of equal ones.
fn windows(extent: usize, count: usize) -> (usize, Vec<usize>) {
    let all = || (0..count).map(|at| AdaptiveAvgPool2d::window(at, extent, count));
    let longest = all().map(|(start, end)| end - start).max().unwrap_or(1);
    let shown = all().flat_map(|(start, end)| (0..longest).map(move |at| (start + at).min(end - 1)));
    (longest, shown.collect())
}

/// The maxima of windows that divide the image N C H W evenly, and the flat index of each in its plane (i32).
pub fn adaptive_max_pool2d<V: Operand>(x: &V, output: [usize; 2]) -> Result<(V, Tensor), V::Error> {
    let &[n, c, height, width] = x.shape() else {
        return Err(rank::<V>(OP, "x", x.shape(), "four (N C H W)"));
    };
    let fits = AdaptiveAvgPool2d { output }.output_shape([n, c, height, width]);
    fits.map_err(fails::<V>)?;
    if let Some(extent) = output.into_iter().find(|&extent| extent > TapTable::MOST_INDEX) {
        return Err(parameter::<V>(OP, "output", extent, "16,777,216 are the most: f32 counts no further"));
    }
    let ((kh, rows), (kw, columns)) = (windows(height, output[0]), windows(width, output[1]));
    let pool = |x: &V| -> Result<(V, Tensor), V::Error> {
        let op = Op::MaxPool2d { pool: Pool2d::new([kh, kw]), indices: true };
        let mut results = V::apply(&op, &[x])?.into_iter();
        match (results.next(), results.next()) {
            (Some(y), Some(indices)) => Ok((y, indices.tensor().clone())),
            _ => Err(fails::<V>(tilewright_ops::ShapeError::NoOperands { op: OP })),
        }
    };
    if rows.len() == height && columns.len() == width {
        return pool(x);
    }
    let (y, drawn) = pool(&x.resampled(2, [&TapTable::gather(&rows), &TapTable::gather(&columns)])?)?;
    // What the pooling saw as element (r, c) is element (rows[r], columns[c]) of x.
    let places = rows.iter().flat_map(|row| columns.iter().map(move |column| (row * width + column) as i32));
    let plane = rows.len() * columns.len();
    let places = Tensor::from_slice(x.tensor().context(), &places.collect::<Vec<_>>(), &[plane])?;
    let indices = places.gather(0, &drawn)?;
    Ok((y, indices))
}

impl Tensor {
    /// The maxima of OH·OW windows that divide N C H W evenly, N C OH OW, and where each is, as the flat index in the H·W
    /// plane (i32): `torch.nn.functional.adaptive_max_pool2d` with `return_indices`.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`] without four axes; those of [`AdaptiveAvgPool2d::output_shape`].
    pub fn adaptive_max_pool2d(&self, output: [usize; 2]) -> Result<(Self, Self), Error> {
        adaptive_max_pool2d(self, output)
    }
}
