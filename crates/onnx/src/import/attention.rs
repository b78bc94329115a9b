//! Attention as its expansion, and rotary embeddings.

use tilewright_ops::{BinaryOp, ReduceOp, SliceRange, UnaryOp};
use tilewright_tensor::{
    DType, Tensor,
    composite::{AttentionMask, AttentionOptions},
};

use super::indexing::whole_numbers;
use super::node::{Ctx, device, signed};
use super::value::Value;
use crate::element::ElementType;
use crate::error::Result;

/// What is below any sum that is not −∞.
const ALMOST_NONE: f32 = -3e38;

/// Heads of an operand: N H L E as it is, N L (H · E) taken apart.
fn heads(ctx: &Ctx, index: usize, attribute: &str) -> Result<Tensor> {
    let x = ctx.float(index)?;
    let &[batch, length, width] = x.shape() else {
        return match x.rank() {
            4 => Ok(x),
            _ => {
                Err(ctx.wrong(format!("operand {index} of shape {:?} has not three or four axes", x.shape())))
            }
        };
    };
    let count = usize::try_from(ctx.node.attributes.int(attribute, 0)?).unwrap_or(0);
    if count == 0 || !width.is_multiple_of(count) {
        return Err(ctx.node.attributes.wrong(attribute, format!("is {count} for {width} elements")));
    }
    Ok(x.reshape(&signed(&[batch, length, count, width / count]))?.permute(&[0, 2, 1, 3])?)
}

/// Each head `times` times, one behind the other.
fn repeated(x: Tensor, times: usize) -> Result<Tensor> {
    let &[batch, heads, length, width] = x.shape() else { return Ok(x) };
    if times == 1 {
        return Ok(x);
    }
    let wide = x.reshape(&signed(&[batch, heads, 1, length, width]))?;
    let wide = wide.expand(&[batch, heads, times, length, width])?;
    Ok(wide.reshape(&signed(&[batch, heads * times, length, width]))?)
}

/// The keys that a query may see, and what is added to its scores: both broadcast to batch, heads, queries, keys.
struct Bias<'a> {
    ctx: &'a Ctx<'a>,
    allowed: Option<Tensor>,
    added: Option<Tensor>,
}

impl Bias<'_> {
    /// Only where `here` is not 0.
    fn only(&mut self, here: Tensor) -> Result<()> {
        self.allowed = Some(match self.allowed.take() {
            Some(allowed) => allowed.mul(&here)?,
            None => here,
        });
        Ok(())
    }

    /// Only where `place + offset of the query − key` lies in `range`; the offset is one for each image if it is a tensor.
    fn window(&mut self, queries: usize, keys: usize, offset: &Offset, range: (f32, f32)) -> Result<()> {
        let places = |count: usize| (0..count).map(|place| place as f32).collect::<Vec<_>>();
        let apart = self.ctx.tensor(&places(queries), &[queries, 1])?;
        let apart = apart.sub(&self.ctx.tensor(&places(keys), &[1, keys])?)?;
        let apart = match offset {
            Offset::One(offset) => apart.unary(UnaryOp::AddScalar { value: *offset })?,
            Offset::Each(offsets) => apart.add(offsets)?,
        };
        let (low, high) = range;
        if low > f32::NEG_INFINITY {
            self.only(apart.binary(BinaryOp::GreaterOrEqual, &self.ctx.scalar(low)?)?)?;
        }
        if high < f32::INFINITY {
            self.only(apart.binary(BinaryOp::LessOrEqual, &self.ctx.scalar(high)?)?)?;
        }
        Ok(())
    }

    /// The mask of the fourth operand, whose last axis may be shorter than the keys are.
    fn mask(&mut self, keys: usize) -> Result<()> {
        if !self.ctx.has(3) {
            return Ok(());
        }
        let mask = self.ctx.float_or_bool(3)?;
        let truth = self.ctx.dtype(3)? == ElementType::Bool;
        let missing = keys.saturating_sub(mask.shape().last().copied().unwrap_or(keys));
        let mask = if missing > 0 {
            let mut border = vec![(0, 0); mask.rank()];
            if let Some(last) = border.last_mut() {
                *last = (0, missing);
            }
            mask.pad(&border, if truth { 0.0 } else { f32::NEG_INFINITY })?
        } else {
            mask
        };
        if truth {
            return self.only(mask);
        }
        self.added = Some(mask);
        Ok(())
    }

    /// What is added to the scores.
    fn sum(&self) -> Result<Option<Tensor>> {
        let none = self.ctx.scalar(f32::NEG_INFINITY)?;
        Ok(match (&self.allowed, &self.added) {
            (Some(allowed), Some(added)) => Some(added.where_on(allowed, &none)?),
            (Some(allowed), None) => Some(self.ctx.scalar(0.0)?.where_on(allowed, &none)?),
            (None, added) => added.clone(),
        })
    }
}

