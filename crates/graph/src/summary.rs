//! What a graph is made of: for tables, pictures and JSON.

use std::fmt::{self, Write as _};

use serde::Serialize;
use tilewright_ops::Op;

use crate::{Graph, Result};

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeSummary {
    /// Its name.
    pub name: String,
    /// Its operation.
    pub op: &'static str,
    /// The activation that is part of it.
    pub activation: Option<&'static str>,
    /// Whether a residual is added in it.
    pub residual: bool,
    /// The pooling that is part of it.
    pub pool: Option<&'static str>,
    /// The shapes of its operands that are no constants.
    pub inputs: Vec<Vec<usize>>,
    /// The shape of its result.
    pub output: Vec<usize>,
    /// Elements of the constants that it reads.
    pub parameters: usize,
    /// Floating-point operations.
    pub flops: u64,
}

/// All nodes, and their sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// In order.
    pub nodes: Vec<NodeSummary>,
    /// Elements of all constants; one that several nodes read counts once.
    pub parameters: usize,
    /// Floating-point operations of a run.
    pub flops: u64,
}

impl Graph {
    /// Shapes, parameters and FLOPs of every node.
    ///
    /// # Errors
    /// None for a graph whose nodes fit their operands.
    pub fn summary(&self) -> Result<Summary> {
        let mut nodes = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let operands = node.inputs.iter().map(|&id| &self[id]);
            nodes.push(NodeSummary {
                name: node.name.clone(),
                op: node.op.name(),
                activation: node.op.activation().map(|activation| activation.name()),
                residual: matches!(
                    node.op,
                    Op::Conv2d { residual: true, .. } | Op::MatMul { residual: true, .. }
                ),
                pool: match node.op {
                    Op::Conv2d { pool, .. } => pool.map(|pooling| pooling.kind.name()),
                    _ => None,
                },
                inputs: operands
                    .clone()
                    .filter(|value| value.constant.is_none())
                    .map(|value| value.shape.clone())
                    .collect(),
                output: self[node.output()].shape.clone(),
                parameters: operands
                    .filter(|value| value.constant.is_some())
                    .map(|value| value.shape.iter().product::<usize>())
                    .sum(),
                flops: node.op.flops(&self.shapes(node))?,
            });
        }
        let flops = nodes.iter().map(|node| node.flops).sum();
        Ok(Summary { nodes, parameters: self.parameters(), flops })
    }

    /// The graph in Graphviz's DOT language.
    ///
    /// # Errors
    /// None for a graph whose nodes fit their operands.
    pub fn dot(&self) -> Result<String> {
        let mut text =
            String::from("digraph {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        for (name, id) in self.inputs() {
            let label = format!("{} {:?}", quote(name), self[*id].shape);
            let _ = writeln!(text, "  v{} [label=\"{label}\", shape=ellipse];", id.0);
        }
        for (node, summary) in self.nodes().iter().zip(self.summary()?.nodes) {
            let label = format!("{}\\n{}\\n{:?}", quote(&node.name), quote(&summary.title()), summary.output);
            let _ = writeln!(text, "  v{} [label=\"{label}\"];", node.output().0);
            for &input in node.inputs.iter().filter(|&&id| self[id].constant.is_none()) {
                let _ = writeln!(text, "  v{} -> v{};", input.0, node.output().0);
            }
        }
        for (at, (name, id)) in self.outputs().iter().enumerate() {
            let _ = writeln!(text, "  o{at} [label=\"{}\", shape=ellipse];", quote(name));
            let _ = writeln!(text, "  v{} -> o{at};", id.0);
        }
        text.push_str("}\n");
        Ok(text)
    }
}

impl NodeSummary {
    /// The operation with what is fused into it.
    pub fn title(&self) -> String {
        let mut title = self.op.to_owned();
        if self.residual {
            title.push_str(" + residual");
        }
        if let Some(activation) = self.activation {
            let _ = write!(title, " + {activation}");
        }
        if let Some(pool) = self.pool {
            let _ = write!(title, " + {pool}");
        }
        title
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0).clamp(4, 40);
        writeln!(
            f,
            "{:<width$}  {:<28}  {:>20}  {:>12}  {:>10}",
            "node", "operation", "result", "parameters", "MFLOP"
        )?;
        for node in &self.nodes {
            let mflop = node.flops as f64 / 1e6;
            let (title, output) = (node.title(), format!("{:?}", node.output));
            let parameters = node.parameters;
            writeln!(f, "{:<width$}  {title:<28}  {output:>20}  {parameters:>12}  {mflop:>10.2}", node.name)?;
        }
        let (count, parameters) = (self.nodes.len(), self.parameters);
        writeln!(f, "{count} nodes, {parameters} parameters, {:.2} MFLOP", self.flops as f64 / 1e6)
    }
}
