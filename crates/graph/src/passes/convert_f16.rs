//! Stores what products and convolutions read and write as f16.
//!
//! Mixed precision as Micikevicius et al. have it (arXiv 1710.03740): storage is half, sums are f32. The pass is none of
//! [`super::ALL`], because it changes what is computed; [`crate::Options::precision`] asks for it.

use std::collections::{HashMap, HashSet};

use tilewright_ops::{DType, Kind, Op, op::Accepts};
use tilewright_tensor::Tensor;

use crate::{Error, Graph, Node, Result, Rewriter, ValueId};

/// The largest number that an f16 holds: a weight above it would become infinite.
const LARGEST: f32 = 65504.0;

/// Gives convolutions and products f16 operands, residuals and results; their biases stay f32, as their sums do. What
/// only moves elements stays in f16 where its operands are. Every other operation is an island of f32 behind a cast, and
/// a value that is there in both types is cast once: casts that would meet are not made. Inputs and outputs of the graph
/// keep their types. A pooling that is part of a convolution is such an island, and an operation of its own again. A node whose weights do not fit f16 stays in f32;
/// activations above 65504 become infinite, unless a sample is run first ([`crate::Compiled::in_range`]).
///
/// Counts the convolutions and products. Weights are read back to be looked at, which waits for the device.
///
/// # Errors
/// Those of casting and reading constants.
pub fn convert_f16(graph: &Graph) -> Result<(Graph, usize)> {
    convert_f16_but(graph, &HashSet::new())
}

/// [`convert_f16`] without the nodes of these numbers, which stay in f32.
pub(crate) fn convert_f16_but(graph: &Graph, kept: &HashSet<usize>) -> Result<(Graph, usize)> {
    let mut half = Halves { graph, rewriter: Rewriter::new(graph), casts: HashMap::new() };
    let mut changed = 0;
    for (at, node) in graph.nodes().iter().enumerate() {
        let facts = node.op.facts();
        // What the facts say that the first operand may not be f16 (a gather) stays as it is; a cast is no movement.
        let takes_f16 = facts.input(0).accepts.refuses(DType::F16, DType::F16).is_none();
        let narrow = match facts.kind {
            Kind::Product => !kept.contains(&at) && half.fits(node)?,
            Kind::Movement => takes_f16 && !matches!(node.op, Op::Cast(_)) && half.lies_in_f16(node)?,
            Kind::Arithmetic => false,
        };
        changed += usize::from(narrow && facts.kind == Kind::Product);
        half.write(node, narrow)?;
    }
    for (name, id) in graph.outputs() {
        let new = half.rewriter.value(*id);
        let new = half.cast(name, new, graph[*id].dtype)?;
        half.rewriter.replace(*id, new);
    }
    let (new, _) = super::eliminate_dead(&half.rewriter.finish())?;
    Ok((new, changed))
}

struct Halves<'a> {
    graph: &'a Graph,
    rewriter: Rewriter<'a>,
    /// Values of the new graph that are there in both types: each by the other.
    casts: HashMap<ValueId, ValueId>,
}

impl Halves<'_> {
    /// Whether a product is one of f32 whose weights f16 can hold.
    fn fits(&self, node: &Node) -> Result<bool> {
        for &id in &node.inputs {
            let value = &self.graph[id];
            if value.dtype != DType::F32 {
                return Ok(false);
            }
            if let Some(tensor) = &value.constant
                && !holds(tensor)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a movement reads an f16 value, no f32 value that is no constant, and no constant that f16 cannot hold.
    fn lies_in_f16(&mut self, node: &Node) -> Result<bool> {
        let mut any = false;
        for &id in &node.inputs {
            if self.graph[id].dtype != DType::F32 {
                return Ok(false);
            }
            if let Some(tensor) = &self.graph[id].constant {
                if !holds(tensor)? {
                    return Ok(false);
                }
                continue;
            }
            let new = self.rewriter.value(id);
            if self.rewriter.graph()[new].dtype != DType::F16 {
                return Ok(false);
            }
            any = true;
        }
        Ok(any)
    }

    fn write(&mut self, node: &Node, narrow: bool) -> Result<()> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (at, &id) in node.inputs.iter().enumerate() {
            let new = self.rewriter.value(id);
            let wanted = match self.graph[id].dtype {
                DType::F32 if narrow => match node.op.facts().input(at).accepts {
                    Accepts::Only(dtype) => dtype,
                    _ => DType::F16,
                },
                other => other,
            };
            inputs.push(self.cast(&node.name, new, wanted)?);
        }
        let (op, pooling) = if narrow { apart(&node.op) } else { (node.op.clone(), None) };
        let results = self.rewriter.push_all(node.name.clone(), op, &inputs)?;
        node.outputs
            .iter()
            .zip(&results)
            .for_each(|(&output, &result)| self.rewriter.replace(output, result));
        if let Some(pooling) = pooling {
            let wide = self.cast(&node.name, results[0], DType::F32)?;
            let y = self.rewriter.push(format!("{}/pool", node.name), pooling, &[wide])?;
            self.rewriter.replace(node.output(), y);
        }
        Ok(())
    }

    /// A value of the new graph as `dtype`.
    fn cast(&mut self, reader: &str, id: ValueId, dtype: DType) -> Result<ValueId> {
        let value = &self.rewriter.graph()[id];
        if value.dtype == dtype {
            return Ok(id);
        }
        if let Some(&known) = self.casts.get(&id) {
            return Ok(known);
        }
        let op = Op::Cast(dtype);
        let name = format!("{reader}/{}", dtype.name());
        let other = match value.constant.clone() {
            Some(tensor) => {
                let folded = self.graph.shared().fold(&op, vec![tensor]);
                let mut folded = folded.map_err(|error| Error::node(&name, error))?;
                self.rewriter.constant(folded.swap_remove(0))
            }
            None => self.rewriter.push(name, op, &[id])?,
        };
        self.casts.insert(id, other);
        self.casts.insert(other, id);
        Ok(other)
    }
}

/// Whether f16 holds the numbers of an f32 tensor. Written so that an infinite one stays one, and a NaN too.
fn holds(tensor: &Tensor) -> Result<bool> {
    let values = tensor.to_vec::<f32>()?;
    Ok(!values.iter().any(|value| value.is_finite() && value.abs() > LARGEST))
}

/// A convolution without its pooling, and the pooling: kernels of f16 have none.
pub(crate) fn apart(op: &Op) -> (Op, Option<Op>) {
    let Op::Conv2d { op: conv, bias, residual, activation, pool: Some(pooling) } = *op else {
        return (op.clone(), None);
    };
    (Op::Conv2d { op: conv, bias, residual, activation, pool: None }, Some(pooling.op()))
}
