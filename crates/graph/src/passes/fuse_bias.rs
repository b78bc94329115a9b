//! Makes the addition of a constant the bias of the product or convolution before it.

use tilewright_ops::{BinaryOp, Op};

use crate::{Graph, Node, Result, Rewriter, ValueId};

/// Fuses `conv(x) + b` with one number for each channel, and `a · b + c` with one for each column.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn fuse_bias(graph: &Graph) -> Result<(Graph, usize)> {
    let (makers, uses) = (graph.makers(), graph.uses());
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    let fused = |node: &Node| {
        let Op::Binary { op: BinaryOp::Add, activation } = node.op else { return None };
        let [a, b] = [node.inputs[0], node.inputs[1]];
        [(a, b), (b, a)].into_iter().find_map(|(sum, bias)| {
            let product = &graph.nodes()[*makers.get(&sum)?];
            let (shape, count) = (&graph[sum].shape, graph[bias].shape.iter().product::<usize>());
            let fits = match product.op {
                Op::Conv2d { residual: false, activation: None, pool: None, .. } => {
                    count == shape[1] && is_per_channel(&graph[bias].shape, shape)
                }
                Op::MatMul { bias: false, residual: false, activation: None, .. } => {
                    let last = shape.len() - 1;
                    count == shape[last] && graph[bias].shape.last() == Some(&shape[last])
                }
                _ => false,
            };
            let known = graph[bias].constant.is_some() && graph[node.output()].shape == *shape;
            (fits && known && uses.get(&sum) == Some(&1)).then_some((product, bias, activation))
        })
    };
    for node in graph.nodes() {
        let Some((product, bias, activation)) = fused(node) else {
            rewriter.keep(node)?;
            continue;
        };
        let mut op = product.op.clone();
        let (Op::Conv2d { bias: has, activation: after, .. }
        | Op::MatMul { bias: has, activation: after, .. }) = &mut op
        else {
            unreachable!("`fused` gives products and convolutions")
        };
        let had = std::mem::replace(has, true);
        *after = activation;
        let count: usize = graph[bias].shape.iter().product();
        let bias = rewriter.value(bias);
        let row = rewriter.push(format!("{}/row", node.name), Op::Reshape(vec![count]), &[bias])?;
        let mut inputs: Vec<ValueId> =
            product.inputs[..2].iter().map(|&input| rewriter.value(input)).collect();
        inputs.push(if had {
            let before = rewriter.value(product.inputs[2]);
            let add = Op::Binary { op: BinaryOp::Add, activation: None };
            rewriter.push(format!("{}/bias", node.name), add, &[before, row])?
        } else {
            row
        });
        let y = rewriter.push(product.name.clone(), op, &inputs)?;
        rewriter.replace(node.output(), y);
        changed += 1;
    }
    let (new, _) = super::eliminate_dead(&rewriter.finish())?;
    Ok((new, changed))
}

/// Whether a constant of shape `constant` gives each channel of N C H W one number (or all of them the same).
pub(super) fn is_per_channel(constant: &[usize], x: &[usize]) -> bool {
    let count: usize = constant.iter().product();
    let channel = x.len() - 2 - 1;
    // Counted from the back, as broadcasting does: the channels are the third axis.
    let axis = constant.len().checked_sub(x.len() - channel);
    count == 1 || (x.len() == 4 && count == x[1] && axis.is_some_and(|axis| constant[axis] == x[1]))
}
