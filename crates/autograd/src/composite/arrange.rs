//! Variables along an axis of their own, turned, moved in a circle, and several times.

use tilewright_tensor::composite::{flip, repeat_interleave, roll, shuffle, stack};

use crate::error::Error;
use crate::var::Var;

impl Var {
    /// Variables of one shape along a new axis; see [`tilewright_tensor::Tensor::stack`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::stack`].
    pub fn stack(vars: &[&Self], axis: usize) -> Result<Self, Error> {
        stack::stack(vars, axis)
    }

    /// Each element of `axis` as a variable without that axis; see [`tilewright_tensor::Tensor::unbind`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::unbind`].
    pub fn unbind(&self, axis: usize) -> Result<Vec<Self>, Error> {
        stack::unbind(self, axis)
    }

    /// At most `count` parts along `axis`; see [`tilewright_tensor::Tensor::chunk`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::chunk`].
    pub fn chunk(&self, count: usize, axis: usize) -> Result<Vec<Self>, Error> {
        stack::chunk(self, count, axis)
    }

    /// The elements of each of `axes` in reverse order; see [`tilewright_tensor::Tensor::flip`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::flip`].
    pub fn flip(&self, axes: &[usize]) -> Result<Self, Error> {
        flip::flip(self, axes)
    }

    /// The elements of each of `axes` moved in a circle; see [`tilewright_tensor::Tensor::roll`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::roll`].
    pub fn roll(&self, shifts: &[isize], axes: &[usize]) -> Result<Self, Error> {
        roll::roll(self, shifts, axes)
    }

    /// Each element of `axis` `times` times; see [`tilewright_tensor::Tensor::repeat_interleave`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::repeat_interleave`].
    pub fn repeat_interleave(&self, times: usize, axis: usize) -> Result<Self, Error> {
        repeat_interleave::repeat_interleave(self, times, axis)
    }

    /// Whole copies along each axis; see [`tilewright_tensor::Tensor::tile`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::tile`].
    pub fn tile(&self, repeats: &[usize]) -> Result<Self, Error> {
        repeat_interleave::tile(self, repeats)
    }

    /// N C·b² H W to N C H·b W·b; see [`tilewright_tensor::Tensor::pixel_shuffle`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::pixel_shuffle`].
    pub fn pixel_shuffle(&self, block: usize) -> Result<Self, Error> {
        shuffle::pixel_shuffle(self, block)
    }

    /// N C H·b W·b to N C·b² H W; see [`tilewright_tensor::Tensor::pixel_unshuffle`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::pixel_unshuffle`].
    pub fn pixel_unshuffle(&self, block: usize) -> Result<Self, Error> {
        tilewright_tensor::composite::depth_to_space::pixel_unshuffle(self, block)
    }

    /// The channels of groups in turn; see [`tilewright_tensor::Tensor::channel_shuffle`].
    ///
    /// # Errors
    /// Those of [`tilewright_tensor::Tensor::channel_shuffle`].
    pub fn channel_shuffle(&self, groups: usize) -> Result<Self, Error> {
        shuffle::channel_shuffle(self, groups)
    }
}
