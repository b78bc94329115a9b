//! The order of the nodes. ONNX asks for a sorted graph; one that is not, but can be, is sorted.

use std::collections::{BTreeSet, HashMap};

use crate::error::{Error, Result};
use crate::model::Node;

/// Brings the nodes into an order in which each comes after those that it reads.
///
/// # Errors
/// [`Error::Cycle`].
pub(crate) fn sort(nodes: &mut Vec<Node>) -> Result<()> {
    let order = sorted(nodes)?;
    let mut slots: Vec<Option<Node>> = std::mem::take(nodes).into_iter().map(Some).collect();
    nodes.extend(order.into_iter().filter_map(|at| slots.get_mut(at).and_then(Option::take)));
    Ok(())
}

/// Places of the nodes so that each comes after those that it reads; nodes that need no moving keep their order.
///
/// # Errors
/// [`Error::Cycle`].
fn sorted(nodes: &[Node]) -> Result<Vec<usize>> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            makers.insert(output, at);
        }
    }
    let sources = |node: &Node| -> BTreeSet<usize> {
        node.reads().filter_map(|input| makers.get(input.as_str()).copied()).collect()
    };
    let mut readers: Vec<Vec<usize>> = vec![vec![]; nodes.len()];
    let mut waiting: Vec<usize> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let sources = sources(node);
        waiting.push(sources.len());
        for source in sources {
            readers[source].push(at);
        }
    }
    // The smallest ready place first: a sorted graph comes back as it was.
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&at| waiting[at] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for &reader in &readers[at] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    if order.len() == nodes.len() {
        return Ok(order);
    }
    Err(Error::Cycle { nodes: cycle(nodes, &waiting, sources) })
}

/// Some nodes of a cycle: from any node that waits, backwards to the one that is met again.
fn cycle(nodes: &[Node], waiting: &[usize], sources: impl Fn(&Node) -> BTreeSet<usize>) -> Vec<String> {
    let stuck = |at: &usize| waiting[*at] > 0;
    let Some(mut at) = (0..nodes.len()).find(|at| stuck(at)) else { return vec![] };
    let mut path = vec![];
    while !path.contains(&at) {
        path.push(at);
        let Some(next) = sources(&nodes[at]).into_iter().find(stuck) else { break };
        at = next;
    }
    let start = path.iter().position(|&place| place == at).unwrap_or(0);
    path[start..].iter().rev().take(8).map(|&at| nodes[at].place()).collect()
}
