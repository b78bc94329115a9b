//! The network on samples.

use std::collections::{BTreeSet, HashMap};

use tilewright_ops::DType;
use tilewright_tensor::Tensor;

use super::{
    convert,
    observer::Seen,
    plan::form,
    report::Layers,
    scheme::{Scale, Scheme},
};
use crate::{Compiled, Error, Graph, Options, Result, Rewriter, ValueId, passes};

/// A network that is observed on samples, to be converted to bytes then: prepare ([`Self::new`]), observe, convert.
pub struct Calibration {
    /// Optimised, with poolings apart from convolutions.
    graph: Graph,
    scheme: Scheme,
    probe: Compiled,
    /// What is observed, and what was seen of it.
    seen: Vec<(ValueId, Seen)>,
    samples: usize,
}

impl Calibration {
    /// Prepares a network of f32, such as [`crate::capture`] or an ONNX file gives.
    ///
    /// # Errors
    /// Those of the passes and of [`Compiled::new`].
    pub fn new(graph: &Graph, scheme: Scheme) -> Result<Self> {
        let graph = apart(&passes::optimize(graph)?.0)?;
        let mut watched = BTreeSet::new();
        for node in graph.nodes().iter().filter(|node| form(&graph, node, &scheme).is_ok()) {
            watched.extend(node.inputs.iter().chain(&node.outputs).copied());
        }
        watched.retain(|&id| graph[id].constant.is_none() && graph[id].dtype == DType::F32);
        let mut rewriter = Rewriter::new(&graph);
        for node in graph.nodes() {
            rewriter.keep(node)?;
        }
        let places: Vec<_> = watched.iter().map(|&id| rewriter.value(id)).collect();
        let mut probe = rewriter.finish();
        for (at, place) in places.into_iter().enumerate() {
            probe.output(format!("seen {at}"), place)?;
        }
        let probe = Compiled::new(&probe, &Options { optimize: false, ..Options::default() })?;
        let seen = watched.into_iter().map(|id| (id, Seen::new())).collect();
        Ok(Self { graph, scheme, probe, seen, samples: 0 })
    }

    /// Runs the network on a batch, in f32, and sees its activations; gives its outputs.
    ///
    /// # Errors
    /// Those of [`Compiled::run`]; [`Error::Calibration`] names the first layer with a number that is not finite, and nothing
    /// of this batch counts then.
    pub fn observe(&mut self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut outputs = self.probe.run(inputs)?;
        let inner = outputs.split_off(self.graph.outputs().len());
        let values = inner.iter().map(Tensor::to_vec::<f32>).collect::<Result<Vec<_>, _>>()?;
        let makers = self.graph.makers();
        for ((id, _), values) in self.seen.iter().zip(&values) {
            if let Some(wrong) = values.iter().find(|value| !value.is_finite()) {
                let from = match makers.get(id) {
                    Some(&at) => format!("the layer `{}` gives {wrong}", self.graph.nodes()[at].name),
                    None => format!("the input holds {wrong}"),
                };
                let what =
                    format!("{from}; a range follows from finite numbers alone: check data and weights");
                return Err(Error::Calibration { what });
            }
        }
        for ((_, seen), values) in self.seen.iter_mut().zip(&values) {
            seen.see(values, self.scheme.observer);
        }
        self.samples += 1;
        Ok(outputs)
    }

    /// Batches that were observed.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.samples
    }

    /// The names of the convolutions and products, for [`Scheme::keep`].
    #[must_use]
    pub fn products(&self) -> Vec<&str> {
        let products =
            self.graph.nodes().iter().filter(|node| ["conv2d", "matmul"].contains(&node.op.name()));
        products.map(|node| node.name.as_str()).collect()
    }

    /// The network in bytes, with inputs and outputs as before, and what became of each layer.
    ///
    /// # Errors
    /// [`Error::Calibration`] if nothing was observed; those of reading weights.
    pub fn convert(&self) -> Result<(Graph, Layers)> {
        if self.samples == 0 {
            let what = "no batch was observed; call `observe` with samples like the data to come".to_owned();
            return Err(Error::Calibration { what });
        }
        let activations = self.scheme.activations;
        let scale = |seen: &Seen| activations.scale(seen.range(self.scheme.observer, activations));
        let scales: HashMap<ValueId, Scale> = self.seen.iter().map(|(id, seen)| (*id, scale(seen))).collect();
        convert::convert(&self.graph, &self.scheme, &scales)
    }
}

/// The same graph where no pooling is part of a convolution.
fn apart(graph: &Graph) -> Result<Graph> {
    let mut rewriter = Rewriter::new(graph);
    for node in graph.nodes() {
        let (op, pooling) = passes::apart(&node.op);
        let Some(pooling) = pooling else {
            rewriter.keep(node)?;
            continue;
        };
        let inputs: Vec<_> = node.inputs.iter().map(|&id| rewriter.value(id)).collect();
        let y = rewriter.push(node.name.clone(), op, &inputs)?;
        let y = rewriter.push(format!("{}/pool", node.name), pooling, &[y])?;
        rewriter.replace(node.output(), y);
    }
    Ok(rewriter.finish())
}
