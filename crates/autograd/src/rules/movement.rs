//! Reshape, permute, slice, concat, split, pad, expand. They save nothing but shapes.

use tilewright_ops::SliceRange;
use tilewright_tensor::Tensor;

use super::rule::{signed, simple};
use crate::{
    error::Result,
    keep::{Kept, Recipe},
    var::{Rule, Var, of_one},
};

pub(super) fn reshape(x: &Tensor) -> Rule {
    let own = signed(x.shape());
    simple(move |grad_y| Ok(grad_y.reshape(&own)?))
}

pub(super) fn permute(axes: &[usize]) -> Rule {
    let mut back = vec![0; axes.len()];
    for (at, &axis) in axes.iter().enumerate() {
        back[axis] = at;
    }
    simple(move |grad_y| Ok(grad_y.permute(&back)?))
}

pub(super) fn slice(ranges: &[SliceRange], x: &Tensor) -> Rule {
    let (shape, ranges) = (x.shape().to_vec(), ranges.to_vec());
    simple(move |grad_y| Ok(Tensor::slice_backward(&shape, &ranges, grad_y)?))
}

pub(super) fn concat(axis: usize, inputs: &[&Var]) -> Rule {
    let parts: Vec<_> = inputs.iter().map(|input| input.shape()[axis]).collect();
    of_one(move |grad_y, needs| {
        let mut ranges: Vec<_> = grad_y.shape().iter().map(|&extent| SliceRange::full(extent)).collect();
        let mut at = 0;
        let mut gradients = Vec::with_capacity(parts.len());
        for (part, &wanted) in parts.iter().zip(needs) {
            ranges[axis] = SliceRange::new(at, at + part);
            gradients.push(wanted.then(|| grad_y.slice(&ranges)).transpose()?);
            at += part;
        }
        Ok(gradients)
    })
}

/// Parts of which one can be made again are joined again; the others are kept in place of the whole.
pub(super) fn again(axis: usize, inputs: &[&Var]) -> Option<Recipe> {
    let sums =
        inputs.iter().filter_map(|input| input.recipe()).map(|recipe| recipe.sums).reduce(|a, b| a || b)?;
    let parts: Vec<Kept> = inputs.iter().map(|input| input.keep()).collect();
    let make = Recipe::new(move || {
        let parts = parts.iter().map(Kept::get).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::concat(&parts.iter().collect::<Vec<_>>(), axis)?)
    });
    Some(make.with_sums(sums))
}

/// A part without a gradient counts as zeros.
pub(super) fn split(axis: usize, parts: &[usize], x: &Tensor) -> Rule {
    let (parts, shape) = (parts.to_vec(), x.shape().to_vec());
    let context = x.context().clone();
    Box::new(move |gradients, _| {
        let mut whole = Vec::with_capacity(parts.len());
        for (&part, gradient) in parts.iter().zip(gradients) {
            whole.push(match gradient {
                Some(gradient) => gradient,
                None => {
                    let mut own = shape.clone();
                    own[axis] = part;
                    Tensor::zeros(&context, &own)?
                }
            });
        }
        Ok(vec![Some(Tensor::concat(&whole.iter().collect::<Vec<_>>(), axis)?)])
    })
}

pub(super) fn pad(padding: &[(usize, usize)], x: &Tensor) -> Rule {
    let of_axis =
        |(&(before, _), &extent): (&(usize, usize), &usize)| SliceRange::new(before, before + extent);
    let ranges: Vec<_> = padding.iter().zip(x.shape()).map(of_axis).collect();
    simple(move |grad_y| Ok(grad_y.slice(&ranges)?))
}

pub(super) fn expand(x: &Tensor) -> Rule {
    let own = x.shape().to_vec();
    simple(move |grad_y| Ok(grad_y.sum_to_shape(&own)?))
}
