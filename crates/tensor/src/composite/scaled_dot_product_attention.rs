//! Attention over any leading axes, with a mask of truth values or numbers.

use tilewright_ops::{Attention, Op, ShapeError};

use super::operand::{Operand, fails, operand, rank};
use crate::error::Error;
use crate::tensor::Tensor;

const OP: &str = "scaled_dot_product_attention";

/// Which keys a query sees, and what is added to its scores. Both broadcast to … L S.
#[derive(Clone, Copy, Debug)]
pub enum AttentionMask<'a, V> {
    /// Those where it is not 0: PyTorch's mask of truth values.
    Allowed(&'a Tensor),
    /// All, and this is added to the scores.
    Added(&'a V),
}

/// Parameters of [`Tensor::scaled_dot_product_attention`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AttentionOptions {
    /// Whether query i sees the keys up to the i-th alone.
    pub causal: bool,
    /// What the products are multiplied by; 1 / √E where nothing is said.
    pub scale: Option<f32>,
}

/// softmax(scale · query · keyᵀ + mask) · value over … L E, … S E and … S V.
pub fn scaled_dot_product_attention<V: Operand>(
    query: &V,
    key: &V,
    value: &V,
    mask: Option<AttentionMask<'_, V>>,
    op: &AttentionOptions,
) -> Result<V, V::Error> {
    let [lead @ .., queries, head] = query.shape() else {
        return Err(rank::<V>(OP, "query", query.shape(), "two or more (… L E)"));
    };
    let (lead, queries, head) = (lead.to_vec(), *queries, *head);
    let four = |name: &'static str, x: &V| {
        let [own @ .., places, numbers] = x.shape() else {
            return Err(rank::<V>(OP, name, x.shape(), "two or more"));
        };
        if own != lead {
            let expected = [&lead[..], &[*places, *numbers][..]].concat();
            return Err(operand::<V>(OP, name, x.shape(), &expected));
        }
        x.with_shape(&[&outer(&lead)[..], &[*places, *numbers]].concat())
    };
    let (q, k, v) = (four("query", query)?, four("key", key)?, four("value", value)?);
    let keys = k.shape()[2];
    let mask = match mask {
        None => None,
        Some(AttentionMask::Allowed(allowed)) => {
            let constant = |number: f32| Operand::values(query.tensor(), &[number], &[]);
            let added = constant(0.0)?.where_on(allowed, &constant(f32::NEG_INFINITY)?)?;
            Some(V::constant(added))
        }
        Some(AttentionMask::Added(added)) => Some(added.clone()),
    };
    let mask = mask.map(|mask| spread(&mask, &lead, queries, keys)).transpose()?;
    let scale = op.scale.unwrap_or_else(|| 1.0 / (head as f32).sqrt());
    let whole = Op::Attention { op: Attention { scale, causal: op.causal }, mask: mask.is_some() };
    let y = V::apply_one(&whole, &[&q, &k, &v].into_iter().chain(mask.as_ref()).collect::<Vec<_>>())?;
    let width = v.shape()[3];
    y.with_shape(&[&lead[..], &[queries, width][..]].concat())
}

/// The leading axes as two: batches and heads.
fn outer(lead: &[usize]) -> [usize; 2] {
    match lead {
        [] => [1, 1],
        [before @ .., heads] => [before.iter().product(), *heads],
    }
}

/// A mask with four axes, of which all but the last may be 1 where the operation has more.
fn spread<V: Operand>(mask: &V, lead: &[usize], queries: usize, keys: usize) -> Result<V, V::Error> {
    let whole = [lead, &[queries, keys]].concat();
    let own = mask.shape().to_vec();
    let fits = own.len() <= whole.len()
        && own.iter().rev().zip(whole.iter().rev()).all(|(own, whole)| *own == 1 || own == whole);
    if !fits {
        return Err(fails::<V>(ShapeError::Broadcast { op: OP, left: own, right: whole }));
    }
    let mut shape = vec![1; whole.len() - own.len()];
    shape.extend(&own);
    let (axes, last) = (shape.len(), shape.len() - 1);
    let mut mask = mask.with_shape(&shape)?;
    // Batches of several axes are one, of extent 1 or all of it.
    let batches = &whole[..axes.saturating_sub(3)];
    let mixed =
        shape[..batches.len()] != *batches && shape[..batches.len()].iter().any(|&extent| extent != 1);
    if mixed || shape[last] != keys {
        if mixed {
            shape[..batches.len()].copy_from_slice(batches);
        }
        shape[last] = keys;
        mask = mask.expand(&shape)?;
    }
    let shape = [&outer(&shape[..axes - 2])[..], &shape[axes - 2..]].concat();
    mask.with_shape(&shape)
}

impl Tensor {
    /// Attention of … L E queries (`self`) over … S E keys with … S V values: PyTorch's `scaled_dot_product_attention`, in one
    /// kernel for heads of up to 128 numbers: see [`Tensor::attention`]. A query that sees no key gives zeros.
    ///
    /// # Errors
    /// [`ShapeError::Rank`], [`ShapeError::Operand`] for keys or values of other leading axes, [`ShapeError::Broadcast`] for
    /// a mask that does not fit … L S; those of [`Attention::output_shapes`].
    pub fn scaled_dot_product_attention(
        &self,
        key: &Self,
        value: &Self,
        mask: Option<AttentionMask<'_, Self>>,
        op: &AttentionOptions,
    ) -> Result<Self, Error> {
        scaled_dot_product_attention(self, key, value, mask, op)
    }
}
