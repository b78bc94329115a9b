//! Elements of an image at fractional places.

use tilewright_ops::{BinaryOp, DType, ShapeError, UnaryOp};

use crate::error::{Error, Result};
use crate::tensor::Tensor;

const OP: &str = "grid_sample";

/// The most elements of an image whose rows have numbers: those are computed in f32, which has every whole number up to
/// here.
const MOST: usize = 1 << 24;

/// How a value is made of the elements around its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// The nearest element, the even one of two.
    Nearest,
    /// The two elements of each axis, by distance.
    Linear,
    /// Four elements of each axis, by Keys' cubic with a = −0.75.
    Cubic,
}

/// What lies outside of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Zeros.
    Zeros,
    /// The nearest element of the image.
    Border,
    /// The image mirrored at its borders.
    Reflection,
}

/// Parameters of [`Tensor::grid_sample`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridSample {
    /// How a value is made of the elements around its place.
    pub sampling: Sampling,
    /// What lies outside of the image.
    pub outside: Outside,
    /// Whether −1 and 1 are the middles of the first and last element, and not their outer edges.
    pub align_corners: bool,
}

/// Coordinates on one axis: the element's number for each tap, and its weight.
struct Axis {
    extent: usize,
    taps: Vec<(Tensor, Option<Tensor>)>,
}

fn constant(like: &Tensor, value: f32) -> Result<Tensor> {
    Tensor::from_slice(like.context(), &[value], &[])
}

fn plus(x: &Tensor, value: f32) -> Result<Tensor> {
    if value == 0.0 { Ok(x.clone()) } else { x.unary(UnaryOp::AddScalar { value }) }
}

/// 1 where the element's number is inside of the axis, else 0.
fn inside(at: &Tensor, extent: usize) -> Result<Tensor> {
    let low = at.binary(BinaryOp::GreaterOrEqual, &constant(at, 0.0)?)?;
    low.mul(&at.binary(BinaryOp::Less, &constant(at, extent as f32)?)?)
}

/// x mirrored at `low` and `low + span` until it lies between them.
fn reflected(x: &Tensor, low: f32, span: f32) -> Result<Tensor> {
    if span <= 0.0 {
        return x.scale(0.0);
    }
    // The distance from the first border, folded into one period of twice the span.
    let distance = plus(x, -low)?.unary(UnaryOp::Abs)?;
    let periods = distance.scale(1.0 / (2.0 * span))?.unary(UnaryOp::Floor)?;
    let rest = distance.sub(&periods.scale(2.0 * span)?)?;
    // min(rest, 2 · span − rest)
    let back = plus(&rest.scale(-1.0)?, 2.0 * span)?;
    plus(&rest.binary(BinaryOp::Minimum, &back)?, low)
}

/// The borders at which a mirrored axis turns.
fn turns(extent: usize, align_corners: bool) -> (f32, f32) {
    if align_corners { (0.0, extent as f32 - 1.0) } else { (-0.5, extent as f32) }
}

impl GridSample {
    /// The taps of an axis for places `at`, which count in elements.
    fn axis(&self, at: &Tensor, extent: usize) -> Result<Axis> {
        let last = (extent as f32 - 1.0).max(0.0);
        let hold = |x: &Tensor| x.unary(UnaryOp::Clamp { min: 0.0, max: last });
        let (low, span) = turns(extent, self.align_corners);
        // Cubic taps are moved into the image each for itself, as PyTorch does it.
        let at = match (self.outside, self.sampling) {
            (Outside::Zeros, _) | (_, Sampling::Cubic) => at.clone(),
            (Outside::Border, _) => hold(at)?,
            (Outside::Reflection, _) => hold(&reflected(at, low, span)?)?,
        };
        if self.sampling == Sampling::Nearest {
            return Ok(Axis { extent, taps: vec![(at.unary(UnaryOp::Round)?, None)] });
        }
        let first = at.unary(UnaryOp::Floor)?;
        let behind = at.sub(&first)?;
        let weights = match self.sampling {
            Sampling::Linear => vec![plus(&behind.scale(-1.0)?, 1.0)?, behind],
            Sampling::Nearest | Sampling::Cubic => keys(&behind)?,
        };
        let start = if self.sampling == Sampling::Cubic { -1.0 } else { 0.0 };
        let mut taps = Vec::with_capacity(weights.len());
        for (tap, weight) in weights.into_iter().enumerate() {
            let place = plus(&first, start + tap as f32)?;
            let place = match self.outside {
                Outside::Zeros => place,
                Outside::Border => hold(&place)?,
                Outside::Reflection if self.sampling == Sampling::Cubic => {
                    hold(&reflected(&place, low, span)?)?
                }
                // Only the one behind the last can be outside, and its weight is then 0.
                Outside::Reflection => hold(&place)?,
            };
            taps.push((place, Some(weight)));
        }
        Ok(Axis { extent, taps })
    }
}

