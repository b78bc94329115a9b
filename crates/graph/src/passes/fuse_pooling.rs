//! Makes a pooling part of the convolution before it, where that takes no kernel of its own.

use tilewright_kernels::{convolution::Problem, select};
use tilewright_ops::{Op, Pooling};

use crate::{Graph, Node, Result, Rewriter};

/// Fuses a pooling into the convolution whose only reader it is, if the algorithm that runs the convolution on this device
/// can pool as it stores ([`select::conv2d_pooled_for`]). Elsewhere both stay, because two launches are what they take.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn fuse_pooling(graph: &Graph) -> Result<(Graph, usize)> {
    let (makers, uses) = (graph.makers(), graph.uses());
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    let fused = |node: &Node| {
        let (Op::MaxPool2d { indices: false, .. } | Op::AvgPool2d(_) | Op::SumPool2d(_)) = node.op else {
            return None;
        };
        let conv = &graph.nodes()[*makers.get(&node.inputs[0])?];
        let Op::Conv2d { op, bias, residual, activation, pool: None } = conv.op else { return None };
        let pool = node.op.pooling();
        let op = Op::Conv2d { op, bias, residual, activation, pool };
        let fits = uses.get(&conv.output()) == Some(&1) && runs_in_one(graph, conv, &pool?);
        fits.then_some((conv, op))
    };
    for node in graph.nodes() {
        let Some((conv, op)) = fused(node) else {
            rewriter.keep(node)?;
            continue;
        };
        let inputs: Vec<_> = conv.inputs.iter().map(|&input| rewriter.value(input)).collect();
        let y = rewriter.push(conv.name.clone(), op, &inputs)?;
        rewriter.replace(node.output(), y);
        changed += 1;
    }
    let (new, _) = super::eliminate_dead(&rewriter.finish())?;
    Ok((new, changed))
}

/// Whether the kernel that stores the convolution's result pools it too.
fn runs_in_one(graph: &Graph, conv: &Node, pooling: &Pooling) -> bool {
    let [x, weight] = [&graph[conv.inputs[0]], &graph[conv.inputs[1]]];
    let (Op::Conv2d { op, .. }, Ok(x_shape), Ok(w_shape)) =
        (&conv.op, x.shape[..].try_into(), weight.shape[..].try_into())
    else {
        return false;
    };
    Problem::new(op, x_shape, w_shape).is_ok_and(|problem| {
        let problem = problem.with_dtype(x.dtype);
        select::conv2d_pooled_for(graph.context(), &problem, pooling, weight.constant.is_some()).fused
    })
}
