//! Computes now what does not depend on the inputs.

use tilewright_tensor::Tensor;

use crate::{Error, Graph, Result, Rewriter};

/// Runs every node whose operands are all constants, and makes its result a constant.
///
/// # Errors
/// Those of running the operations.
pub fn fold_constants(graph: &Graph) -> Result<(Graph, usize)> {
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    for node in graph.nodes() {
        let inputs: Vec<_> = node.inputs.iter().map(|&input| rewriter.value(input)).collect();
        let constants: Option<Vec<Tensor>> =
            inputs.iter().map(|&input| rewriter.graph()[input].constant.clone()).collect();
        let Some(constants) = constants else {
            rewriter.keep(node)?;
            continue;
        };
        let results =
            graph.shared().fold(&node.op, constants).map_err(|error| Error::node(&node.name, error))?;
        for (&output, result) in node.outputs.iter().zip(results) {
            let id = rewriter.constant(result);
            rewriter.replace(output, id);
        }
        changed += 1;
    }
    Ok((rewriter.finish(), changed))
}
