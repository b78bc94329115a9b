//! Writes a BatchNorm of a convolution into the convolution's weight and bias.
//!
//! With s = γ / √(σ² + ε), the normalisation of w ∗ x + b is (s·w) ∗ x + (b − μ)·s + β (Jacob et al., arXiv 1712.05877,
//! §3.2).

use std::collections::HashMap;

use tilewright_ops::{BinaryOp, Op, UnaryOp};

use crate::{Graph, Node, Result, Rewriter, ValueId};

/// Folds every BatchNorm of a convolution that nobody else reads. The new weight is a few nodes on constants, which
/// [`super::fold_constants`] then computes.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn fold_batch_norm(graph: &Graph) -> Result<(Graph, usize)> {
    let (makers, uses) = (graph.makers(), graph.uses());
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    for node in graph.nodes() {
        let Some(conv) = folded(graph, &makers, &uses, node) else {
            rewriter.keep(node)?;
            continue;
        };
        let (Op::BatchNorm { op, activation }, Op::Conv2d { op: conv_op, bias: has_bias, .. }) =
            (&node.op, &conv.op)
        else {
            unreachable!("`folded` gives a convolution that a batch normalisation reads")
        };
        let (conv_op, has_bias, eps, activation) = (*conv_op, *has_bias, op.eps, *activation);
        let [gamma, beta, mean, var] = [1, 2, 3, 4].map(|at| rewriter.value(node.inputs[at]));
        let name = |part: &str| format!("{}/{part}", node.name);
        let binary = |op| Op::Binary { op, activation: None };
        let shifted = rewriter.push(name("var"), Op::Unary(UnaryOp::AddScalar { value: eps }), &[var])?;
        let inverse = rewriter.push(name("rsqrt"), Op::Unary(UnaryOp::Rsqrt), &[shifted])?;
        let scale = rewriter.push(name("scale"), binary(BinaryOp::Mul), &[gamma, inverse])?;
        let weight = rewriter.value(conv.inputs[1]);
        let channels = rewriter.graph()[scale].shape[0];
        let column = rewriter.push(name("column"), Op::Reshape(vec![channels, 1, 1, 1]), &[scale])?;
        let weight = rewriter.push(name("weight"), binary(BinaryOp::Mul), &[weight, column])?;
        let offset = if has_bias {
            let bias = rewriter.value(conv.inputs[2]);
            rewriter.push(name("centred"), binary(BinaryOp::Sub), &[bias, mean])?
        } else {
            rewriter.push(name("centred"), Op::Unary(UnaryOp::Neg), &[mean])?
        };
        let offset = rewriter.push(name("offset"), binary(BinaryOp::Mul), &[offset, scale])?;
        let bias = rewriter.push(name("bias"), binary(BinaryOp::Add), &[offset, beta])?;
        let x = rewriter.value(conv.inputs[0]);
        let op = Op::Conv2d { op: conv_op, bias: true, residual: false, activation, pool: None };
        let y = rewriter.push(conv.name.clone(), op, &[x, weight, bias])?;
        rewriter.replace(node.output(), y);
        changed += 1;
    }
    let (new, _) = super::eliminate_dead(&rewriter.finish())?;
    Ok((new, changed))
}

/// The convolution into which `node`, if it is a batch normalisation, can be folded: nobody else reads it, and both are of
/// constants.
pub(crate) fn folded<'a>(
    graph: &'a Graph,
    makers: &HashMap<ValueId, usize>,
    uses: &HashMap<ValueId, usize>,
    node: &Node,
) -> Option<&'a Node> {
    let Op::BatchNorm { .. } = &node.op else { return None };
    let conv = &graph.nodes()[*makers.get(&node.inputs[0])?];
    let Op::Conv2d { residual: false, activation: None, pool: None, .. } = &conv.op else { return None };
    let alone = uses.get(&conv.output()) == Some(&1);
    let constant = |id: &ValueId| graph[*id].constant.is_some();
    let known = conv.inputs[1..].iter().chain(&node.inputs[1..]).all(constant);
    (alone && known).then_some(conv)
}
