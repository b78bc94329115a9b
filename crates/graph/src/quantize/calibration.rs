//! The network on samples.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tilewright_ops::DType;
use tilewright_tensor::Tensor;

use super::{
    convert::{self, Converted},
    correction::Errors,
    decibels::decibels,
    equalize::equalize,
    histogram::Histogram,
    norms::Norm,
    observer::Seen,
    parameters::Parameters,
    plan::form,
    prepare::prepared,
    report::Layers,
    scale::Scale,
    scheme::Scheme,
    training::Training,
    weights::Weights,
    writer::Origin,
};
use crate::{Compiled, Error, Graph, Options, Result, Rewriter, ValueId};

/// A network that is observed on samples, to be converted to bytes then: prepare ([`Self::new`]), observe, convert.
pub struct Calibration {
    /// Optimised, with poolings apart from convolutions.
    pub(super) graph: Graph,
    pub(super) scheme: Scheme,
    /// What weights were folded from.
    norms: Vec<Norm>,
    probe: Compiled,
    /// What is observed, and what was seen of it.
    seen: Vec<(ValueId, Seen)>,
    samples: usize,
    /// What rounding the weights adds, where it is to be corrected.
    errors: Errors,
    equalized: usize,
    /// Whether numbers are counted even where the observer needs no counts.
    count: bool,
}

impl Calibration {
    /// Prepares a network of f32, such as [`crate::capture`] or an ONNX file gives.
    ///
    /// # Errors
    /// Those of the passes and of [`Compiled::new`].
    pub fn new(graph: &Graph, scheme: Scheme) -> Result<Self> {
        let (graph, norms) = prepared(graph)?;
        let (graph, equalized) = equalize(&graph, scheme.equalize)?;
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
        let (errors, means) = Errors::watch(&graph, &mut rewriter, &scheme)?;
        let mut probe = rewriter.finish();
        for (at, place) in places.into_iter().enumerate() {
            probe.output(format!("seen {at}"), place)?;
        }
        for (at, mean) in means.into_iter().enumerate() {
            probe.output(format!("mean error {at}"), mean)?;
        }
        let probe = Compiled::new(&probe, &Options { optimize: false, ..Options::default() })?;
        let seen = watched.into_iter().map(|id| (id, Seen::new())).collect();
        Ok(Self { graph, scheme, norms, probe, seen, samples: 0, errors, equalized, count: false })
    }

    /// Counts numbers from now on, whether the observer needs counts or not, for [`Self::distributions`].
    pub fn count(&mut self) {
        self.count = true;
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
            seen.see(values, self.scheme.observer, self.count);
        }
        self.errors.see(&values[self.seen.len()..]);
        self.samples += 1;
        Ok(outputs)
    }

    /// Batches that were observed.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.samples
    }

    /// Layers that are to stay in f32, too, by name; what was observed remains.
    pub fn keep<T: Into<String>>(&mut self, layers: impl IntoIterator<Item = T>) {
        self.scheme.keep.extend(layers.into_iter().map(Into::into));
    }

    /// Pairs of layers whose channels were made alike ([`Scheme::equalize`]).
    #[must_use]
    pub fn equalized(&self) -> usize {
        self.equalized
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
        Ok((alone(graph), layers))
    }

    /// The numbers of the network in bytes, apart from its graph: what a file keeps.
    ///
    /// # Errors
    /// Those of [`Self::convert`].
    pub fn parameters(&self) -> Result<Parameters> {
        let converted = self.converted()?;
        Parameters::of(&self.graph, &self.scheme, &self.scales()?, &converted)
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
            let back = |&number: &i8| (i32::from(number) - zero_point) as f32 * scale;
            let ends = found.iter().filter(|&&number| number == i8::MIN || number == i8::MAX).count();
            let layer = &mut layers.layers[*at];
            layer.decibels = Some(decibels(&real, &found.iter().map(back).collect::<Vec<_>>()));
            layer.at_ends = Some(ends as f64 / found.len().max(1) as f64);
        }
        Ok((alone(graph), layers))
    }

    /// What training needs that is to see the roundings of the converted network, beginning with the ranges that were observed.
    ///
    /// # Errors
    /// Those of [`Self::convert`].
    pub fn training(&self) -> Result<Training> {
        self.observed()?;
        if self.scheme.weights == Weights::PerTensor {
            let what = "training rounds weights by channel: leave `Weights::PerTensor` out".to_owned();
            return Err(Error::Calibration { what });
        }
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
        convert::convert(&self.graph, &self.scheme, &self.scales()?, &Origin::Own(&self.corrections()))
    }

    /// The scales of what was observed.
    pub(super) fn scales(&self) -> Result<HashMap<ValueId, Scale>> {
        self.observed()?;
        let Scheme { observer, activations, .. } = self.scheme;
        let scale = |seen: &Seen| activations.scale(seen.range(observer, activations));
        Ok(self.seen.iter().map(|(id, seen)| (*id, scale(seen))).collect())
    }

    /// What is to be taken off the biases.
    pub(super) fn corrections(&self) -> HashMap<ValueId, Vec<f32>> {
        self.errors.corrections(self.samples)
    }

    /// How often which number of a value was seen.
    pub(super) fn counted(&self, value: ValueId) -> Option<&Histogram> {
        self.seen.iter().find(|(id, _)| *id == value).and_then(|(_, seen)| seen.counts())
    }
}

/// A graph that holds none of what the network in f32 has packed.
fn alone(mut graph: Graph) -> Graph {
    graph.share(Arc::default());
    graph
}
