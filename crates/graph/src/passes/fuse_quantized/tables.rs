//! Functions of one number and products of two.

use tilewright_ops::{Op, Quantized, UnaryOp};

use super::fusion::{Fusion, Target, Whole, is_same};
use crate::{Node, Result, ValueId, bytes};

impl Fusion<'_> {
    /// A function of bytes, or a change of what they stand for, by a table.
    pub(super) fn lookup(&mut self, x: Whole, function: &[UnaryOp], y: &Target) -> Result<Option<ValueId>> {
        let from = (x.dtype, x.scale, x.zero);
        let table = bytes::table(self.graph.context(), from, function, (y.steps, y.scale))?;
        let table = self.rewriter.constant(table);
        self.push(Op::Quantized(Quantized::Lookup { dtype: y.steps.dtype }), &[x.id, table]).map(Some)
    }

    /// Parts that become bytes of one scale.
    pub(super) fn joined(&mut self, core: &Node, y: &Target) -> Result<Option<ValueId>> {
        let mut parts = Vec::with_capacity(core.inputs.len());
        for &input in &core.inputs {
            let Some(x) = self.whole(input)? else { return Ok(None) };
            let same = y.bare && is_same(&x, y);
            let Some(id) = (if same { Some(x.id) } else { self.lookup(x, &[], y)? }) else { return Ok(None) };
            parts.push(id);
        }
        self.push(core.op.clone(), &parts).map(Some)
    }

    /// A product, each operand brought to its shape.
    pub(super) fn multiplied(&mut self, core: &Node, y: &Target) -> Result<Option<ValueId>> {
        let (Some(a), Some(b)) = (self.whole(core.inputs[0])?, self.whole(core.inputs[1])?) else {
            return Ok(None);
        };
        let multiplier = a.scale * b.scale / y.scale;
        if !(multiplier.is_finite() && multiplier > 0.0) {
            return Ok(None);
        }
        let operands = self.alike(core, [a.id, b.id])?;
        let op = Quantized::Mul { zeros: [a.zero, b.zero], multiplier, y: y.steps };
        self.push(Op::Quantized(op), &operands).map(Some)
    }

    /// Operands of the shape of the node's result.
    pub(super) fn alike(&mut self, core: &Node, mut operands: [ValueId; 2]) -> Result<[ValueId; 2]> {
        let shape = self.graph[core.output()].shape.clone();
        for id in &mut operands {
            if self.rewriter.graph()[*id].shape != shape {
                *id = self.push(Op::Expand(shape.clone()), &[*id])?;
            }
        }
        Ok(operands)
    }

    /// One element for each place along two axes.
    pub(super) fn nearest(&mut self, core: &Node, axis: usize, y: &Target) -> Result<Option<ValueId>> {
        let Some(x) = self.whole(core.inputs[0])? else { return Ok(None) };
        let Some(places) = bytes::places(self.graph, core)? else { return Ok(None) };
        let mut id = x.id;
        for (at, places) in places.iter().enumerate() {
            let indices = self.constant(places)?;
            id = self.push(Op::Quantized(Quantized::Gather { axis: axis + at }), &[id, indices])?;
        }
        if y.bare && is_same(&x, y) { Ok(Some(id)) } else { self.lookup(Whole { id, ..x }, &[], y) }
    }
}
