//! Makes an activation part of the operation before it.

use tilewright_ops::{DType, Op};

use crate::{Graph, Node, Result, Rewriter};

/// Fuses a unary operation into the product, convolution, normalisation or sum whose only reader it is.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn fuse_activation(graph: &Graph) -> Result<(Graph, usize)> {
    let (makers, uses) = (graph.makers(), graph.uses());
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    let fused = |node: &Node| {
        let Op::Unary(unary) = node.op else { return None };
        let before = &graph.nodes()[*makers.get(&node.inputs[0])?];
        // What computes with integers has no activation: those are functions of floats.
        if graph[before.inputs[0]].dtype == DType::I32 {
            return None;
        }
        let op = before.op.with_activation(unary)?;
        (uses.get(&before.output()) == Some(&1)).then_some((before, op))
    };
    for node in graph.nodes() {
        let Some((before, op)) = fused(node) else {
            rewriter.keep(node)?;
            continue;
        };
        let inputs: Vec<_> = before.inputs.iter().map(|&input| rewriter.value(input)).collect();
        let y = rewriter.push(before.name.clone(), op, &inputs)?;
        rewriter.replace(node.output(), y);
        changed += 1;
    }
    let (new, _) = super::eliminate_dead(&rewriter.finish())?;
    Ok((new, changed))
}
