//! Elements of an image at fractional places.

use tilewright_ops::{BinaryOp, DType, SliceRange, UnaryOp};

use super::operand::{Operand, operand, parameter, rank};
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
struct Axis<V> {
    extent: usize,
    taps: Vec<(Tensor, Option<V>)>,
}

fn constant(like: &Tensor, value: f32) -> Result<Tensor> {
    Tensor::from_slice(like.context(), &[value], &[])
}

/// 1 where the element's number is inside of the axis, else 0.
fn inside(at: &Tensor, extent: usize) -> Result<Tensor> {
    let low = at.binary(BinaryOp::GreaterOrEqual, &constant(at, 0.0)?)?;
    low.mul(&at.binary(BinaryOp::Less, &constant(at, extent as f32)?)?)
}

/// x mirrored at `low` and `low + span` until it lies between them.
fn reflected<V: Operand>(x: &V, low: f32, span: f32) -> Result<V, V::Error> {
    if span <= 0.0 {
        return x.scale(0.0);
    }
    // The distance from the first border, folded into one period of twice the span.
    let distance = x.plus(-low)?.unary(UnaryOp::Abs)?;
    let periods = distance.scale(1.0 / (2.0 * span))?.unary(UnaryOp::Floor)?;
    let rest = distance.sub(&periods.scale(2.0 * span)?)?;
    // min(rest, 2 · span − rest)
    let back = rest.scale(-1.0)?.plus(2.0 * span)?;
    rest.binary(BinaryOp::Minimum, &back)?.plus(low)
}

/// The borders at which a mirrored axis turns.
fn turns(extent: usize, align_corners: bool) -> (f32, f32) {
    if align_corners { (0.0, extent as f32 - 1.0) } else { (-0.5, extent as f32) }
}

