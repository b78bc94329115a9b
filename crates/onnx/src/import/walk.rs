//! The walk over the nodes of a graph and of the bodies in it.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use tilewright_runtime::Context;
use tilewright_tensor::Trace;

use super::node::Ctx;
use super::operators::find;
use super::run::run;
use super::value::{Constant, Value, Weights};
use crate::element::ElementType;
use crate::error::{Error, Result, UnsupportedOperator};
use crate::host::call::Call;
use crate::model::Node;
use crate::table::operator::Operator;
use crate::tensor::HostTensor;

/// The most bytes of constants that are computed on the host in one import.
const BUDGET: usize = 1 << 30;

/// A walk: the values that are known by now.
pub(super) struct Walk<'a> {
    context: &'a Context,
    weights: &'a Arc<Weights>,
    trace: Option<Trace>,
    budget: usize,
    pub(super) values: HashMap<&'a str, Value>,
    /// How often a value is still read; one that is not here stays.
    pub(super) readers: HashMap<&'a str, usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(context: &'a Context, weights: &'a Arc<Weights>, trace: Option<Trace>) -> Self {
        let (values, readers) = Default::default();
        Self { context, weights, trace, budget: BUDGET, values, readers }
    }

    /// Makes initializers known.
    pub(super) fn weights(&mut self, initializers: &'a HashMap<String, Arc<HostTensor>>) {
        for (name, tensor) in initializers {
            self.values.insert(name, Value::Host(Rc::new(Constant::weight(name, tensor, self.weights))));
        }
    }

    /// Runs every node. `frees` says whether `readers` counts what they read: a body's nodes read as its own node does.
    pub(super) fn nodes(&mut self, nodes: &'a [Node], frees: bool) -> Result<()> {
        let pairs = pairs(nodes);
        for node in nodes {
            if let Some(trace) = &self.trace {
                trace.set_scope(if node.name.is_empty() {
                    node.outputs.first().map_or("", |o| o)
                } else {
                    &node.name
                });
            }
            let inputs: Vec<Option<Value>> = (0..node.inputs.len())
                .map(|at| node.input(at).and_then(|name| self.values.get(name)).cloned())
                .collect();
            let paired = node.outputs.iter().any(|output| pairs.contains(output.as_str()));
            let written = self.trace.clone().filter(|_| paired && is_plain(node, &inputs));
            let ctx = Ctx { node, inputs, context: self.context, written };
            let results = if node.is_if() { self.branch(&ctx)? } else { run(&ctx, &mut self.budget)? };
            let results = self.kept(&ctx, results);
            // What nobody reads any more needs no room.
            for input in node.reads().filter(|_| frees) {
                if let Some(left) = self.readers.get_mut(input.as_str()) {
                    *left -= 1;
                    if *left == 0 {
                        self.values.remove(input.as_str());
                    }
                }
            }
            if results.len() < node.outputs.iter().filter(|output| !output.is_empty()).count() {
                let what = format!("{} results where {} are read", results.len(), node.outputs.len());
                return Err(Error::Unsupported { place: node.place(), what });
            }
            self.values.extend(node.outputs.iter().map(String::as_str).zip(results));
        }
        Ok(())
    }

    /// Dequantised weights are as good as weights: plans of other shapes share them on the device.
    fn kept(&self, ctx: &Ctx<'a>, results: Vec<Value>) -> Vec<Value> {
        let weight = |value: &Value| matches!(value, Value::Host(constant) if constant.is_kept());
        if ctx.node.operator() != "DequantizeLinear" || !ctx.inputs.iter().flatten().all(weight) {
            return results;
        }
        let names = ctx.node.outputs.iter();
        let kept = results.into_iter().zip(names).map(|(value, name)| match value {
            Value::Host(constant) => match Rc::try_unwrap(constant) {
                Ok(constant) => Value::Host(Rc::new(constant.derived(name, self.weights))),
                Err(shared) => Value::Host(shared),
            },
            value => value,
        });
        kept.collect()
    }

    /// The results of If: those of the graph that its condition chooses, which must be known by now.
    fn branch(&mut self, ctx: &Ctx<'a>) -> Result<Vec<Value>> {
        let node = ctx.node;
        let name = if ctx.truth(0)? { "then_branch" } else { "else_branch" };
        let body = node
            .bodies
            .get(name)
            .ok_or_else(|| node.attributes.wrong(name, "is missing or is no graph".to_owned()))?;
        let depends = |name: &&str| !matches!(self.values.get(*name), None | Some(Value::Host(_)));
        let running = node.captures.iter().map(String::as_str).filter(depends).collect();
        let operators = missing(&body.nodes, running);
        if !operators.is_empty() {
            return Err(Error::UnsupportedOperators { operators });
        }
        self.weights(&body.initializers);
        self.nodes(&body.nodes, false)?;
        let results = body.outputs.iter().map(|name| {
            let missing = || Error::MissingValue { reader: node.place(), name: name.clone() };
            self.values.get(name.as_str()).cloned().ok_or_else(missing)
        });
        let results = results.collect();
        for name in body.made() {
            self.values.remove(name.as_str());
        }
        results
    }
}