/// How many keys come before the first query.
enum Offset {
    One(f32),
    /// N 1 1 1.
    Each(Tensor),
}

/// N H L E as it is, or as N L (H · E).
fn ordered(y: Tensor, flat: bool) -> Result<Tensor> {
    let (&[batch, heads, queries, width], true) = (y.shape(), flat) else { return Ok(y) };
    Ok(y.permute(&[0, 2, 1, 3])?.reshape(&signed(&[batch, queries, heads * width]))?)
}

/// By the engine's own operation. A score below [`ALMOST_NONE`] is none: of those alone a query sees nothing.
fn whole(
    ctx: &Ctx,
    [q, k, v]: [&Tensor; 3],
    bias: Option<Tensor>,
    scale: f32,
    causal: bool,
) -> Result<Tensor> {
    let bias = match bias {
        Some(bias) => {
            let none = bias.binary(BinaryOp::Less, &ctx.scalar(ALMOST_NONE)?)?;
            Some(ctx.scalar(f32::NEG_INFINITY)?.where_on(&none, &bias)?)
        }
        None => None,
    };
    let op = AttentionOptions { causal, scale: Some(scale) };
    Ok(q.scaled_dot_product_attention(k, v, bias.as_ref().map(AttentionMask::Added), &op)?)
}

pub(super) fn attention(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let flat = ctx.shape(0)?.len() == 3;
    let q = heads(ctx, 0, "q_num_heads")?;
    let (mut k, mut v) = (heads(ctx, 1, "kv_num_heads")?, heads(ctx, 2, "kv_num_heads")?);
    let mut before = 0;
    if ctx.has(4) && ctx.has(5) {
        let (past_k, past_v) = (ctx.float(4)?, ctx.float(5)?);
        before = past_k.shape().get(2).copied().unwrap_or(0);
        k = Tensor::concat(&[&past_k, &k], 2)?;
        v = Tensor::concat(&[&past_v, &v], 2)?;
    } else if ctx.has(4) || ctx.has(5) {
        return Err(ctx.wrong("past keys and values must come together"));
    }
    let present = [k.clone(), v.clone()];
    let (&[_, q_heads, queries, width], &[_, kv_heads, keys, _]) = (q.shape(), k.shape()) else {
        return Err(ctx.wrong(format!("queries of {:?} and keys of {:?}", q.shape(), k.shape())));
    };
    if kv_heads == 0 || !q_heads.is_multiple_of(kv_heads) {
        return Err(ctx.wrong(format!("{q_heads} heads of queries do not share {kv_heads} of keys")));
    }
    let (k, v) = (repeated(k, q_heads / kv_heads)?, repeated(v, q_heads / kv_heads)?);
    // The softmax is one of f32, whatever its inputs are: float16 and bfloat16 are no more, and double is not to be had.
    let precision = attributes.int("softmax_precision", 1)?;
    if ![1, 10, 11, 16].contains(&precision) {
        let reason = format!("is {precision}, which is no type of floats that a softmax has");
        return Err(attributes.wrong("softmax_precision", reason));
    }
    let scale = match attributes.float_ref("scale")? {
        Some(&scale) => scale,
        None => 1.0 / (width as f32).sqrt(),
    };
    let cap = attributes.float("softcap", 0.0)?;
    let fused = cap <= 0.0 && !ctx.wants(3);
    let mut bias = Bias { ctx, allowed: None, added: None };
    bias.mask(keys)?;
    let mut offset = Offset::One(before as f32);
    if ctx.has(6) {
        // How many keys are no padding, for each image.
        let count = whole_numbers(ctx, 6)?.cast(DType::F32)?.reshape(&[-1, 1, 1, 1])?;
        if before == 0 {
            offset = Offset::Each(count.unary(UnaryOp::AddScalar { value: -(queries as f32) })?);
        }
        let places: Vec<f32> = (0..keys).map(|key| key as f32).collect();
        bias.only(ctx.tensor(&places, &[1, keys])?.binary(BinaryOp::Less, &count)?)?;
    }
    let bound = |name: &str| -> Result<Option<f32>> {
        let size = attributes.int(name, -1)?;
        Ok(if size < 0 { None } else { Some(size as f32) })
    };
    let (left, right) = (bound("left_window_size")?, bound("right_window_size")?);
    let causal = attributes.flag("is_causal", false)?;
    // What the kernel knows by itself.
    let itself = fused && causal && before == 0 && !ctx.has(6);
    // The query's place less the key's.
    let low = if itself {
        None
    } else if causal {
        Some(0.0)
    } else {
        right.map(|right| -right)
    };
    if low.is_some() || left.is_some() {
        let range = (low.unwrap_or(f32::NEG_INFINITY), left.unwrap_or(f32::INFINITY));
        bias.window(queries, keys, &offset, range)?;
    }
    let bias = bias.sum()?;
    if fused {
        // In one kernel, which stores no score.
        let y = whole(ctx, [&q, &k, &v], bias, scale, itself)?;
        let [present_k, present_v] = present;
        let present = [device(present_k, ctx.dtype(1)?), device(present_v, ctx.dtype(2)?)];
        return Ok([device(ordered(y, flat)?, ctx.dtype(0)?)].into_iter().chain(present).collect());
    }
    // Half of the scale for each factor, so that neither leaves the range.
    let half = scale.sqrt();
    let mut scores = q.scale(half)?.matmul(&k.scale(half)?.permute(&[0, 1, 3, 2])?)?;
    let raw = scores.clone();
    if cap > 0.0 {
        scores = scores.scale(1.0 / cap)?.unary(UnaryOp::Tanh)?.scale(cap)?;
    }
    let capped = scores.clone();
    if let Some(bias) = &bias {
        scores = scores.add(bias)?;
    }
    let mut shares = scores.softmax(3)?;
    if let Some(bias) = &bias {
        // A query that sees nothing gives 0.
        let last = bias.rank().saturating_sub(1);
        let best = if bias.rank() == 0 { bias.clone() } else { bias.reduce(ReduceOp::Max, &[last], true)? };
        let blind = best.binary(BinaryOp::Less, &ctx.scalar(ALMOST_NONE)?)?;
        shares = ctx.scalar(0.0)?.where_on(&blind, &shares)?;
    }
    let y = ordered(shares.matmul(&v)?, flat)?;
    let shown = match attributes.int("qk_matmul_output_mode", 0)? {
        0 => raw,
        1 => capped,
        2 => scores,
        3 => shares,
        other => return Err(attributes.wrong("qk_matmul_output_mode", format!("is {other}"))),
    };
    let [present_k, present_v] = present;
    Ok(vec![
        device(y, ctx.dtype(0)?),
        device(present_k, ctx.dtype(1)?),
        device(present_v, ctx.dtype(2)?),
        device(shown, ctx.dtype(0)?),
    ])
}

