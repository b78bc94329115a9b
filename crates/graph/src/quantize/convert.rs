//! The graph written anew, with bytes where there is a form.

use std::collections::{BTreeMap, HashMap};

use super::{
    parameters::{self, keys},
    plan::form,
    report::{Layer, Layers},
    scale::Scale,
    scheme::Scheme,
    writer::{Bytes, Origin, Writer},
};
use crate::{Graph, Result, ValueId};

/// A graph in bytes.
pub(super) struct Converted {
    pub graph: Graph,
    pub layers: Layers,
    /// Of each layer whose result is bytes, its number, the result in the old graph, and here.
    pub results: Vec<(usize, ValueId, Bytes)>,
    /// The values of the old graph that are bytes here.
    pub bytes: Vec<ValueId>,
    /// The weights, by the layers' keys.
    pub products: BTreeMap<String, parameters::Product>,
}

/// Writes the graph with bytes of these scales.
pub(super) fn convert(
    graph: &Graph,
    scheme: &Scheme,
    scales: &HashMap<ValueId, Scale>,
    origin: &Origin<'_>,
) -> Result<Converted> {
    let mut writer = Writer::new(graph, scales, origin, scheme.weights);
    let keys = keys(graph);
    let (mut layers, mut results) = (Layers::default(), Vec::new());
    for (at, (node, key)) in graph.nodes().iter().zip(&keys).enumerate() {
        let constant = node.inputs.iter().all(|&id| graph[id].constant.is_some());
        let form = form(graph, node, scheme).and_then(|form| {
            let has_bytes = node.inputs.iter().any(|id| writer.bytes.contains_key(id));
            match constant {
                true => Err("it depends on constants alone"),
                false if form.pays() || has_bytes => Ok(form),
                false => Err("what it reads is not bytes"),
            }
        });
        let (why, weight_bytes) = match &form {
            Ok(form) => (None, writer.write(node, key, form)?),
            Err(why) => {
                writer.keep(node, key)?;
                let bytes = node.inputs.iter().filter_map(|&id| graph[id].constant.as_ref());
                let bytes: u64 = bytes.map(|tensor| (tensor.count() * tensor.dtype().size()) as u64).sum();
                (Some(*why), [bytes; 2])
            }
        };
        let bytes = writer.bytes.get(&node.output()).copied();
        results.extend(bytes.map(|bytes| (at, node.output(), bytes)));
        let scale = bytes.map(|bytes| bytes.scale);
        let y = &graph[node.output()];
        let count = y.shape.iter().product::<usize>() as u64;
        let size = y.dtype.size() as u64;
        layers.layers.push(Layer {
            node: node.name.clone(),
            op: node.op.name(),
            int8: why.is_none(),
            why,
            scale: scale.map(|scale| scale.scale),
            zero_point: scale.map(|scale| scale.zero_point),
            weight_bytes,
            activation_bytes: [count * size, if bytes.is_some() { count } else { count * size }],
            decibels: None,
            at_ends: None,
        });
    }
    for (name, id) in graph.outputs() {
        writer.real(name, *id)?;
    }
    // A result is named by its value in the finished graph, which is the one it has now.
    let (bytes, products) = (writer.bytes.into_keys().collect(), writer.products);
    Ok(Converted { graph: writer.rewriter.finish(), layers, results, bytes, products })
}
