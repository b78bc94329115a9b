//! Makes the addition of another value part of the convolution before it: the end of a residual block.

use tilewright_ops::{BinaryOp, Op};

use crate::{Graph, Node, Result, Rewriter};

/// Fuses `conv(x) + r` where nobody else reads the convolution and `r` is computed before the addition.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn fuse_residual(graph: &Graph) -> Result<(Graph, usize)> {
    let (makers, uses) = (graph.makers(), graph.uses());
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    let fused = |node: &Node| {
        let Op::Binary { op: BinaryOp::Add, activation } = node.op else { return None };
        let [a, b] = [node.inputs[0], node.inputs[1]];
        let conv_of = |(sum, other): (_, _)| {
            let at = *makers.get(&sum)?;
            let conv = &graph.nodes()[at];
            let Op::Conv2d { op, bias, residual: false, activation: None, pool: None } = conv.op else {
                return None;
            };
            let fits =
                graph[sum].shape == graph[other].shape && graph[other].constant.is_none() && sum != other;
            (fits && uses.get(&sum) == Some(&1)).then_some((at, conv, op, bias, other, activation))
        };
        // Where both sides are convolutions, the later one takes the sum: its operand is there earlier.
        [(a, b), (b, a)].into_iter().filter_map(conv_of).max_by_key(|(at, ..)| *at)
    };
    for node in graph.nodes() {
        let Some((_, conv, op, bias, other, activation)) = fused(node) else {
            rewriter.keep(node)?;
            continue;
        };
        let mut inputs = conv.inputs.clone();
        inputs.push(other);
        let inputs: Vec<_> = inputs.into_iter().map(|input| rewriter.value(input)).collect();
        let op = Op::Conv2d { op, bias, residual: true, activation, pool: None };
        let y = rewriter.push(conv.name.clone(), op, &inputs)?;
        rewriter.replace(node.output(), y);
        changed += 1;
    }
    let (new, _) = super::eliminate_dead(&rewriter.finish())?;
    Ok((new, changed))
}
