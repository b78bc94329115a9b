//! The tape as a table and as a drawing: what each operation holds for the way back.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use crate::{
    error::{Error, Result},
    leaf::LeafId,
    reach::nodes_below,
    var::Var,
};

/// What the way back from a value goes over, in the order of the forward pass. [`fmt::Display`] writes it as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tape {
    /// Leaves and operations; inputs come before their users.
    pub nodes: Vec<TapeNode>,
}

/// A leaf or an operation of a [`Tape`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TapeNode {
    /// The operation's name; `leaf` for a leaf.
    pub op: &'static str,
    /// The operation's number, from 1; nothing for a leaf.
    pub number: Option<usize>,
    /// The nodes that its inputs come from, by their places in [`Tape::nodes`]; constants have none.
    pub inputs: Vec<usize>,
    /// The shapes of its results.
    pub shapes: Vec<Vec<usize>>,
    /// Bytes that its rule holds; memory that several rules hold is counted with each.
    pub held: u64,
    /// Of those, what no operation before it holds and no leaf: what it adds to the memory of the forward pass.
    pub saved: u64,
    /// The leaf's name.
    pub leaf: Option<LeafId>,
    /// What [`Tape::named`] calls the leaf.
    pub name: Option<String>,
}

impl Var {
    /// What the way back from this value goes over, with the bytes that are saved for it: those of the tensors that each
    /// backward rule really holds, counted when it was made.
    ///
    /// # Errors
    /// [`Error::NoTape`] for a constant.
    pub fn tape(&self) -> Result<Tape> {
        let root = self.node().ok_or(Error::NoTape)?;
        let found = nodes_below([root.node.clone()].into_iter(), 0);
        let at: BTreeMap<u64, usize> = found.keys().copied().zip(0..).collect();
        let mut seen = HashSet::new();
        let mut operations = 0;
        let nodes = found.values().map(|node| {
            // A rule that has run holds nothing.
            let inputs = node.inputs();
            let kept = inputs.is_some();
            let held = node.saved.iter().filter(|_| kept);
            let new = held.clone().filter(|saved| !saved.of_leaf && seen.insert(saved.key));
            let saved = new.map(|saved| saved.bytes).sum();
            operations += usize::from(!node.leaf);
            TapeNode {
                op: node.op,
                number: (!node.leaf).then_some(operations),
                inputs: inputs.into_iter().flatten().flatten().map(|place| at[&place.node.id]).collect(),
                shapes: node.shapes.clone(),
                held: held.map(|saved| saved.bytes).sum(),
                saved,
                leaf: node.leaf.then_some(LeafId(node.id)),
                name: None,
            }
        });
        Ok(Tape { nodes: nodes.collect() })
    }
}

impl Tape {
    /// With names for the leaves: a store's paths.
    #[must_use]
    pub fn named(mut self, mut name: impl FnMut(LeafId) -> Option<String>) -> Self {
        for node in &mut self.nodes {
            node.name = node.leaf.and_then(&mut name);
        }
        self
    }

    /// Bytes that are saved for the way back; memory that several rules hold is counted once, and leaves' values, which are
    /// there anyway, not at all.
    pub fn saved(&self) -> u64 {
        self.nodes.iter().map(|node| node.saved).sum()
    }

    /// Operations, their results and what they save, in all.
    pub fn by_operation(&self) -> Vec<(&'static str, usize, u64)> {
        let mut all: HashMap<_, (usize, u64)> = HashMap::new();
        for node in self.nodes.iter().filter(|node| node.leaf.is_none()) {
            let (count, saved) = all.entry(node.op).or_default();
            *count += 1;
            *saved += node.saved;
        }
        let mut all: Vec<_> = all.into_iter().map(|(op, (count, saved))| (op, count, saved)).collect();
        all.sort_by_key(|&(op, _, saved)| (std::cmp::Reverse(saved), op));
        all
    }

    /// The tape in Graphviz's language: operations as boxes with what they save, leaves as ellipses.
    pub fn to_dot(&self) -> String {
        let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut dot = String::from("digraph tape {\n  rankdir = TB;\n  node [fontname = \"sans-serif\"];\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let title = node.name.as_deref().unwrap_or(node.op);
            let shapes = node.shapes.iter().map(|shape| format!("{shape:?}")).collect::<Vec<_>>().join(" ");
            let saved =
                if node.saved > 0 { format!("\\nsaves {}", Bytes(node.saved)) } else { String::new() };
            let shape = if node.leaf.is_some() { "ellipse" } else { "box" };
            let title = escape(title);
            dot.push_str(&format!("  n{at} [shape = {shape}, label = \"{title}\\n{shapes}{saved}\"];\n"));
            for input in &node.inputs {
                dot.push_str(&format!("  n{input} -> n{at};\n"));
            }
        }
        dot.push_str("}\n");
        dot
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |at: usize| match (&self.nodes[at].number, &self.nodes[at].name) {
            (Some(number), _) => number.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => "leaf".to_owned(),
        };
        let rows = self.nodes.iter().filter_map(|node| {
            let inputs = node.inputs.iter().map(|&at| label(at)).collect::<Vec<_>>().join(", ");
            let shapes = node.shapes.iter().map(|shape| format!("{shape:?}")).collect::<Vec<_>>().join(" ");
            Some((node.number?, node.op, inputs, shapes, node))
        });
        let rows: Vec<_> = rows.collect();
        let op = rows.iter().map(|row| row.1.chars().count()).max().unwrap_or(0).max(9);
        let inputs = rows.iter().map(|row| row.2.chars().count()).max().unwrap_or(0).clamp(6, 48);
        writeln!(
            f,
            "{:>5}  {:<op$}  {:>11}  {:>11}  {:<inputs$}  results",
            "", "operation", "saves", "holds", "inputs"
        )?;
        for (number, name, from, shapes, node) in &rows {
            let (saved, held) = (Bytes(node.saved).to_string(), Bytes(node.held).to_string());
            writeln!(f, "{number:>5}  {name:<op$}  {saved:>11}  {held:>11}  {from:<inputs$}  {shapes}")?;
        }
        let total = Bytes(self.saved()).to_string();
        write!(f, "{:>5}  {:<op$}  {total:>11}  in {} operations", "", "total", rows.len())
    }
}

/// A number of bytes as people read it.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "–"),
            bytes if bytes < 10_000 => write!(f, "{bytes} B"),
            bytes if bytes < 10_000_000 => write!(f, "{:.1} kB", bytes as f64 / 1e3),
            bytes => write!(f, "{:.1} MB", bytes as f64 / 1e6),
        }
    }
}