/// Weights of the four elements around a place `t` behind the second: Keys, 1981, with a = −0.75.
fn keys(t: &Tensor) -> Result<Vec<Tensor>> {
    const A: f32 = -0.75;
    // Of an element at a distance of 1 to 2, and of one up to 1.
    let far = |d: &Tensor| -> Result<Tensor> {
        let inner = plus(&d.scale(A)?, -5.0 * A)?;
        let inner = plus(&inner.mul(d)?, 8.0 * A)?;
        plus(&inner.mul(d)?, -4.0 * A)
    };
    let near = |d: &Tensor| -> Result<Tensor> {
        let inner = plus(&d.scale(A + 2.0)?, -(A + 3.0))?;
        plus(&inner.mul(d)?.mul(d)?, 1.0)
    };
    let rest = plus(&t.scale(-1.0)?, 1.0)?;
    Ok(vec![far(&plus(t, 1.0)?)?, near(t)?, near(&rest)?, far(&plus(&rest, 1.0)?)?])
}

/// The elements of N C … at places, one tensor N P for each spatial axis, counted in elements: N P C. `op` says what is
/// outside and how a value is made.
///
/// # Errors
/// [`ShapeError::Parameter`] for an image of more than 2²⁴ elements in a channel; those of the operations.
pub fn sampled(x: &Tensor, places: &[Tensor], op: &GridSample) -> Result<Tensor> {
    let (batch, channels) = (x.shape()[0], x.shape()[1]);
    let spatial = x.shape()[2..].to_vec();
    let plane: usize = spatial.iter().product();
    if plane > MOST {
        return Err(ShapeError::Parameter {
            op: OP,
            parameter: "elements of a channel",
            value: plane.to_string(),
            hint: "16,777,216 are the most: f32 counts no further",
        }
        .into());
    }
    if batch.saturating_mul(plane) > MOST {
        // Each image for itself.
        let mut parts = Vec::with_capacity(batch);
        for at in 0..batch {
            let one = |tensor: &Tensor| {
                let mut ranges: Vec<_> =
                    tensor.shape().iter().map(|&extent| tilewright_ops::SliceRange::full(extent)).collect();
                ranges[0] = tilewright_ops::SliceRange::new(at, at + 1);
                tensor.slice(&ranges)
            };
            let places = places.iter().map(one).collect::<Result<Vec<_>>>()?;
            parts.push(sampled(&one(x)?, &places, op)?);
        }
        return Tensor::concat(&parts.iter().collect::<Vec<_>>(), 0);
    }
    let mut order = vec![0];
    order.extend(2..x.rank());
    order.push(1);
    let rows = x.permute(&order)?.reshape(&[-1, channels as isize])?;
    let starts: Vec<f32> = (0..batch).map(|at| (at * plane) as f32).collect();
    let starts = Tensor::from_slice(x.context(), &starts, &[batch, 1])?;
    let axes =
        places.iter().zip(&spatial).map(|(at, &extent)| op.axis(at, extent)).collect::<Result<Vec<_>>>()?;
    // An index behind the last row is outside, and gives 0.
    let none = constant(x, (batch * plane) as f32)?;
    let mut sum: Option<Tensor> = None;
    let taps: usize = axes.iter().map(|axis| axis.taps.len()).product();
    for tap in 0..taps {
        let mut rest = tap;
        let (mut row, mut seen, mut weight): (Option<Tensor>, Option<Tensor>, Option<Tensor>) =
            Default::default();
        for axis in &axes {
            let (place, share) = &axis.taps[rest % axis.taps.len()];
            rest /= axis.taps.len();
            row = Some(match row {
                Some(row) => row.scale(axis.extent as f32)?.add(place)?,
                None => place.clone(),
            });
            if op.outside == Outside::Zeros {
                let here = inside(place, axis.extent)?;
                seen = Some(match seen {
                    Some(seen) => seen.mul(&here)?,
                    None => here,
                });
            }
            weight = match (weight, share) {
                (Some(weight), Some(share)) => Some(weight.mul(share)?),
                (None, share) => share.clone(),
                (weight, None) => weight,
            };
        }
        let Some(row) = row else { continue };
        let row = row.add(&starts)?;
        let row = match &seen {
            Some(seen) => row.where_on(seen, &none)?,
            None => row,
        };
        let value = rows.gather(0, &row.cast(DType::I32)?)?;
        let value = match weight {
            Some(weight) => {
                let [n, p] = [weight.shape()[0], weight.shape()[1]].map(|extent| extent as isize);
                value.mul(&weight.reshape(&[n, p, 1])?)?
            }
            None => value,
        };
        sum = Some(match sum {
            Some(sum) => sum.add(&value)?,
            None => value,
        });
    }
    sum.ok_or_else(|| ShapeError::NoOperands { op: OP }.into())
}

