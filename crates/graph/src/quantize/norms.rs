//! Batch normalisations behind convolutions, remembered while they are folded: training goes on with what they were made of.

use tilewright_ops::{BatchNorm, Op, UnaryOp};
use tilewright_tensor::Tensor;

use crate::{Error, Graph, Result, Rewriter, passes};

/// A convolution's weight with the batch normalisation that was folded into it.
#[derive(Clone, Debug)]
pub struct Norm {
    /// The name of the convolution.
    pub conv: String,
    /// The name of the batch normalisation.
    pub name: String,
    /// eps and momentum.
    pub op: BatchNorm,
    /// The convolution's own weight.
    pub weight: Tensor,
    /// Its own bias.
    pub bias: Option<Tensor>,
    /// γ, β, running mean and running variance.
    pub statistics: [Tensor; 4],
    /// The weight and bias that both became.
    pub(super) folded: [Tensor; 2],
}

/// As [`passes::fold_batch_norm`] once the passes before it find nothing, with the normalisations that were folded.
pub(super) fn fold(graph: &Graph) -> Result<(Graph, Vec<Norm>)> {
    let graph = passes::before_folding(graph)?;
    let mut rewriter = Rewriter::new(&graph);
    let (makers, uses) = (graph.makers(), graph.uses());
    let mut norms = Vec::new();
    for node in graph.nodes() {
        let Some(conv) = passes::folded(&graph, &makers, &uses, node) else {
            rewriter.keep(node)?;
            continue;
        };
        let (Op::BatchNorm { op, activation }, Op::Conv2d { op: conv_op, .. }) = (&node.op, &conv.op) else {
            unreachable!("`folded` gives a convolution that a batch normalisation reads")
        };
        let constant = |id| graph[id].constant.clone();
        let known: Option<Vec<Tensor>> = node.inputs[1..].iter().map(|&id| constant(id)).collect();
        let statistics = known.and_then(|known| <[Tensor; 4]>::try_from(known).ok());
        let (Some(weight), Some(statistics)) = (constant(conv.inputs[1]), statistics) else {
            unreachable!("`folded` gives a convolution of constants")
        };
        let bias = conv.inputs.get(2).and_then(|&id| constant(id));
        let folded = folded(op, &weight, bias.as_ref(), &statistics)
            .map_err(|source| Error::node(&node.name, source))?;
        let x = rewriter.value(conv.inputs[0]);
        let [w, b] = folded.clone().map(|tensor| rewriter.constant(tensor));
        let new =
            Op::Conv2d { op: *conv_op, bias: true, residual: false, activation: *activation, pool: None };
        let y = rewriter.push(conv.name.clone(), new, &[x, w, b])?;
        rewriter.replace(node.output(), y);
        let (conv, name) = (conv.name.clone(), node.name.clone());
        norms.push(Norm { conv, name, op: *op, weight, bias, statistics, folded });
    }
    // The convolutions alone, which nobody reads any more.
    Ok((passes::eliminate_dead(&rewriter.finish())?.0, norms))
}

/// With s = γ / √(σ² + ε): s · w, and (b − μ) · s + β.
fn folded(
    op: &BatchNorm,
    weight: &Tensor,
    bias: Option<&Tensor>,
    [gamma, beta, mean, var]: &[Tensor; 4],
) -> tilewright_tensor::Result<[Tensor; 2]> {
    let inverse = var.unary(UnaryOp::AddScalar { value: op.eps })?.unary(UnaryOp::Rsqrt)?;
    let scale = gamma.mul(&inverse)?;
    let column = [scale.count() as isize, 1, 1, 1];
    let centred = match bias {
        Some(bias) => bias.sub(mean)?,
        None => mean.unary(UnaryOp::Neg)?,
    };
    Ok([weight.mul(&scale.reshape(&column)?)?, centred.mul(&scale)?.add(beta)?])
}
