//! The network on samples.

use std::collections::{BTreeSet, HashMap};

use tilewright_ops::DType;
use tilewright_tensor::Tensor;

use super::{
    convert::{self, Converted},
    norms::Norm,
    observer::Seen,
    parameters::Parameters,
    plan::form,
    prepare::prepared,
    report::Layers,
    scale::Scale,
    scheme::Scheme,
    training::Training,
};
use crate::{Compiled, Error, Graph, Options, Result, Rewriter, ValueId};

/// A network that is observed on samples, to be converted to bytes then: prepare ([`Self::new`]), observe, convert.
pub struct Calibration {
    /// Optimised, with poolings apart from convolutions.
    graph: Graph,
    scheme: Scheme,
    /// What weights were folded from.
    norms: Vec<Norm>,
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
        let (graph, norms) = prepared(graph)?;
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
        Ok(Self { graph, scheme, norms, probe, seen, samples: 0 })
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

    /// The names of the layers, for [`Scheme::keep`].
    #[must_use]
    pub fn layers(&self) -> Vec<&str> {
        self.graph.nodes().iter().map(|node| node.name.as_str()).collect()
    }

    /// The network in bytes, with inputs and outputs as before, and what became of each layer.
    ///
    /// # Errors
    /// [`Error::Calibration`] if nothing was observed; those of reading weights.
    pub fn convert(&self) -> Result<(Graph, Layers)> {
        let Converted { graph, layers, .. } = self.converted()?;
        Ok((graph, layers))
    }

    /// The numbers of the network in bytes, apart from its graph: what a file keeps.
    ///
    /// # Errors
    /// Those of [`Self::convert`].
    pub fn parameters(&self) -> Result<Parameters> {
        let converted = self.converted()?;
        Parameters::of(&self.graph, &self.scheme, &self.scales(), &converted)
    }

    /// As [`Self::convert`], where the report also says how far each layer's result is from that in f32 on these samples.
    ///
    /// # Errors
    /// Those of [`Self::convert`] and of running it.
    pub fn measure(&self, inputs: &[&Tensor]) -> Result<(Graph, Layers)> {
        let Converted { graph, mut layers, results, .. } = self.converted()?;
        let mut probe = graph.clone();
        for (at, _, bytes) in &results {
            probe.output(format!("layer {at}"), bytes.id)?;
        }
        let options = Options { optimize: false, ..Options::default() };
        let found = Compiled::new(&probe, &options)?.run(inputs)?.split_off(graph.outputs().len());
        let real = self.probe.run(inputs)?.split_off(self.graph.outputs().len());
        for ((at, id, bytes), found) in results.iter().zip(found) {
            let Some(place) = self.seen.iter().position(|(seen, _)| seen == id) else { continue };
            let (real, found) = (real[place].to_vec::<f32>()?, found.to_vec::<i8>()?);
            let Scale { scale, zero_point } = bytes.scale;
            let (mut signal, mut noise, mut ends) = (0.0, 0.0, 0);
            for (&real, &number) in real.iter().zip(&found) {
                let back = (i32::from(number) - zero_point) as f32 * scale;
                signal += f64::from(real).powi(2);
                noise += f64::from(real - back).powi(2);
                ends += u64::from(number == i8::MIN || number == i8::MAX);
            }
            let layer = &mut layers.layers[*at];
            // Where nothing differs the error is that of no single step.
            layer.decibels = Some(10.0 * (signal.max(1e-30) / noise.max(1e-30)).log10());
            layer.at_ends = Some(ends as f64 / found.len().max(1) as f64);
        }
        Ok((graph, layers))
    }

    /// What training needs that is to see the roundings of the converted network, beginning with the ranges that were observed.
    ///
    /// # Errors
    /// Those of [`Self::convert`].
    pub fn training(&self) -> Result<Training> {
        self.observed()?;
        let range = |seen: &Seen| seen.range(self.scheme.observer, self.scheme.activations);
        let ranges = self.seen.iter().map(|(id, seen)| (*id, range(seen))).collect();
        Training::new(&self.graph, &self.scheme, &self.norms, &ranges)
    }

    fn observed(&self) -> Result<()> {
        if self.samples > 0 {
            return Ok(());
        }
        let what = "no batch was observed; call `observe` with samples like the data to come".to_owned();
        Err(Error::Calibration { what })
    }

    fn converted(&self) -> Result<Converted> {
        self.observed()?;
        convert::convert(&self.graph, &self.scheme, &self.scales(), None)
    }

    fn scales(&self) -> HashMap<ValueId, Scale> {
        let activations = self.scheme.activations;
        let scale = |seen: &Seen| activations.scale(seen.range(self.scheme.observer, activations));
        self.seen.iter().map(|(id, seen)| (*id, scale(seen))).collect()
    }
}
