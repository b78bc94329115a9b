//! Drops nodes whose result nobody reads.

use std::collections::HashSet;

use crate::{Graph, Node, Result, Rewriter};

/// Drops nodes whose result nobody reads.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn eliminate_dead(graph: &Graph) -> Result<(Graph, usize)> {
    let mut read: HashSet<_> = graph.outputs().iter().map(|(_, id)| *id).collect();
    for node in graph.nodes().iter().rev() {
        if node.outputs.iter().any(|output| read.contains(output)) {
            read.extend(&node.inputs);
        }
    }
    let mut rewriter = Rewriter::new(graph);
    let alive = |node: &&Node| node.outputs.iter().any(|output| read.contains(output));
    for node in graph.nodes().iter().filter(alive) {
        rewriter.keep(node)?;
    }
    let new = rewriter.finish();
    let dropped = graph.nodes().len() - new.nodes().len();
    Ok((new, dropped))
}
