//! Which nodes lead to values whose gradients are wanted.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::node::{Key, Node};

/// All nodes that the way back from some roots can come to, by their numbers: inputs come before their users.
pub(crate) fn nodes_below(roots: impl Iterator<Item = Arc<Node>>, above: u64) -> BTreeMap<u64, Arc<Node>> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<_> = roots.collect();
    while let Some(node) = waiting.pop() {
        if found.contains_key(&node.id) {
            continue;
        }
        if node.id >= above {
            let inputs = node.inputs().into_iter().flatten().flatten();
            waiting.extend(inputs.map(|place| place.node));
        }
        found.insert(node.id, node);
    }
    found
}

/// The nodes that lead to wanted values.
pub(crate) struct Reach {
    /// Nodes that are wanted, or have one of those below them.
    leading: HashSet<u64>,
    /// Nodes that have one of those below them.
    below: HashSet<u64>,
}

impl Reach {
    pub fn of(roots: impl Iterator<Item = Arc<Node>>, wanted: &HashSet<Key>, above: u64) -> Self {
        let targets: HashSet<u64> = wanted.iter().map(|&(id, _)| id).collect();
        let (mut leading, mut below) = (HashSet::new(), HashSet::new());
        for (id, node) in nodes_below(roots, above) {
            let mut inputs = node.inputs().into_iter().flatten().flatten();
            if id >= above && inputs.any(|place| leading.contains(&place.node.id)) {
                below.insert(id);
                leading.insert(id);
            }
            if targets.contains(&id) {
                leading.insert(id);
            }
        }
        Self { leading, below }
    }

    /// Whether the gradient of `node` is wanted, or needed for one that is.
    pub fn leads(&self, node: &Node) -> bool {
        self.leading.contains(&node.id)
    }

    /// Whether the rule of node `id` is needed.
    pub fn below(&self, id: u64) -> bool {
        self.below.contains(&id)
    }
}
