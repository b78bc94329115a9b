//! A network as it is quantised: optimised, with apart what bytes have no form for.

use tilewright_ops::{Conv2d, Op};
use tilewright_tensor::Tensor;

use super::{
    norms::{self, Norm},
    plan::clamps,
};
use crate::{Graph, Result, Rewriter, passes};

/// The network after all passes, with poolings and larger activations apart again and no batch normalisation left; and the batch normalisations that were folded.
pub(super) fn prepared(graph: &Graph) -> Result<(Graph, Vec<Norm>)> {
    let (folded, norms) = norms::fold(graph)?;
    let optimized = passes::optimize(&folded)?.0;
    let prepared = match filters(&optimized)? {
        // A ReLU behind becomes part of it.
        Some(filtered) => apart(&passes::optimize(&filtered)?.0)?,
        None => apart(&optimized)?,
    };
    Ok((prepared, norms))
}

/// Batch normalisations that are behind no convolution as what they are, one filter of 1 × 1 to a channel; none if there are none.
/// A weight with a scale for each channel holds each of its numbers.
fn filters(graph: &Graph) -> Result<Option<Graph>> {
    let mut rewriter = Rewriter::new(graph);
    let mut changed = false;
    for node in graph.nodes() {
        let constants: Option<Vec<_>> =
            node.inputs[1..].iter().map(|&id| graph[id].constant.as_ref()).collect();
        let (Op::BatchNorm { op, activation }, Some(constants), &[_, channels, _, _]) =
            (&node.op, constants, &graph[node.inputs[0]].shape[..])
        else {
            rewriter.keep(node)?;
            continue;
        };
        let numbers = constants.into_iter().map(Tensor::to_vec::<f32>).collect::<Result<Vec<_>, _>>()?;
        let [gamma, beta, mean, var] = &numbers[..] else {
            rewriter.keep(node)?;
            continue;
        };
        let scale: Vec<f32> =
            gamma.iter().zip(var).map(|(gamma, var)| gamma / (var + op.eps).sqrt()).collect();
        let moved = scale.iter().zip(mean).zip(beta);
        let bias: Vec<f32> = moved.map(|((scale, mean), beta)| beta - mean * scale).collect();
        let context = graph.context();
        let weight = rewriter.constant(Tensor::from_slice(context, &scale, &[channels, 1, 1, 1])?);
        let bias = rewriter.constant(Tensor::from_slice(context, &bias, &[channels])?);
        let filter = Conv2d { groups: channels, ..Conv2d::default() };
        let op = Op::Conv2d { op: filter, bias: true, residual: false, activation: *activation, pool: None };
        let x = rewriter.value(node.inputs[0]);
        let y = rewriter.push(node.name.clone(), op, &[x, weight, bias])?;
        rewriter.replace(node.output(), y);
        changed = true;
    }
    Ok(changed.then(|| rewriter.finish()))
}

/// The same graph where no pooling is part of a convolution, and no activation that is more than a clamp part of anything.
fn apart(graph: &Graph) -> Result<Graph> {
    let mut rewriter = Rewriter::new(graph);
    for node in graph.nodes() {
        let (mut op, pooling) = passes::apart(&node.op);
        let mut behind = None;
        if let Op::Conv2d { activation, .. } | Op::MatMul { activation, .. } | Op::Binary { activation, .. } =
            &mut op
            && clamps(*activation).is_err()
        {
            behind = activation.take();
        }
        if pooling.is_none() && behind.is_none() {
            rewriter.keep(node)?;
            continue;
        }
        let inputs: Vec<_> = node.inputs.iter().map(|&id| rewriter.value(id)).collect();
        let mut y = rewriter.push(node.name.clone(), op, &inputs)?;
        if let Some(activation) = behind {
            y = rewriter.push(format!("{}/activation", node.name), Op::Unary(activation), &[y])?;
        }
        if let Some(pooling) = pooling {
            y = rewriter.push(format!("{}/pool", node.name), pooling, &[y])?;
        }
        rewriter.replace(node.output(), y);
    }
    Ok(rewriter.finish())
}
