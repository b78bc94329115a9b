//! The graphs inside nodes: each name is made once in the whole model, and every node knows what its bodies read.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::functions::Names;
use crate::model::{Body, Node};
use crate::order;

/// Settles the bodies of `nodes`, innermost first: names that are made elsewhere too get new ones, the nodes are sorted,
/// and what is read from outside is noted.
///
/// # Errors
/// [`Error::DuplicateName`] for a name that a body makes twice; [`Error::Cycle`].
pub(crate) fn settle(nodes: &mut [Node], names: &mut Names) -> Result<()> {
    for node in nodes {
        let place = node.place();
        let prefix = node.outputs.iter().find(|name| !name.is_empty()).unwrap_or(&node.op_type).clone();
        for body in node.bodies.values_mut() {
            let mut seen = Names::default();
            let mut new = HashMap::new();
            for name in body.made() {
                if !seen.take(name) {
                    let [first, second] = [place.clone(), place.clone()];
                    return Err(Error::DuplicateName { name: name.clone(), first, second });
                }
                if !names.take(name) {
                    new.insert(name.clone(), names.fresh(&prefix, name));
                }
            }
            if !new.is_empty() {
                rename(body, &new);
            }
            settle(&mut body.nodes, names)?;
            order::sort(&mut body.nodes)?;
        }
        let mut captures: Vec<String> = node.bodies.values().flat_map(Body::free).collect();
        captures.sort_unstable();
        captures.dedup();
        node.captures = captures;
    }
    Ok(())
}

fn rename(body: &mut Body, new: &HashMap<String, String>) {
    let change = |name: &mut String| {
        if let Some(to) = new.get(name) {
            name.clone_from(to);
        }
    };
    body.outputs.iter_mut().for_each(change);
    let tensors = std::mem::take(&mut body.initializers).into_iter();
    body.initializers =
        tensors.map(|(name, tensor)| (new.get(&name).cloned().unwrap_or(name), tensor)).collect();
    for node in &mut body.nodes {
        node.inputs.iter_mut().chain(&mut node.outputs).for_each(change);
        node.bodies.values_mut().for_each(|inner| rename(inner, new));
    }
}
