//! A network as it is quantised: optimised, with apart what bytes have no form for.

use tilewright_ops::Op;

use super::{
    norms::{self, Norm},
    plan::clamps,
};
use crate::{Graph, Result, Rewriter, passes};

/// The network after all passes, with poolings and larger activations apart again; and the batch normalisations that were folded.
pub(super) fn prepared(graph: &Graph) -> Result<(Graph, Vec<Norm>)> {
    let (folded, norms) = norms::fold(graph)?;
    Ok((apart(&passes::optimize(&folded)?.0)?, norms))
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
