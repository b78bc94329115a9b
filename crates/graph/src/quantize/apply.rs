//! From a converted graph to its numbers, and back.

use std::collections::{BTreeSet, HashMap};

use tilewright_ops::DType;

use super::{
    convert::{self, Converted},
    equalize::equalize,
    parameters::{Constant, Parameters, keys},
    plan::form,
    prepare::prepared,
    report::Layers,
    scale::Scale,
    scheme::{Equalization, Scheme},
    writer::Origin,
};
use crate::{Error, Graph, Result, ValueId};

impl Parameters {
    /// The network in bytes, from the same network in f32 as [`super::Calibration::new`] took, for any number of samples; and
    /// what each layer is.
    ///
    /// # Errors
    /// [`Error::Calibration`] where it is another network: a layer has no numbers, or others than fit.
    pub fn apply(&self, graph: &Graph) -> Result<(Graph, Layers)> {
        let (mut graph, _) = prepared(graph)?;
        if self.relu6_as_relu {
            // Its weights do not matter, and neither does what becomes of them.
            graph = equalize(&graph, Equalization::Relu6AsRelu)?.0;
        }
        let keys = keys(&graph);
        let mut scales = HashMap::new();
        for (id, name) in named(&graph, &keys) {
            if let Some(&scale) = self.activations.get(name) {
                scales.insert(id, scale);
            }
        }
        let scheme = Scheme { keep: self.keep.clone(), ..Scheme::default() };
        let converted = convert::convert(&graph, &scheme, &scales, &Origin::Given(self))?;
        let missing = named(&graph, &keys).find(|(id, _)| {
            converted.bytes.contains(id) && !scales.contains_key(id) && graph[*id].constant.is_none()
        });
        if let Some((_, name)) = missing {
            let what = format!("`{name}` has no scale; these are the numbers of another network");
            return Err(Error::Calibration { what });
        }
        let Converted { graph, layers, .. } = converted;
        Ok((graph, layers))
    }

    /// What a converted graph was made of.
    pub(super) fn of(
        graph: &Graph,
        scheme: &Scheme,
        scales: &HashMap<ValueId, Scale>,
        converted: &Converted,
    ) -> Result<Self> {
        let keys = keys(graph);
        let mut found = Self {
            products: converted.products.clone(),
            relu6_as_relu: scheme.equalize == Equalization::Relu6AsRelu,
            ..Self::default()
        };
        let bytes: BTreeSet<ValueId> = converted.bytes.iter().copied().collect();
        for (id, name) in named(graph, &keys) {
            if let (true, Some(&scale)) = (bytes.contains(&id), scales.get(&id)) {
                found.activations.insert(name.to_owned(), scale);
            }
        }
        for ((node, key), layer) in graph.nodes().iter().zip(&keys).zip(&converted.layers.layers) {
            if layer.int8 {
                continue;
            }
            if scheme.keep.contains(&node.name) && form(graph, node, &Scheme::default()).is_ok() {
                found.keep.insert(node.name.clone());
            }
            for (at, &id) in node.inputs.iter().enumerate() {
                let Some(tensor) = &graph[id].constant else { continue };
                if tensor.dtype() == DType::F32 {
                    let constant = Constant { shape: tensor.shape().to_vec(), numbers: tensor.to_vec()? };
                    found.constants.insert((key.clone(), at), constant);
                }
            }
        }
        Ok(found)
    }
}

/// The graph's inputs and the nodes' first results, with their names.
fn named<'a>(graph: &'a Graph, keys: &'a [String]) -> impl Iterator<Item = (ValueId, &'a str)> {
    let inputs = graph.inputs().iter().map(|(name, id)| (*id, name.as_str()));
    inputs.chain(graph.nodes().iter().zip(keys).map(|(node, key)| (node.output(), key.as_str())))
}
