//! Clamps of bytes, which are computed in words.

use tilewright_ops::{BinaryOp, DType, Op, Quantized, Steps};

use super::fusion::Fusion;
use crate::{Node, Result, ValueId};

/// Maximum or minimum, and a number.
type Bound = (BinaryOp, i32);

impl Fusion<'_> {
    /// Bytes that become words, are clamped and become bytes again: what made them does so, and where nothing clamps them they
    /// are what they were.
    pub(super) fn clamp(&mut self, node: &Node) -> Result<Option<ValueId>> {
        let Op::Cast(dtype @ (DType::I8 | DType::U8)) = node.op else { return Ok(None) };
        let Some((bytes, bounds)) = self.words(node.inputs[0])? else { return Ok(None) };
        if self.graph[bytes].dtype != dtype {
            return Ok(None);
        }
        if bounds.is_empty() {
            return Ok(Some(self.rewriter.value(bytes)));
        }
        let Some(maker) = self.maker(bytes).filter(|_| self.is_read_once(bytes)) else { return Ok(None) };
        let mut op = maker.op.clone();
        let (Op::Quantized(Quantized::Conv2d { op: tilewright_ops::QConv2d { y: Some(steps), .. }, .. })
        | Op::Quantized(Quantized::Add { y: steps, .. } | Quantized::AvgPool2d { y: steps, .. })) = &mut op
        else {
            return Ok(None);
        };
        *steps = bounds.iter().rev().fold(*steps, |Steps { low, high, .. }, &(bound, number)| {
            let within = |byte: i32| match bound {
                BinaryOp::Maximum => byte.max(number),
                _ => byte.min(number),
            };
            Steps { low: within(low), high: within(high), ..*steps }
        });
        if steps.check("clamp").is_err() {
            return Ok(None);
        }
        let inputs: Vec<_> = maker.inputs.iter().map(|&input| self.rewriter.value(input)).collect();
        self.rewriter.push(maker.name.clone(), op, &inputs).map(Some)
    }

    /// The bytes that words were, and the bounds between, the last one first. Nothing else reads what lies between.
    fn words(&self, mut id: ValueId) -> Result<Option<(ValueId, Vec<Bound>)>> {
        let mut bounds = vec![];
        loop {
            let Some(node) = self.maker(id) else { return Ok(None) };
            match node.op {
                Op::Cast(DType::I32) => return Ok(Some((node.inputs[0], bounds))),
                Op::Binary { op: op @ (BinaryOp::Maximum | BinaryOp::Minimum), activation: None }
                    if self.is_read_once(id) =>
                {
                    let [x, bound] = [node.inputs[0], node.inputs[1]].map(|id| &self.graph[id]);
                    let one = bound.constant.as_ref().filter(|bound| bound.count() == 1);
                    let Some(number) = one.filter(|_| x.shape == self.graph[id].shape) else {
                        return Ok(None);
                    };
                    bounds.push((op, number.to_vec::<i32>()?[0]));
                    id = node.inputs[0];
                }
                _ => return Ok(None),
            }
        }
    }
}
