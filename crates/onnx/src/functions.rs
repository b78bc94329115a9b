//! Operators that a file defines itself: each call is replaced by the body of its function.
//!
//! PyTorch's newer exporter writes a function for each module. The body has names of its own, which become
//! `call/name`; its nodes may refer to attributes of the call; and it says in which operator sets it is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::attributes::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::model::{Body, Node, place};

/// The most nodes that the calls of a model may come to.
const MOST_NODES: usize = 1 << 18;

/// Domain, name and overload.
pub(crate) type Key = (String, String, String);

/// A function as its file has it; the calls in it are not replaced yet.
pub(crate) struct Function {
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    /// Names of attributes without a default.
    pub(crate) attributes: Vec<String>,
    pub(crate) defaults: BTreeMap<String, Attribute>,
    pub(crate) nodes: Vec<Call>,
    /// The version of the standard operators in it.
    pub(crate) opset: i64,
}

/// A node of a file, with the overload that it names if it calls a function.
pub(crate) struct Call {
    pub(crate) node: Node,
    pub(crate) overload: String,
    /// Those of the node's bodies, by attribute.
    pub(crate) bodies: BTreeMap<String, CallBody>,
}

/// A body before its calls are replaced.
pub(crate) struct CallBody {
    pub(crate) nodes: Vec<Call>,
    pub(crate) body: Body,
}

/// Names that are given.
#[derive(Default)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    /// Marks a name as given; false if it was already.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.0.insert(name.to_owned())
    }

    /// A name that nobody has: `prefix/name`, with a number if that is given.
    pub(crate) fn fresh(&mut self, prefix: &str, name: &str) -> String {
        let wanted = format!("{prefix}/{name}");
        let mut numbers = 2_usize..;
        let mut fresh = wanted.clone();
        while !self.take(&fresh) {
            fresh = format!("{wanted}_{}", numbers.next().unwrap_or(usize::MAX));
        }
        fresh
    }
}

/// Replaces calls.
pub(crate) struct Expansion<'a> {
    pub(crate) functions: &'a HashMap<Key, Function>,
    pub(crate) names: &'a mut Names,
    /// The functions that are being replaced, outermost first.
    pub(crate) within: Vec<&'a Key>,
    /// How many nodes were made.
    pub(crate) made: usize,
}

/// What the names and attribute references of a function's body stand for at a call.
struct Binding<'a> {
    names: HashMap<String, String>,
    function: &'a Function,
    call: &'a Call,
    place: String,
}

impl<'a> Expansion<'a> {
    /// The nodes with every call replaced, those in their bodies too.
    ///
    /// # Errors
    /// [`Error::Cycle`] for a function that calls itself; [`Error::Node`] and [`Error::Attribute`] for a call that does
    /// not fit its function; [`Error::Unsupported`] for more than [`MOST_NODES`] nodes.
    pub(crate) fn all(&mut self, calls: &'a [Call]) -> Result<Vec<Node>> {
        let mut nodes = Vec::with_capacity(calls.len());
        for call in calls {
            self.one(call, None, &mut nodes)?;
        }
        Ok(nodes)
    }

    fn one(&mut self, call: &'a Call, binding: Option<&Binding<'_>>, nodes: &mut Vec<Node>) -> Result<()> {
        self.made += 1;
        if self.made > MOST_NODES {
            let what = format!("more than {MOST_NODES} nodes in the calls of functions");
            return Err(Error::Unsupported { place: call.node.place(), what });
        }
        let bound = match binding {
            Some(binding) => binding.node(call),
            None => call.node.clone(),
        };
        let key = (bound.domain.clone(), bound.op_type.clone(), call.overload.clone());
        if let Some((key, function)) = self.functions.get_key_value(&key) {
            return self.inlined(key, function, bound, nodes);
        }
        let mut node = bound;
        for (name, inner) in &call.bodies {
            let mut made = Vec::with_capacity(inner.nodes.len());
            for call in &inner.nodes {
                self.one(call, binding, &mut made)?;
            }
            let renamed = |name: &String| binding.map_or_else(|| name.clone(), |binding| binding.name(name));
            let body = Body {
                nodes: made,
                outputs: inner.body.outputs.iter().map(renamed).collect(),
                initializers: inner
                    .body
                    .initializers
                    .iter()
                    .map(|(name, t)| (renamed(name), t.clone()))
                    .collect(),
            };
            node.bodies.insert(name.clone(), body);
        }
        nodes.push(node);
        Ok(())
    }

