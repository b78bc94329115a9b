//! What each layer costs when it alone is bytes.

use serde::Serialize;
use tilewright_ops::DType;
use tilewright_tensor::Tensor;

use super::{
    calibration::Calibration,
    convert::{Converted, convert},
    decibels::decibels,
    product::Product,
    writer::Origin,
};
use crate::{Compiled, Graph, Options, Result};

/// A layer, and the outputs of the network in which it alone computes with bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensitivity {
    /// The layer's name.
    pub node: String,
    /// The power of the outputs in f32 by that of the error, in decibels.
    pub decibels: f64,
}

impl Calibration {
    /// Every convolution and linear layer alone in bytes, all others in f32, on a batch: the most sensitive one first. The network
    /// is run once for each of them; ranges, packed weights and kernels are those that are there already.
    ///
    /// # Errors
    /// Those of [`Self::convert`] and of running.
    pub fn sensitivity(&self, inputs: &[&Tensor]) -> Result<Vec<Sensitivity>> {
        let real = outputs(&self.graph, inputs)?;
        let (scales, corrections) = (self.scales()?, self.corrections());
        let mut found = Vec::new();
        for node in self.graph.nodes() {
            if Product::find(&self.graph, node, &self.scheme).is_none() {
                continue;
            }
            let mut scheme = self.scheme.clone();
            scheme.keep = self.layers().into_iter().map(str::to_owned).collect();
            scheme.keep.remove(&node.name);
            let Converted { graph, .. } = convert(&self.graph, &scheme, &scales, &Origin::Own(&corrections))?;
            let bytes = outputs(&graph, inputs)?;
            found.push(Sensitivity { node: node.name.clone(), decibels: decibels(&real, &bytes) });
        }
        found.sort_by(|a, b| a.decibels.total_cmp(&b.decibels));
        Ok(found)
    }
}

/// The numbers of all outputs of f32, one behind the other.
fn outputs(graph: &Graph, inputs: &[&Tensor]) -> Result<Vec<f32>> {
    // What is there is optimised.
    let compiled = Compiled::new(graph, &Options { optimize: false, ..Options::default() })?;
    let mut numbers = Vec::new();
    for output in compiled.run(inputs)?.iter().filter(|output| output.dtype() == DType::F32) {
        numbers.extend(output.to_vec::<f32>()?);
    }
    Ok(numbers)
}
