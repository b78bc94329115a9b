//! The bytes that a value was before it was dequantised, and what they stand for.

use std::collections::HashMap;

use tilewright_ops::{DType, Op, Quantized, Steps};
use tilewright_tensor::Tensor;

use crate::{Graph, Node, Result, Rewriter, ValueId};

/// Movements that are looked through on the way to what was dequantised.
const MOST_MOVES: usize = 4;

/// Scales and zero points: one of each, or one for each index of an axis.
#[derive(Clone, PartialEq)]
pub(super) struct Numbers {
    pub scale: Vec<f32>,
    pub zero: Vec<i32>,
    pub axis: Option<usize>,
}

/// Bytes of the new graph, and what they stand for.
pub(super) struct Bytes {
    pub id: ValueId,
    pub dtype: DType,
    pub numbers: Numbers,
}

/// Bytes with one scale.
#[derive(Clone, Copy)]
pub(super) struct Whole {
    pub id: ValueId,
    pub scale: f32,
    pub zero: i32,
    pub dtype: DType,
}

/// What a result is to be.
pub(super) struct Target {
    pub scale: f32,
    pub steps: Steps,
    /// Whether nothing but the ends of its type clamps it.
    pub bare: bool,
}

/// The graph that is read, and the one that is written.
pub(super) struct Fusion<'a> {
    pub graph: &'a Graph,
    pub makers: HashMap<ValueId, usize>,
    pub uses: HashMap<ValueId, usize>,
    pub rewriter: Rewriter<'a>,
    /// Of the node that is being fused.
    pub name: String,
}

impl<'a> Fusion<'a> {
    /// The node that makes a value.
    pub(super) fn maker(&self, id: ValueId) -> Option<&'a Node> {
        self.makers.get(&id).map(|&at| &self.graph.nodes()[at])
    }

    /// Whether one node reads it, and nobody else.
    pub(super) fn is_read_once(&self, id: ValueId) -> bool {
        self.uses.get(&id) == Some(&1)
    }

    /// Scales and zero points, if they are known, positive and finite.
    pub(super) fn numbers(&self, ids: &[ValueId], axis: Option<usize>) -> Result<Option<Numbers>> {
        let (Some(scale), Some(zero)) = (&self.graph[ids[0]].constant, &self.graph[ids[1]].constant) else {
            return Ok(None);
        };
        let numbers = Numbers { scale: scale.to_vec()?, zero: zero.to_vec()?, axis };
        let sound = numbers.scale.iter().all(|scale| scale.is_finite() && *scale > 0.0);
        Ok((sound && !numbers.scale.is_empty()).then_some(numbers))
    }

    /// The bytes that a value was before it was dequantised, moved as it was.
    pub(super) fn bytes(&mut self, id: ValueId, moves: usize) -> Result<Option<Bytes>> {
        let Some(node) = self.maker(id).filter(|_| moves <= MOST_MOVES) else { return Ok(None) };
        match &node.op {
            Op::Quantized(Quantized::Dequantize { axis }) => {
                let dtype = self.graph[node.inputs[0]].dtype;
                if !matches!(dtype, DType::I8 | DType::U8) {
                    return Ok(None);
                }
                let Some(numbers) = self.numbers(&node.inputs[1..], *axis)? else { return Ok(None) };
                Ok(Some(Bytes { id: self.rewriter.value(node.inputs[0]), dtype, numbers }))
            }
            Op::Reshape(_) | Op::Permute(_) => {
                let Some(bytes) = self.bytes(node.inputs[0], moves + 1)? else { return Ok(None) };
                let (from, to) = (&self.graph[node.inputs[0]].shape, &self.graph[id].shape);
                let stays = match (&node.op, bytes.numbers.axis) {
                    (_, None) => true,
                    (Op::Reshape(_), Some(0)) => from.first() == to.first(),
                    _ => false,
                };
                if !stays {
                    return Ok(None);
                }
                let moved = self.rewriter.push(node.name.clone(), node.op.clone(), &[bytes.id])?;
                Ok(Some(Bytes { id: moved, ..bytes }))
            }
            _ => Ok(None),
        }
    }

    /// The same with one scale.
    pub(super) fn whole(&mut self, id: ValueId) -> Result<Option<Whole>> {
        let Some(Bytes { id, dtype, numbers }) = self.bytes(id, 0)? else { return Ok(None) };
        let (scale, zero) = (numbers.scale[0], numbers.zero[0]);
        Ok(numbers.axis.is_none().then_some(Whole { id, scale, zero, dtype }))
    }

    /// A bias in steps of `by`, one for each output, if 32 bits hold it: the whole numbers that it was, or the nearest.
    pub(super) fn bias(&self, id: ValueId, by: &[f32]) -> Result<Option<Vec<i32>>> {
        let mut values: Vec<f64> = Vec::with_capacity(by.len());
        if let Some(constant) = self.graph[id].constant.as_ref().filter(|value| value.dtype() == DType::F32) {
            values.extend(constant.to_vec::<f32>()?.into_iter().map(f64::from));
        } else {
            let Some(node) = self.maker(id) else { return Ok(None) };
            let Op::Quantized(Quantized::Dequantize { axis }) = node.op else { return Ok(None) };
            let steps = self.graph[node.inputs[0]].constant.as_ref().map(whole_numbers).transpose()?;
            let (Some(steps), Some(numbers)) = (steps, self.numbers(&node.inputs[1..], axis)?) else {
                return Ok(None);
            };
            let each = |at: usize| if axis.is_some() { at } else { 0 };
            let alike = |at: usize| (numbers.scale[each(at)] - by[at]).abs() <= by[at] * 1e-6;
            if steps.len() == by.len()
                && numbers.zero.iter().all(|&zero| zero == 0)
                && (0..by.len()).all(alike)
            {
                return Ok(Some(steps));
            }
            values.extend(steps.iter().enumerate().map(|(at, &step)| {
                (f64::from(step) - f64::from(numbers.zero[each(at)])) * f64::from(numbers.scale[each(at)])
            }));
        }
        if values.len() != by.len() {
            return Ok(None);
        }
        let number = |(value, by): (&f64, &f32)| (value / f64::from(*by)).round_ties_even();
        let numbers: Vec<f64> = values.iter().zip(by).map(number).collect();
        // Half of the range, so that sums have the other half.
        let held = numbers.iter().all(|number| number.abs() <= f64::from(i32::MAX / 2));
        Ok(held.then(|| numbers.iter().map(|&number| number as i32).collect()))
    }
}

fn whole_numbers(tensor: &Tensor) -> Result<Vec<i32>> {
    Ok(match tensor.dtype() {
        DType::I8 => tensor.to_vec::<i8>()?.into_iter().map(i32::from).collect(),
        DType::U8 => tensor.to_vec::<u8>()?.into_iter().map(i32::from).collect(),
        _ => tensor.to_vec::<i32>()?,
    })
}

/// Whether bytes stand for the same as the result's.
pub(super) fn is_same(x: &Whole, y: &Target) -> bool {
    x.scale == y.scale && x.zero == y.steps.zero_point && x.dtype == y.steps.dtype
}