impl Tensor {
    /// N C … sampled at the places of a grid N … axes, whose last axis names them from the last spatial axis to the first,
    /// −1 to 1 over the image: `torch.nn.functional.grid_sample`, over two or three axes. Composed of gathers; a place that is
    /// NaN gives NaN, or 0.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], [`ShapeError::Operand`] for a grid of another batch or number of axes;
    /// [`ShapeError::Parameter`] for an image of more than 2²⁴ elements in a channel.
    pub fn grid_sample(&self, grid: &Self, op: &GridSample) -> Result<Self, Error> {
        let axes = self.rank().saturating_sub(2);
        if !(1..=3).contains(&axes) {
            let shape = self.shape().to_vec();
            return Err(ShapeError::Rank { op: OP, operand: "x", shape, expected: "three to five" }.into());
        }
        let mut expected = grid.shape().to_vec();
        if let (Some(first), Some(last)) = (expected.first().copied(), expected.last_mut()) {
            *last = axes;
            expected[0] = if first == self.shape()[0] { first } else { self.shape()[0] };
        }
        if grid.rank() != self.rank() || grid.shape() != expected {
            let shape = grid.shape().to_vec();
            return Err(ShapeError::Operand { op: OP, operand: "grid", shape, expected }.into());
        }
        let (batch, channels) = (self.shape()[0], self.shape()[1]);
        let points: usize = grid.shape()[1..=axes].iter().product();
        let mut shape = vec![batch, channels];
        shape.extend(&grid.shape()[1..=axes]);
        if shape.contains(&0) {
            return Self::from_slice::<f32>(self.context(), &[], &shape);
        }
        let flat = grid.reshape(&[batch as isize, points as isize, axes as isize])?;
        let mut places = Vec::with_capacity(axes);
        for (axis, &extent) in self.shape()[2..].iter().enumerate() {
            let at = axes - 1 - axis;
            let full = tilewright_ops::SliceRange::full;
            let range = [full(batch), full(points), tilewright_ops::SliceRange::new(at, at + 1)];
            let x = flat.slice(&range)?.reshape(&[batch as isize, points as isize])?;
            let extent = extent as f32;
            places.push(if op.align_corners {
                plus(&x, 1.0)?.scale(0.5 * (extent - 1.0))?
            } else {
                plus(&plus(&x, 1.0)?.scale(extent)?, -1.0)?.scale(0.5)?
            });
        }
        let y = sampled(self, &places, op)?;
        let mut order = vec![0, 2];
        order.push(1);
        y.permute(&order)?.reshape(&shape.iter().map(|&extent| extent as isize).collect::<Vec<_>>())
    }
}