/// Pairs of elements turned by angles whose cosines and sines are given.
pub(super) fn rotary_embedding(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let flat = ctx.shape(0)?.len() == 3;
    // N L H E.
    let x = heads(ctx, 0, "num_heads")?.permute(&[0, 2, 1, 3])?;
    let &[batch, length, heads, width] = x.shape() else {
        return Err(ctx.wrong(format!("an operand of shape {:?}", x.shape())));
    };
    let given = usize::try_from(attributes.int("rotary_embedding_dim", 0)?).unwrap_or(0);
    let turned = if given == 0 { width } else { given };
    if turned > width || !turned.is_multiple_of(2) {
        return Err(attributes.wrong("rotary_embedding_dim", format!("is {turned} of {width}")));
    }
    let table = |index: usize| -> Result<Tensor> {
        let table = ctx.float(index)?;
        let rows = if ctx.has(3) { table.gather(0, &whole_numbers(ctx, 3)?)? } else { table };
        Ok(rows.reshape(&signed(&[batch, length, 1, turned / 2]))?)
    };
    let (cos, sin) = (table(1)?, table(2)?);
    let interleaved = attributes.flag("interleaved", false)?;
    let part = |start: usize, end: usize, step: usize| -> Result<Tensor> {
        let full = [batch, length, heads].map(SliceRange::full);
        Ok(x.slice(&[&full[..], &[SliceRange { start, end, step }]].concat())?)
    };
    let (a, b) = if interleaved {
        (part(0, turned - 1, 2)?, part(1, turned, 2)?)
    } else {
        (part(0, turned / 2, 1)?, part(turned / 2, turned, 1)?)
    };
    let (re, im) = (a.mul(&cos)?.sub(&b.mul(&sin)?)?, a.mul(&sin)?.add(&b.mul(&cos)?)?);
    let y = if interleaved {
        let pair = signed(&[batch, length, heads, turned / 2, 1]);
        let both = Tensor::concat(&[&re.reshape(&pair)?, &im.reshape(&pair)?], 4)?;
        both.reshape(&signed(&[batch, length, heads, turned]))?
    } else {
        Tensor::concat(&[&re, &im], 3)?
    };
    let y = if turned < width { Tensor::concat(&[&y, &part(turned, width, 1)?], 3)? } else { y };
    ctx.like_first([if flat {
        y.reshape(&signed(&[batch, length, heads * width]))?
    } else {
        y.permute(&[0, 2, 1, 3])?
    }])
}
