//! Computes equal expressions once.

use std::collections::HashMap;

use crate::{Graph, Result, Rewriter, ValueId};

/// Computes equal operations on the same values once.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn eliminate_common(graph: &Graph) -> Result<(Graph, usize)> {
    // The text of an operation names all its parameters; f32 are written so that different ones differ.
    let mut known: HashMap<(String, Vec<ValueId>), Vec<ValueId>> = HashMap::new();
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    for node in graph.nodes() {
        let inputs: Vec<_> = node.inputs.iter().map(|&input| rewriter.value(input)).collect();
        let key = (format!("{:?}", node.op), inputs);
        if let Some(same) = known.get(&key) {
            node.outputs.iter().zip(same).for_each(|(&output, &same)| rewriter.replace(output, same));
            changed += 1;
        } else {
            known.insert(key, rewriter.keep(node)?);
        }
    }
    Ok((rewriter.finish(), changed))
}
