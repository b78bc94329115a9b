//! What a network takes: memory by its plan, and the time of each layer.

use std::collections::BTreeMap;

use serde::Serialize;
use tilewright_graph::{Compiled, Port};
use tilewright_tensor::Tensor;

use crate::{commands::times::by_node, error::Result};

/// Runs of which each launch's median is shown.
const RUNS: usize = 3;

/// Bytes are those of the plan.
#[derive(Debug, Default, Serialize)]
pub struct Costs {
    /// Bytes of weights, biases and multipliers as launches read them: packed and padded.
    pub weights: u64,
    /// Bytes of activations: one request has so many, each place for several.
    pub activations: u64,
    /// The same if each activation had a place of its own.
    pub unshared: u64,
    /// Bytes of inputs and outputs.
    pub ports: u64,
    /// Launches of a run.
    pub launches: usize,
    /// Milliseconds of each layer, by name; empty where the device does not say times.
    #[serde(skip)]
    pub times: BTreeMap<String, f64>,
}

impl Costs {
    /// Of a network, timed on a batch.
    pub fn measure(compiled: &Compiled, batch: Option<&Tensor>) -> Result<Self> {
        let plan = compiled.plan();
        let bytes = |port: &Port| (port.shape.iter().product::<usize>() * port.dtype.size()) as u64;
        let times = match batch {
            Some(batch) => times(compiled, batch)?,
            None => BTreeMap::new(),
        };
        Ok(Self {
            weights: plan.constants(),
            activations: plan.memory().bytes(),
            unshared: plan.memory().unshared,
            ports: compiled.inputs().iter().chain(compiled.outputs()).map(bytes).sum(),
            launches: plan.len(),
            times,
        })
    }
}

fn times(compiled: &Compiled, batch: &Tensor) -> Result<BTreeMap<String, f64>> {
    let context = compiled.context();
    let mut profiles = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        if context.start_profile().is_err() {
            return Ok(BTreeMap::new());
        }
        let ran = compiled.run(&[batch]);
        profiles.push(context.finish_profile()?);
        ran?;
    }
    let mut times = BTreeMap::new();
    for (node, (_, milliseconds)) in by_node(compiled, &profiles) {
        *times.entry(layer(&node).to_owned()).or_default() += milliseconds;
    }
    Ok(times)
}

/// What is beside a layer: steps to bytes and back, changes of shape, and what was fused into it.
const BESIDE: [&str; 6] = ["quantize", "dequantize", "rows", "shape", "pool", "activation"];

/// The layer to which a node belongs.
pub fn layer(node: &str) -> &str {
    match node.rsplit_once('/') {
        Some((layer, part)) if BESIDE.contains(&part) => layer,
        _ => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beside_a_layer_belongs_to_it() {
        assert_eq!(["fc/dequantize", "a/b", "conv1"].map(layer), ["fc", "a/b", "conv1"]);
    }
}
