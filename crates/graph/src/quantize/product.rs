//! A convolution or linear layer, and its weight by channel.

use tilewright_tensor::Tensor;

use super::{plan::Form, plan::form, scheme::Scheme};
use crate::{Graph, Node, Result};

/// A convolution or linear layer that has a form in bytes.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub weight: Vec<f32>,
    pub bias: Option<Vec<f32>>,
    pub outputs: usize,
    /// Of all groups.
    pub inputs: usize,
    groups: usize,
    /// Numbers for one input and one output.
    taps: usize,
    /// Whether the inputs are the rows of the weight.
    by_inputs: bool,
}

impl Product {
    /// The node's shape, without its numbers, if it is one.
    pub fn find(graph: &Graph, node: &Node, scheme: &Scheme) -> Option<Self> {
        let shape = |at: usize| &graph[node.inputs[at]].shape[..];
        let (bias, outputs, inputs, groups, taps, by_inputs) = match form(graph, node, scheme) {
            Ok(Form::Conv2d { op, bias, .. }) => {
                let [o, i, h, w] = *shape(1) else { return None };
                (bias, o, i * op.groups, op.groups, h * w, false)
            }
            Ok(Form::Linear { transposed, bias, .. }) => {
                let [rows, columns] = *shape(1) else { return None };
                let (o, i) = if transposed { (rows, columns) } else { (columns, rows) };
                (bias, o, i, 1, 1, !transposed)
            }
            _ => return None,
        };
        let (weight, bias) = (Vec::new(), bias.then(Vec::new));
        Some(Self { weight, bias, outputs, inputs, groups, taps, by_inputs })
    }

    /// The node's numbers, if it is one.
    ///
    /// # Errors
    /// Those of reading them.
    pub fn read(graph: &Graph, node: &Node, scheme: &Scheme) -> Result<Option<Self>> {
        let Some(product) = Self::find(graph, node, scheme) else { return Ok(None) };
        let numbers = |at: usize| match &graph[node.inputs[at]].constant {
            Some(tensor) => Tensor::to_vec::<f32>(tensor),
            None => Ok(Vec::new()),
        };
        let bias = product.bias.map(|_| numbers(2)).transpose()?;
        Ok(Some(Self { weight: numbers(1)?, bias, ..product }))
    }

    /// The places of an output channel's numbers.
    pub fn of_output(&self, output: usize) -> impl Iterator<Item = usize> + use<> {
        let each = self.inputs / self.groups.max(1) * self.taps;
        let (first, step) = if self.by_inputs { (output, self.outputs) } else { (output * each, 1) };
        (0..each).map(move |at| first + at * step)
    }

    /// The places of the numbers by which an input channel is multiplied.
    pub fn of_input(&self, input: usize) -> impl Iterator<Item = usize> + use<> {
        let (inputs, outputs) = (self.inputs / self.groups.max(1), self.outputs / self.groups.max(1));
        let (group, within) = (input / inputs.max(1), input % inputs.max(1));
        let (taps, by_inputs) = (self.taps, self.by_inputs);
        (0..outputs * taps).map(move |at| {
            let (output, tap) = (group * outputs + at / taps, at % taps);
            if by_inputs { input * outputs + output } else { (output * inputs + within) * taps + tap }
        })
    }

    /// The largest magnitude at these places.
    pub fn most(&self, places: impl Iterator<Item = usize>) -> f32 {
        places.fold(0.0, |most: f32, at| most.max(self.weight[at].abs()))
    }

    /// The weight with the numbers of each output channel together.
    pub fn rows(&self) -> Vec<f32> {
        (0..self.outputs).flat_map(|output| self.of_output(output)).map(|at| self.weight[at]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_their_places() {
        let product = |outputs, inputs, groups, taps, by_inputs| Product {
            weight: (0..outputs * inputs / groups * taps).map(|at| at as f32).collect(),
            bias: None,
            outputs,
            inputs,
            groups,
            taps,
            by_inputs,
        };
        // Two groups of two outputs and three inputs each, with two taps.
        let grouped = product(4, 6, 2, 2, false);
        assert_eq!(grouped.of_output(1).collect::<Vec<_>>(), [6, 7, 8, 9, 10, 11]);
        assert_eq!(grouped.of_input(4).collect::<Vec<_>>(), [14, 15, 20, 21]);
        assert_eq!(grouped.rows(), grouped.weight);
        let linear = product(2, 3, 1, 1, true);
        assert_eq!(linear.rows(), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        assert_eq!(linear.of_input(1).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(linear.most(linear.of_output(0)), 4.0);
    }
}