impl GridSample {
    /// The taps of an axis for places `at`, which count in elements.
    fn axis<V: Operand>(&self, at: &V, extent: usize) -> Result<Axis<V>, V::Error> {
        let last = (extent as f32 - 1.0).max(0.0);
        let hold = |x: &V| x.unary(UnaryOp::Clamp { min: 0.0, max: last });
        let (low, span) = turns(extent, self.align_corners);
        // Cubic taps are moved into the image each for itself, as PyTorch does it.
        let at = match (self.outside, self.sampling) {
            (Outside::Zeros, _) | (_, Sampling::Cubic) => at.clone(),
            (Outside::Border, _) => hold(at)?,
            (Outside::Reflection, _) => hold(&reflected(at, low, span)?)?,
        };
        if self.sampling == Sampling::Nearest {
            return Ok(Axis { extent, taps: vec![(at.unary(UnaryOp::Round)?.tensor().clone(), None)] });
        }
        // Steps have no slope: what a place changes is the weights.
        let first = at.tensor().unary(UnaryOp::Floor)?;
        let behind = at.sub(&V::constant(first.clone()))?;
        let weights = match self.sampling {
            Sampling::Linear => vec![behind.scale(-1.0)?.plus(1.0)?, behind],
            Sampling::Nearest | Sampling::Cubic => keys(&behind)?,
        };
        let hold = |x: &Tensor| x.unary(UnaryOp::Clamp { min: 0.0, max: last });
        let start = if self.sampling == Sampling::Cubic { -1.0 } else { 0.0 };
        let mut taps = Vec::with_capacity(weights.len());
        for (tap, weight) in weights.into_iter().enumerate() {
            let place = first.plus(start + tap as f32)?;
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
fn keys<V: Operand>(t: &V) -> Result<Vec<V>, V::Error> {
    const A: f32 = -0.75;
    // Of an element at a distance of 1 to 2, and of one up to 1.
    let far = |d: &V| -> Result<V, V::Error> {
        let inner = d.scale(A)?.plus(-5.0 * A)?;
        let inner = inner.mul(d)?.plus(8.0 * A)?;
        inner.mul(d)?.plus(-4.0 * A)
    };
    let near = |d: &V| -> Result<V, V::Error> {
        let inner = d.scale(A + 2.0)?.plus(-(A + 3.0))?;
        inner.mul(d)?.mul(d)?.plus(1.0)
    };
    let rest = t.scale(-1.0)?.plus(1.0)?;
    Ok(vec![far(&t.plus(1.0)?)?, near(t)?, near(&rest)?, far(&rest.plus(1.0)?)?])
}

/// The elements of N C … at places, one tensor N P for each spatial axis, counted in elements: N P C. `op` says what is
/// outside and how a value is made.
///
/// # Errors
/// [`tilewright_ops::ShapeError::Parameter`] for an image of more than 2²⁴ elements in a channel; those of the operations.
pub fn sampled<V: Operand>(x: &V, places: &[V], op: &GridSample) -> Result<V, V::Error> {
    let (batch, channels) = (x.shape()[0], x.shape()[1]);
    let spatial = x.shape()[2..].to_vec();
    let plane: usize = spatial.iter().product();
    if plane > MOST {
        let hint = "16,777,216 are the most: f32 counts no further";
        return Err(parameter::<V>(OP, "elements of a channel", plane, hint));
    }
    if batch.saturating_mul(plane) > MOST {
        // Each image for itself.
        let mut parts = Vec::with_capacity(batch);
        for at in 0..batch {
            let one = |whole: &V| {
                let mut ranges: Vec<_> =
                    whole.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
                ranges[0] = SliceRange::new(at, at + 1);
                whole.slice(&ranges)
            };
            let places = places.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            parts.push(sampled(&one(x)?, &places, op)?);
        }
        return V::joined(&parts.iter().collect::<Vec<_>>(), 0);
    }
    let mut order = vec![0];
    order.extend(2..x.shape().len());
    order.push(1);
    let rows = x.permute(&order)?.with_shape(&[batch * plane, channels])?;
    let starts: Vec<f32> = (0..batch).map(|at| (at * plane) as f32).collect();
    let context = x.tensor().context();
    let starts = Tensor::from_slice(context, &starts, &[batch, 1])?;
    let axes = places.iter().zip(&spatial).map(|(at, &extent)| op.axis(at, extent));
    let axes = axes.collect::<Result<Vec<_>, _>>()?;
    // An index behind the last row is outside, and gives 0.
    let none = constant(x.tensor(), (batch * plane) as f32)?;
    let mut sum: Option<V> = None;
    let taps: usize = axes.iter().map(|axis| axis.taps.len()).product();
    for tap in 0..taps {
        let Some((row, weight)) = chosen(&axes, tap, op.outside)? else { continue };
        let Row { at, seen } = row;
        let at = at.add(&starts)?;
        let at = match &seen {
            Some(seen) => at.where_on(seen, &none)?,
            None => at,
        };
        let value = rows.gathered(0, &at.cast(DType::I32)?)?;
        let value = match weight {
            Some(weight) => value.mul(&weight.with_shape(&[weight.shape()[0], weight.shape()[1], 1])?)?,
            None => value,
        };
        sum = Some(match sum {
            Some(sum) => sum.add(&value)?,
            None => value,
        });
    }
    sum.ok_or_else(|| super::operand::fails::<V>(tilewright_ops::ShapeError::NoOperands { op: OP }))
}

/// The numbers of elements in their image, and which of them are there, where some are not.
struct Row {
    at: Tensor,
    seen: Option<Tensor>,
}

/// One tap of each axis: the elements, and their weight.
fn chosen<V: Operand>(
    axes: &[Axis<V>],
    tap: usize,
    outside: Outside,
) -> Result<Option<(Row, Option<V>)>, V::Error> {
    let mut rest = tap;
    let (mut row, mut seen, mut weight): (Option<Tensor>, Option<Tensor>, Option<V>) = Default::default();
    for axis in axes {
        let (place, share) = &axis.taps[rest % axis.taps.len()];
        rest /= axis.taps.len();
        row = Some(match row {
            Some(row) => Tensor::add(&row.scale(axis.extent as f32)?, place)?,
            None => place.clone(),
        });
        if outside == Outside::Zeros {
            let here = inside(place, axis.extent)?;
            seen = Some(match seen {
                Some(seen) => Tensor::mul(&seen, &here)?,
                None => here,
            });
        }
        weight = match (weight, share) {
            (Some(weight), Some(share)) => Some(weight.mul(share)?),
            (None, share) => share.clone(),
            (weight, None) => weight,
        };
    }
    Ok(row.map(|at| (Row { at, seen }, weight)))
}

/// N C … at the places of a grid N … axes.
pub fn grid_sample<V: Operand>(x: &V, grid: &V, op: &GridSample) -> Result<V, V::Error> {
    let axes = x.shape().len().saturating_sub(2);
    if !(1..=3).contains(&axes) {
        return Err(rank::<V>(OP, "x", x.shape(), "three to five"));
    }
    let mut expected = grid.shape().to_vec();
    if let (Some(last), true) = (expected.last_mut(), grid.shape().len() == x.shape().len()) {
        *last = axes;
        expected[0] = x.shape()[0];
    }
    if grid.shape().len() != x.shape().len() || grid.shape() != expected {
        return Err(operand::<V>(OP, "grid", grid.shape(), &expected));
    }
    let (batch, channels) = (x.shape()[0], x.shape()[1]);
    let points: usize = grid.shape()[1..=axes].iter().product();
    let mut shape = vec![batch, channels];
    shape.extend(&grid.shape()[1..=axes]);
    if shape.contains(&0) {
        return Ok(V::constant(Tensor::from_slice::<f32>(x.tensor().context(), &[], &shape)?));
    }
    let flat = grid.with_shape(&[batch, points, axes])?;
    let mut places = Vec::with_capacity(axes);
    for (axis, &extent) in x.shape()[2..].iter().enumerate() {
        let at = axes - 1 - axis;
        let range = [SliceRange::full(batch), SliceRange::full(points), SliceRange::new(at, at + 1)];
        let place = flat.slice(&range)?.with_shape(&[batch, points])?.plus(1.0)?;
        let extent = extent as f32;
        places.push(if op.align_corners {
            place.scale(0.5 * (extent - 1.0))?
        } else {
            place.scale(extent)?.plus(-1.0)?.scale(0.5)?
        });
    }
    sampled(x, &places, op)?.permute(&[0, 2, 1])?.with_shape(&shape)
}

impl Tensor {
    /// N C … sampled at the places of a grid N … axes, whose last axis names them from the last spatial axis to the first,
    /// −1 to 1 over the image: `torch.nn.functional.grid_sample`, over one to three axes. Composed of gathers; a place that is
    /// NaN gives NaN, or 0.
    ///
    /// # Errors
    /// [`tilewright_ops::ShapeError::Rank`], [`tilewright_ops::ShapeError::Operand`] for a grid of another batch or number of
    /// axes; [`tilewright_ops::ShapeError::Parameter`] for an image of more than 2²⁴ elements in a channel.
    pub fn grid_sample(&self, grid: &Self, op: &GridSample) -> Result<Self, Error> {
        grid_sample(self, grid, op)
    }
}
