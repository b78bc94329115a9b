//! What training needs to know to see the roundings of the integer graph: where they are, and what weights are made of.

use std::collections::HashMap;

use tilewright_ops::DType;
use tilewright_tensor::Tensor;

use super::{
    convert::{self, Converted},
    norms::Norm,
    parameters::Parameters,
    report::Layers,
    scale::{Activations, Scale},
    scheme::Scheme,
    writer::Origin,
};
use crate::{Graph, Result, ValueId};

/// A network for training that sees the roundings of its integer graph ([`super::Calibration::training`]).
///
/// Its graph is the one that is converted: f32, batch normalisations folded. Where its values are bytes afterwards, it has a [`Point`];
/// where a weight was made of another and a batch normalisation, a [`Norm`].
#[derive(Clone)]
pub struct Training {
    graph: Graph,
    scheme: Scheme,
    /// Of each node: whether it computes with bytes.
    int8: Vec<bool>,
    points: Vec<Point>,
    /// The point of each value that is bytes.
    of: HashMap<ValueId, usize>,
    /// Of the nodes whose weight was folded.
    norms: HashMap<usize, Norm>,
}

/// A place where values become bytes, with one scale. Others may go on with it: the maxima of windows, a reshape.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The node that gives the value, or the input.
    pub name: String,
    /// Whether it is an input.
    pub is_input: bool,
    /// The value.
    pub value: ValueId,
    /// The least and the largest number that were to be represented; 0 is between them.
    pub range: (f32, f32),
}

impl Training {
    /// From a calibration's graph and the ranges that it observed.
    pub(super) fn new(
        graph: &Graph,
        scheme: &Scheme,
        norms: &[Norm],
        ranges: &HashMap<ValueId, (f32, f32)>,
    ) -> Result<Self> {
        // A conversion in which each value has a scale of its own says which value's scale a result has.
        let values: Vec<ValueId> = ranges.keys().copied().collect();
        // What was not observed has a scale of 1.
        let own = |at: usize| Scale { scale: (at + 2) as f32, zero_point: 0 };
        let scales = values.iter().enumerate().map(|(at, &id)| (id, own(at))).collect();
        let Converted { layers, results, .. } =
            convert::convert(graph, scheme, &scales, &Origin::Own(&HashMap::new()))?;
        let source: HashMap<ValueId, ValueId> = results
            .iter()
            .filter_map(|(_, id, bytes)| {
                Some((*id, *values.get((bytes.scale.scale as usize).checked_sub(2)?)?))
            })
            .collect();
        let int8: Vec<bool> = layers.layers.iter().map(|layer| layer.int8).collect();
        let makers = graph.makers();
        let (mut points, mut of, mut placed) = (Vec::<Point>::new(), HashMap::new(), HashMap::new());
        let operands = graph.nodes().iter().zip(&int8).filter(|(_, int8)| **int8);
        for id in operands.flat_map(|(node, _)| node.inputs.iter().chain(&node.outputs)).copied() {
            let value = &graph[id];
            if value.constant.is_some() || value.dtype != DType::F32 || of.contains_key(&id) {
                continue;
            }
            let from = source.get(&id).copied().unwrap_or(id);
            let point = *placed.entry(from).or_insert_with(|| {
                let maker = makers.get(&from).map(|&at| graph.nodes()[at].name.clone());
                let input = || graph.inputs().iter().find(|(_, input)| *input == from);
                let is_input = maker.is_none();
                let name = maker.or_else(|| input().map(|(name, _)| name.clone())).unwrap_or_default();
                let range = ranges.get(&from).copied().unwrap_or_default();
                points.push(Point { name, is_input, value: from, range });
                points.len() - 1
            });
            of.insert(id, point);
        }
        let norms = graph.nodes().iter().enumerate().filter_map(|(at, node)| {
            let [weight, bias] =
                [1, 2].map(|at| node.inputs.get(at).and_then(|&id| graph[id].constant.as_ref()));
            let (weight, bias) = (weight?, bias?);
            // A later pass may have changed either: then it is a weight like others.
            let found = norms.iter().find(|norm| {
                norm.folded[0].buffer().same(weight.buffer()) && norm.folded[1].buffer().same(bias.buffer())
            });
            Some((at, found?.clone()))
        });
        let norms = norms.collect();
        Ok(Self { graph: graph.clone(), scheme: scheme.clone(), int8, points, of, norms })
    }

    /// The network in f32, which is what is trained.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// How activations are quantised.
    #[must_use]
    pub fn activations(&self) -> Activations {
        self.scheme.activations
    }

    /// Whether a node, by its place among the graph's, computes with bytes.
    #[must_use]
    pub fn is_int8(&self, node: usize) -> bool {
        self.int8.get(node).copied().unwrap_or_default()
    }

    /// The places where values become bytes.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The place, among [`Self::points`], whose scale a value has as bytes.
    #[must_use]
    pub fn point_of(&self, value: ValueId) -> Option<usize> {
        self.of.get(&value).copied()
    }

    /// What the weight and bias of a node were folded from.
    #[must_use]
    pub fn norm_of(&self, node: usize) -> Option<&Norm> {
        self.norms.get(&node)
    }

    /// The network in bytes, as [`super::Calibration::convert`] gives it, with other weights and biases, and a scale for each of
    /// [`Self::points`].
    ///
    /// # Errors
    /// Those of [`Graph::with_constants`] and of reading weights.
    pub fn convert(&self, constants: &HashMap<ValueId, Tensor>, scales: &[Scale]) -> Result<(Graph, Layers)> {
        let (_, _, Converted { graph, layers, .. }) = self.converted(constants, scales)?;
        Ok((graph, layers))
    }

    /// Its numbers apart from its graph, as [`super::Calibration::parameters`] gives them.
    ///
    /// # Errors
    /// Those of [`Self::convert`].
    pub fn parameters(&self, constants: &HashMap<ValueId, Tensor>, scales: &[Scale]) -> Result<Parameters> {
        let (graph, scales, converted) = self.converted(constants, scales)?;
        Parameters::of(&graph, &self.scheme, &scales, &converted)
    }

    fn converted(
        &self,
        constants: &HashMap<ValueId, Tensor>,
        scales: &[Scale],
    ) -> Result<(Graph, HashMap<ValueId, Scale>, Converted)> {
        let graph = self.graph.with_constants(constants)?;
        let scales = self.of.iter().filter_map(|(&id, &point)| Some((id, *scales.get(point)?))).collect();
        let converted = convert::convert(&graph, &self.scheme, &scales, &Origin::Own(&HashMap::new()))?;
        Ok((graph, scales, converted))
    }
}
