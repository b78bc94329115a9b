//! Where the maxima of a pooling lie: in its plane as the device counts, over the whole tensor as ONNX does.

use std::cell::OnceCell;

use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::error::{Error, Result};

/// The most elements of an operand whose places are counted over the whole of it, in i32.
pub(super) const MOST: usize = i32::MAX as usize;

/// The second result of MaxPool. Over the whole tensor they are counted where they are first read so.
pub(super) struct MaxIndices {
    within: Tensor,
    plane: usize,
    whole: OnceCell<Tensor>,
}

impl MaxIndices {
    /// `within`: i32 indices, N C and the axes of the windows, in planes of `plane` elements.
    pub(super) const fn new(within: Tensor, plane: usize) -> Self {
        Self { within, plane, whole: OnceCell::new() }
    }

    /// The indices in their plane, i32.
    pub(super) const fn within(&self) -> &Tensor {
        &self.within
    }

    /// The elements of a plane.
    pub(super) const fn plane(&self) -> usize {
        self.plane
    }

    /// The indices over the whole tensor, i32, for the reader `place`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for several planes of more than [`MOST`] elements together.
    pub(super) fn whole(&self, place: &str, context: &Context) -> Result<Tensor> {
        if let Some(whole) = self.whole.get() {
            return Ok(whole.clone());
        }
        let shape = self.within.shape();
        let planes: usize = shape.iter().take(2).product();
        if planes <= 1 {
            return Ok(self.within.clone());
        }
        let elements = planes.saturating_mul(self.plane);
        if elements > MOST {
            return Err(Error::Unsupported {
                place: place.to_owned(),
                what: format!(
                    "reading the indices of a MaxPool over {planes} planes of {} elements, {elements} in all \
                     where {MOST} are the most (Mod by {} gives those in a plane, of any size),",
                    self.plane, self.plane
                ),
            });
        }
        let starts: Vec<i32> = (0..planes).map(|plane| (plane * self.plane) as i32).collect();
        let mut aligned = shape.to_vec();
        aligned.iter_mut().skip(2).for_each(|extent| *extent = 1);
        let at = |source| Error::Tensor { node: place.to_owned(), source: Box::new(source) };
        let starts = Tensor::from_slice(context, &starts, &aligned).map_err(at)?;
        let whole = self.within.add(&starts).map_err(at)?;
        Ok(self.whole.get_or_init(|| whole).clone())
    }
}
