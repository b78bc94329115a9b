//! Leaves out results that nobody reads, where the operation can do without.

use std::collections::HashSet;

use tilewright_ops::Op;

use crate::{Graph, Result, Rewriter};

/// Turns a maximum with indices into one without, where nobody reads them.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn drop_unread_results(graph: &Graph) -> Result<(Graph, usize)> {
    let outputs = graph.outputs().iter().map(|(_, id)| *id);
    let read: HashSet<_> =
        graph.nodes().iter().flat_map(|node| node.inputs.iter().copied()).chain(outputs).collect();
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    for node in graph.nodes() {
        match node.op {
            Op::MaxPool2d { pool, indices: true } if !read.contains(&node.outputs[1]) => {
                rewriter.keep_as(node, Op::MaxPool2d { pool, indices: false }, &node.inputs)?;
                changed += 1;
            }
            _ => {
                rewriter.keep(node)?;
            }
        }
    }
    Ok((rewriter.finish(), changed))
}
