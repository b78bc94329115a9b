//! The numbers of a network in bytes, apart from any graph: what a file keeps of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tilewright_tensor::Tensor;

use super::scale::Scale;
use crate::{Error, Graph, Result};

/// The numbers of a network in bytes, by the names of its layers.
///
/// Together with the network in f32, whose weights do not matter, they are the network in bytes again ([`Self::apply`]), for
/// any number of samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// Layers that could compute with bytes and were to stay in f32.
    pub keep: BTreeSet<String>,
    /// Whether equal channels made a ReLU of each ReLU6 between two layers.
    pub relu6_as_relu: bool,
    /// Scale and zero point of each value that is bytes, by the layer that gives it or by the name of the input.
    pub activations: BTreeMap<String, Scale>,
    /// Weights and biases of convolutions and linear layers.
    pub products: BTreeMap<String, Product>,
    /// Constants of the layers in f32, by the layer and the operand's number.
    pub constants: BTreeMap<(String, usize), Constant>,
}

/// The weight of a convolution or linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Output channels first, as a convolution's: a linear layer has two axes of extent 1 behind.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub numbers: Vec<i8>,
    /// What a step is, for each output channel.
    pub scales: Vec<f32>,
    /// In steps of x's scale times the weight's, where there is one.
    pub bias: Option<Vec<i32>>,
}

/// Numbers with a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// The shape.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub numbers: Vec<f32>,
}

impl Parameters {
    pub(super) fn product(&self, key: &str, shape: &[usize], bias: bool) -> Result<&Product> {
        let fault = |what: String| {
            Err(Error::Calibration { what: format!("{what}; these are the numbers of another network") })
        };
        let Some(product) = self.products.get(key) else {
            return fault(format!("the layer `{key}` has no weight in bytes"));
        };
        let outputs = shape.first().copied().unwrap_or_default();
        let numbers = shape.iter().product::<usize>();
        let biases = product.bias.as_ref().map(Vec::len);
        if product.shape != shape
            || product.numbers.len() != numbers
            || product.scales.len() != outputs
            || biases.is_some_and(|biases| biases != outputs)
            // A corrected layer has a bias where it had none.
            || (bias && biases.is_none())
        {
            return fault(format!(
                "the layer `{key}` has a weight of shape {shape:?}{}, and its numbers are {} of shape {:?} with {} scales and {} biases",
                if bias { " with a bias" } else { "" },
                product.numbers.len(),
                product.shape,
                product.scales.len(),
                biases.unwrap_or_default()
            ));
        }
        if let Some(wrong) = product.scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            return Err(Error::Calibration {
                what: format!("the layer `{key}` has a weight scale of {wrong}; scales are positive numbers"),
            });
        }
        Ok(product)
    }

    /// The constant that takes the place of a layer's in f32.
    pub(super) fn constant(
        &self,
        graph: &Graph,
        key: &str,
        at: usize,
        own: &Tensor,
    ) -> Result<Option<Tensor>> {
        let Some(constant) = self.constants.get(&(key.to_owned(), at)) else { return Ok(None) };
        if constant.shape != own.shape() || constant.numbers.len() != own.count() {
            let what = format!(
                "operand {at} of the layer `{key}` has shape {:?} and its numbers {:?}; these are the numbers of another network, or of inputs of another size",
                own.shape(),
                constant.shape
            );
            return Err(Error::Calibration { what });
        }
        Ok(Some(Tensor::from_slice(graph.context(), &constant.numbers, &constant.shape)?))
    }
}

/// A name for each node that no other has: its own, with a number where that is not its alone.
pub(super) fn keys(graph: &Graph) -> Vec<String> {
    let mut met: HashMap<&str, usize> = HashMap::new();
    let key =
        |name: &'_ str, count: usize| if count == 1 { name.to_owned() } else { format!("{name}#{count}") };
    let mut keys = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let count = met.entry(&node.name).or_default();
        *count += 1;
        keys.push(key(&node.name, *count));
    }
    keys
}