fn dequantizes(node: &Node) -> bool {
    node.domain.is_empty() && node.op_type == "DequantizeLinear"
}

/// The results of DequantizeLinear that are read beside another such result: the graph's passes make integer arithmetic of
/// that, and need the bytes of weights for it.
fn pairs(nodes: &[Node]) -> HashSet<&str> {
    let made = nodes.iter().filter(|node| dequantizes(node)).flat_map(|node| &node.outputs);
    let made: HashSet<&str> = made.map(String::as_str).collect();
    let mut found = HashSet::new();
    for node in nodes.iter().filter(|node| node.domain.is_empty()) {
        let first = match node.op_type.as_str() {
            "Conv" | "MatMul" | "Gemm" => node.input(0).is_some_and(|name| made.contains(name)),
            "Add" | "Mul" | "Concat" => true,
            _ => continue,
        };
        let read = node.inputs.iter().map(String::as_str).filter(|name| made.contains(name));
        if first && read.clone().count() > 1 {
            found.extend(read);
        }
    }
    found
}

/// Whether a DequantizeLinear is of constants, and of those that the device's operation has: bytes or a bias.
fn is_plain(node: &Node, inputs: &[Option<Value>]) -> bool {
    let known = inputs.iter().flatten().all(|value| matches!(value, Value::Host(_)));
    let dtype = |at: usize| inputs.get(at).and_then(Option::as_ref).map(Value::dtype);
    let stored = matches!(dtype(0), Some(ElementType::I8 | ElementType::U8 | ElementType::I32));
    let more = node.attributes.names().any(|name| matches!(name, "block_size" | "output_dtype"));
    known && stored && dtype(1) == Some(ElementType::F32) && !more && find(node).is_ok()
}

/// The operators of `nodes` that nothing here computes, where `running` names what depends on what the model is run on.
pub(super) fn missing<'a>(nodes: &'a [Node], mut running: HashSet<&'a str>) -> Vec<UnsupportedOperator> {
    let mut missing: Vec<UnsupportedOperator> = vec![];
    for node in nodes {
        let runs = node.reads().any(|input| running.contains(input.as_str()));
        let reason = match find(node) {
            // Which graph counts is known at the walk.
            _ if node.is_if() => {
                if runs {
                    running.extend(node.outputs.iter().map(String::as_str));
                }
                continue;
            }
            _ if !runs && Call::known(node) => continue,
            Ok(operator) => {
                // A shape is known whatever the values are.
                if runs && !matches!(operator, Operator::Shape | Operator::Size) {
                    running.extend(node.outputs.iter().map(String::as_str));
                }
                continue;
            }
            Err(_) if Call::known(node) => {
                Some("only of constants; here it depends on what the model is run on".to_owned())
            }
            Err(reason) => reason,
        };
        running.extend(node.outputs.iter().map(String::as_str));
        let operator = node.operator();
        match missing.iter_mut().find(|other| other.operator == operator && other.reason == reason) {
            Some(known) => known.nodes.push(node.place()),
            None => missing.push(UnsupportedOperator { operator, reason, nodes: vec![node.place()] }),
        }
    }
    missing
}
