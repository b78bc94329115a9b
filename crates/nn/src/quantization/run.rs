//! One pass of a graph on variables.

use std::collections::HashMap;

use tilewright_autograd::Var;
use tilewright_graph::{Graph, ValueId, quantize::Training};

use super::{
    points::{Points, Seen},
    products::{Mode, Product, for_batch},
};
use crate::{error::Error, error::Result, pass::Pass, values::Values};

/// What a pass has of the graph's values.
pub(super) struct Run<'a> {
    pub training: &'a Training,
    pub points: &'a Points,
    pub products: &'a HashMap<usize, Product>,
    /// The last node that reads each value.
    pub last: &'a HashMap<ValueId, usize>,
    pub pass: &'a Pass,
    pub mode: Mode,
    /// Numbers that were met, where ranges follow them.
    pub seen: Option<Seen>,
}

impl Run<'_> {
    /// The outputs of `inputs`, by the graph's names.
    pub fn outputs(&mut self, inputs: &Values) -> Result<Values> {
        let graph = self.training.graph();
        let (mut real, mut rounded) = (HashMap::new(), HashMap::new());
        for (name, id) in graph.inputs() {
            real.insert(*id, inputs.get(name)?.clone());
        }
        let batch = batch(graph, &real);
        for (at, node) in graph.nodes().iter().enumerate() {
            let int8 = self.training.is_int8(at);
            let mut operands = Vec::with_capacity(node.inputs.len());
            for &id in &node.inputs {
                operands.push(match &graph[id].constant {
                    Some(constant) => Var::constant(constant.clone()),
                    None if int8 => self.rounded(id, &real, &mut rounded)?,
                    None => value(&real, id)?,
                });
            }
            let operands: Vec<&Var> = operands.iter().collect();
            let op = match batch {
                Some((captured, found)) if captured != found => for_batch(graph, node, captured, found),
                _ => node.op.clone(),
            };
            let results = match self.products.get(&at) {
                Some(product) => {
                    let point = node.inputs.first().and_then(|&id| self.training.point_of(id));
                    let point = point.filter(|_| int8 && self.mode.rounds);
                    let scale = point.map(|point| self.points.scale(point)).transpose()?;
                    vec![product.run(&op, &operands, scale.as_ref(), self.pass, self.mode)?]
                }
                None => Var::run(&op, &operands)?,
            };
            for (&id, result) in node.outputs.iter().zip(results) {
                let result = match self.training.point_of(id).filter(|_| int8) {
                    // What an integer node gives is bytes for all who read it.
                    Some(point) if self.training.points()[point].value == id => {
                        let result = self.round(point, &result)?;
                        rounded.insert(id, result.clone());
                        result
                    }
                    Some(_) => {
                        rounded.insert(id, result.clone());
                        result
                    }
                    None => result,
                };
                real.insert(id, result);
            }
            for id in &node.inputs {
                if self.last.get(id) == Some(&at) {
                    real.remove(id);
                    rounded.remove(id);
                }
            }
        }
        let output = |(name, id): &(String, ValueId)| {
            let found = match &graph[*id].constant {
                Some(constant) => Var::constant(constant.clone()),
                None => value(&real, *id)?,
            };
            Ok((name.clone(), found))
        };
        graph.outputs().iter().map(output).collect()
    }

    /// A value as its integer readers have it.
    fn rounded(
        &mut self,
        id: ValueId,
        real: &HashMap<ValueId, Var>,
        rounded: &mut HashMap<ValueId, Var>,
    ) -> Result<Var> {
        if let Some(known) = rounded.get(&id) {
            return Ok(known.clone());
        }
        let x = value(real, id)?;
        let Some(point) = self.training.point_of(id) else { return Ok(x) };
        let x = self.round(point, &x)?;
        rounded.insert(id, x.clone());
        Ok(x)
    }

    fn round(&mut self, point: usize, x: &Var) -> Result<Var> {
        if let Some(seen) = &mut self.seen {
            self.points.see(point, x.tensor(), seen)?;
        }
        if self.mode.rounds { self.points.round(point, x, self.pass) } else { Ok(x.clone()) }
    }
}

/// The batch that was captured, and the one that there is.
fn batch(graph: &Graph, real: &HashMap<ValueId, Var>) -> Option<(usize, usize)> {
    let (_, id) = graph.inputs().first()?;
    Some((*graph[*id].shape.first()?, *real.get(id)?.shape().first()?))
}

fn value(real: &HashMap<ValueId, Var>, id: ValueId) -> Result<Var> {
    let missing = || Error::MissingValue { name: format!("{id:?}"), there: "the graph's values".to_owned() };
    real.get(&id).cloned().ok_or_else(missing)
}
