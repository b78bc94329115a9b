//! Removes operations that change nothing, and joins movements that undo or repeat one another.

use tilewright_ops::{Op, SliceRange, UnaryOp};

use crate::{Graph, Node, Result, Rewriter, ValueId};

/// Removes identities; joins chains of reshapes and of permutations.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn remove_identities(graph: &Graph) -> Result<(Graph, usize)> {
    let makers = graph.makers();
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    let maker = |id: ValueId| makers.get(&id).map(|&at| &graph.nodes()[at]);
    for node in graph.nodes() {
        if is_identity(graph, node) {
            let x = rewriter.value(node.inputs[0]);
            rewriter.replace(node.output(), x);
            changed += 1;
            continue;
        }
        let before = maker(node.inputs[0]);
        match (&node.op, before.map(|before| (&before.op, before.inputs[0]))) {
            (Op::Reshape(shape), Some((Op::Reshape(_), x))) => {
                rewriter.keep_as(node, Op::Reshape(shape.clone()), &[x])?;
                changed += 1;
            }
            (Op::Permute(axes), Some((Op::Permute(first), x))) => {
                let joined = axes.iter().map(|&axis| first[axis]).collect();
                rewriter.keep_as(node, Op::Permute(joined), &[x])?;
                changed += 1;
            }
            _ => {
                rewriter.keep(node)?;
            }
        }
    }
    let (new, _) = super::eliminate_dead(&rewriter.finish())?;
    Ok((new, changed))
}

fn is_identity(graph: &Graph, node: &Node) -> bool {
    let x = &graph[node.inputs[0]];
    match &node.op {
        Op::Reshape(shape) | Op::Expand(shape) => *shape == x.shape,
        Op::Permute(axes) => axes.iter().enumerate().all(|(at, &axis)| at == axis),
        Op::Slice(ranges) => {
            ranges.iter().zip(&x.shape).all(|(range, &extent)| *range == SliceRange::full(extent))
        }
        Op::Pad { padding, .. } => padding.iter().all(|&border| border == (0, 0)),
        Op::Concat { .. } => node.inputs.len() == 1,
        Op::Cast(dtype) => *dtype == x.dtype,
        // x + 0 turns −0 into 0 and is otherwise x; x · 1 is x.
        Op::Unary(UnaryOp::AddScalar { value: 0.0 } | UnaryOp::MulScalar { value: 1.0 }) => true,
        Op::MaxPool2d { pool, indices: false } | Op::AvgPool2d(pool) | Op::SumPool2d(pool) => {
            pool.kernel == [1, 1]
                && pool.stride == [1, 1]
                && pool.padding == [0, 0]
                && pool.divisor_override.is_none_or(|divisor| divisor == 1)
        }
        Op::AdaptiveAvgPool2d(pool) => pool.output[..] == x.shape[2..],
        _ => false,
    }
}
