//! A network of Darknet as a module.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tilewright_autograd::Var;
use tilewright_darknet::{Kind, Network};
use tilewright_nn::{Error, INPUT, Module, OUTPUT, Pass, Port, Result, Scope, Values};
use tilewright_ops::ShapeError;

use super::{block::Block, decode::decode};

/// The name of the boxes that all heads find: N × boxes × 4, left, top, right and bottom in pixels of the input.
pub const BOXES: &str = "boxes";
/// The name of their scores: N × boxes × classes, objectness times class.
pub const SCORES: &str = "scores";

/// A network of Darknet (Redmon and Farhadi, arXiv 1804.02767), as its `.cfg` says.
///
/// Parameters of layer 3 are `layers.3.conv.weight`, `layers.3.norm.bias` and so on; `seen` counts images as a file's header.
/// The input is N C H W from 0 to 1. A network with heads gives what goes into each, `yolo_16` for layer 16, and in evaluation
/// [`BOXES`] and [`SCORES`], decoded on the device: heads in order, of each its anchors, of each its cells row by row. One without heads
/// gives what its last layer gives, as `output`.
pub struct Darknet {
    network: Network,
    blocks: Vec<Block>,
    /// After which layer nobody reads an output any more.
    last: Vec<usize>,
    seen: Arc<AtomicI64>,
}

impl Darknet {
    /// Makes the parameters of `network` under `scope`.
    ///
    /// # Errors
    /// What the device says of their sizes.
    pub fn new(scope: &Scope, network: &Network) -> Result<Self> {
        let layers = scope / "layers";
        let make = |(at, layer)| Block::new(&(&layers / at), layer);
        let blocks = network.layers.iter().enumerate().map(make).collect::<Result<Vec<_>>>()?;
        let last = last_uses(network);
        Ok(Self { network: network.clone(), blocks, last, seen: scope.counter("seen")? })
    }

    /// What the network was made of.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Whether boxes are found: there are heads, and of the same classes.
    fn decodes(&self) -> bool {
        self.network.classes().is_some()
    }
}

/// The name of a head's output.
fn port(layer: usize) -> String {
    format!("yolo_{layer}")
}

/// For each layer, the last one that reads its output.
fn last_uses(network: &Network) -> Vec<usize> {
    let mut last: Vec<usize> = (1..=network.layers.len()).collect();
    for (at, layer) in network.layers.iter().enumerate() {
        let read: &[usize] = match &layer.kind {
            Kind::Route(route) => &route.layers,
            Kind::Shortcut(shortcut) => &[shortcut.from],
            _ => &[],
        };
        for &from in read {
            last[from] = last[from].max(at);
        }
    }
    last
}

impl Module for Darknet {
    fn inputs(&self) -> Vec<Port> {
        vec![Port::required(INPUT)]
    }

    fn outputs(&self) -> Vec<Port> {
        let mut ports: Vec<Port> = self.network.heads().map(|(at, _)| Port::required(port(at))).collect();
        if ports.is_empty() {
            ports.push(Port::required(OUTPUT));
        }
        if self.decodes() {
            ports.extend([BOXES, SCORES].map(Port::optional));
        }
        ports
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        let x = inputs.get(INPUT)?;
        let [channels, ..] = self.network.image;
        let &[batch, found, height, width] = x.shape() else {
            let (op, operand, shape) = ("darknet", "input", x.shape().to_vec());
            return Err(ShapeError::Rank { op, operand, shape, expected: "four: N C H W" }.into());
        };
        if found != channels {
            return Err(Error::Option {
                layer: "Darknet".to_owned(),
                option: "channels",
                value: found.to_string(),
                hint: "the input has as many as `channels` of [net]",
            });
        }
        if pass.is_training() && !pass.is_recomputing() {
            self.seen.fetch_add(i64::try_from(batch).unwrap_or(0), Ordering::Relaxed);
        }
        let mut kept: Vec<Option<Var>> = Vec::with_capacity(self.blocks.len());
        let mut values = Values::new();
        let (mut boxes, mut scores) = (Vec::new(), Vec::new());
        for (at, block) in self.blocks.iter().enumerate() {
            let before = kept.last().and_then(Option::as_ref).unwrap_or(x);
            let output = |from: usize| {
                let found = kept.get(from).and_then(Option::as_ref);
                found.ok_or_else(|| Error::MissingValue {
                    name: format!("layers.{from}"),
                    there: at.to_string(),
                })
            };
            let y = block.forward(before, output, pass)?;
            if let Kind::Yolo(yolo) = &self.network.layers[at].kind {
                if self.decodes() && !pass.is_training() {
                    let [more, their] = decode(&y, yolo, [height, width])?;
                    boxes.push(more);
                    scores.push(their);
                }
                values.insert(port(at), y.clone());
            }
            kept.push(Some(y));
            for (from, value) in kept.iter_mut().enumerate() {
                if self.last[from] <= at {
                    *value = None;
                }
            }
        }
        if values.is_empty() {
            let y = kept.pop().flatten().unwrap_or_else(|| x.clone());
            values.insert(OUTPUT, if y.shape()[2..] == [1, 1] { y.flatten(1)? } else { y });
        }
        for (name, parts) in [(BOXES, boxes), (SCORES, scores)] {
            match &parts[..] {
                [] => {}
                [one] => drop(values.insert(name, one.clone())),
                several => drop(values.insert(name, Var::concat(&several.iter().collect::<Vec<_>>(), 1)?)),
            }
        }
        Ok(values)
    }
}