    /// The body of `function` in place of `node`, whose names are those of the graph around it.
    fn inlined(
        &mut self,
        key: &'a Key,
        function: &'a Function,
        node: Node,
        nodes: &mut Vec<Node>,
    ) -> Result<()> {
        if self.within.contains(&key) {
            let nodes = self.within.iter().map(|(_, name, _)| format!("function `{name}`")).collect();
            return Err(Error::Cycle { nodes });
        }
        if node.inputs.len() > function.inputs.len() || node.outputs.len() > function.outputs.len() {
            return Err(node.wrong(format!(
                "it has {} operands and {} results, and the function that the file defines {} and {}",
                node.inputs.len(),
                node.outputs.len(),
                function.inputs.len(),
                function.outputs.len()
            )));
        }
        let known = |name: &&str| {
            !function.attributes.iter().any(|known| known == name) && !function.defaults.contains_key(*name)
        };
        if let Some(unknown) = node.attributes.names().find(known) {
            let reason = "is none of the function's that the file defines".to_owned();
            return Err(node.attributes.wrong(unknown, reason));
        }
        let place = if node.name.is_empty() {
            node.outputs.iter().find(|name| !name.is_empty()).unwrap_or(&node.op_type).clone()
        } else {
            node.name.clone()
        };
        let mut names = HashMap::new();
        for (at, own) in function.inputs.iter().enumerate() {
            // What is left out is left out inside too.
            names.insert(own.clone(), node.inputs.get(at).cloned().unwrap_or_default());
        }
        let mut copies = vec![];
        for (at, own) in function.outputs.iter().enumerate() {
            let Some(outer) = node.outputs.get(at).filter(|name| !name.is_empty()) else { continue };
            if let Some(given) = names.get(own) {
                // A result that is an operand, or another result.
                copies.push((given.clone(), outer.clone()));
            } else {
                names.insert(own.clone(), outer.clone());
            }
        }
        for own in made(&function.nodes) {
            if !names.contains_key(own) {
                names.insert(own.clone(), self.names.fresh(&place, own));
            }
        }
        // The call's own attributes, with what its references stood for.
        let given = Call { node, overload: String::new(), bodies: BTreeMap::new() };
        let binding = Binding { names, function, call: &given, place: place.clone() };
        self.within.push(key);
        for inner in &function.nodes {
            self.one(inner, Some(&binding), nodes)?;
        }
        self.within.pop();
        for (from, to) in copies {
            nodes.push(Node {
                name: String::new(),
                op_type: "Identity".to_owned(),
                domain: String::new(),
                inputs: vec![from],
                attributes: Attributes::new(
                    crate::model::place("Identity", "", std::slice::from_ref(&to)),
                    BTreeMap::new(),
                ),
                outputs: vec![to],
                opset: function.opset,
                bodies: BTreeMap::new(),
                captures: vec![],
            });
        }
        Ok(())
    }
}

/// Every name that nodes make, those in their bodies too.
fn made(calls: &[Call]) -> Vec<&String> {
    let mut all = vec![];
    for call in calls {
        all.extend(call.node.outputs.iter().filter(|name| !name.is_empty()));
        for inner in call.bodies.values() {
            all.extend(inner.body.initializers.keys());
            all.extend(made(&inner.nodes));
        }
    }
    all
}

impl Binding<'_> {
    /// A name of the body in the graph around the call.
    fn name(&self, own: &String) -> String {
        self.names.get(own).unwrap_or(own).clone()
    }

    /// A node of the body with the names and attributes of the call.
    fn node(&self, inner: &Call) -> Node {
        let node = &inner.node;
        let all = |names: &[String]| names.iter().map(|name| self.name(name)).collect::<Vec<_>>();
        let outputs = all(&node.outputs);
        let name = if node.name.is_empty() { String::new() } else { format!("{}/{}", self.place, node.name) };
        let place = place(&node.op_type, &name, &outputs);
        let attributes = node.attributes.changed(place, |_, value| match value {
            Attribute::Reference(meant) => {
                let given = self.call.node.attributes.get(meant);
                given.or_else(|| self.function.defaults.get(meant)).cloned()
            }
            value => Some(value.clone()),
        });
        Node {
            name,
            op_type: node.op_type.clone(),
            domain: node.domain.clone(),
            inputs: all(&node.inputs),
            outputs,
            attributes,
            opset: node.opset,
            bodies: BTreeMap::new(),
            captures: vec![],
        }
    }
}
