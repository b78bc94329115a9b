//! Which layers leave the range of f16 on a sample.

use std::collections::HashMap;

use serde::Serialize;
use tilewright_ops::{DType, Kind, Op, ReduceOp, UnaryOp};
use tilewright_tensor::Tensor;

use crate::{Graph, Result, Rewriter, Session, ValueId, lowering, passes};

/// The largest magnitude of a layer that is stored as f16: half of what an f16 holds, because another input may have larger
/// ones than the sample.
pub(crate) const MOST: f32 = 65504.0 / 2.0;

/// A convolution or product that is kept in f32 where f16 was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeptInF32 {
    /// The node's name.
    pub node: String,
    /// The largest magnitude that was seen among its operands and results.
    pub largest: f32,
}

/// The convolutions and products of a graph of f32, by number, whose operands or results go beyond [`MOST`] where it is run
/// on `sample` in f32.
///
/// The graph runs once with the largest magnitude of each such value as one more output, so that only those are read back.
///
/// # Errors
/// Those of compiling and running it.
pub(crate) fn beyond(graph: &Graph, sample: &[&Tensor]) -> Result<Vec<(usize, KeptInF32)>> {
    let mut probe = Rewriter::new(graph);
    let mut columns: HashMap<ValueId, usize> = HashMap::new();
    let mut magnitudes: Vec<ValueId> = Vec::new();
    let mut looked: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, node) in graph.nodes().iter().enumerate() {
        if node.op.facts().kind != Kind::Product {
            probe.keep(node)?;
            continue;
        }
        let inputs: Vec<_> = node.inputs.iter().map(|&id| probe.value(id)).collect();
        // In f16 a pooling stands by itself: what it reads is stored, too.
        let (op, pooling) = passes::apart(&node.op);
        let y = probe.push(node.name.clone(), op, &inputs)?;
        let result = match pooling {
            Some(pooling) => probe.push(format!("{}/pool", node.name), pooling, &[y])?,
            None => y,
        };
        probe.replace(node.output(), result);
        let mut of_node = Vec::new();
        for id in inputs.into_iter().chain([y]) {
            let value = &probe.graph()[id];
            let empty = value.shape.contains(&0);
            if value.constant.is_some() || value.dtype != DType::F32 || empty {
                continue;
            }
            let column = match columns.get(&id) {
                Some(&column) => column,
                None => {
                    let magnitude = magnitude(&mut probe, &node.name, id)?;
                    magnitudes.push(magnitude);
                    columns.insert(id, magnitudes.len() - 1);
                    magnitudes.len() - 1
                }
            };
            of_node.push(column);
        }
        looked.push((at, of_node));
    }
    if magnitudes.is_empty() {
        return Ok(Vec::new());
    }
    let all = probe.push("range", Op::Concat { axis: 0 }, &magnitudes)?;
    let mut probe = probe.finish();
    probe.output("range", all)?;
    let (plan, ports) = lowering::plan(&probe)?;
    let mut outputs = Session::new(ports, plan.replay()?).run(sample)?;
    let found = outputs.pop().map(|range| range.to_vec::<f32>()).transpose()?.unwrap_or_default();
    let largest = |columns: &[usize]| columns.iter().map(|&at| found[at]).fold(0.0, f32::max);
    let layers = looked.into_iter().map(|(at, columns)| (at, largest(&columns)));
    let kept = layers.filter(|&(_, largest)| largest > MOST);
    Ok(kept.map(|(at, largest)| (at, KeptInF32 { node: graph.nodes()[at].name.clone(), largest })).collect())
}

/// max |x| as a line of one number.
fn magnitude(probe: &mut Rewriter<'_>, name: &str, x: ValueId) -> Result<ValueId> {
    let name = format!("{name}/range");
    let x = probe.push(name.clone(), Op::Unary(UnaryOp::Abs), &[x])?;
    let largest = Op::Reduce { op: ReduceOp::Max, axes: Vec::new(), keepdim: false };
    let x = probe.push(name.clone(), largest, &[x])?;
    probe.push(name, Op::Reshape(vec![1]), &[x])
}
