//! Bias correction: what rounding a weight adds to the mean of each output channel (Nagel et al., arXiv 1906.04721, section 4.2;
//! Finkelstein et al., arXiv 1906.03193, measure it as is done here).

use std::collections::HashMap;

use tilewright_ops::{Op, ReduceOp};
use tilewright_tensor::Tensor;

use super::{product::Product, scheme::Scheme, weights};
use crate::{Graph, Result, Rewriter, ValueId};

/// The mean error of each output channel, for each layer.
pub(super) struct Errors {
    /// The layer's result, and what its channels were off by in all batches together.
    sums: Vec<(ValueId, Vec<f64>)>,
}

impl Errors {
    /// Writes, beside each layer, what its weight is off by applied to the same x, and its mean by channel; gives the means.
    ///
    /// # Errors
    /// Those of reading weights.
    pub fn watch(
        graph: &Graph,
        rewriter: &mut Rewriter<'_>,
        scheme: &Scheme,
    ) -> Result<(Self, Vec<ValueId>)> {
        let (mut sums, mut means) = (Vec::new(), Vec::new());
        for node in graph.nodes().iter().filter(|_| scheme.correct_bias) {
            let Some(product) = Product::read(graph, node, scheme)? else { continue };
            let shape = &graph[node.inputs[1]].shape;
            let wrong = Tensor::from_slice(graph.context(), &off(&product, scheme), shape)?;
            let inputs = [rewriter.value(node.inputs[0]), rewriter.constant(wrong)];
            let (op, axes) = match &node.op {
                Op::Conv2d { op, .. } => {
                    let op =
                        Op::Conv2d { op: *op, bias: false, residual: false, activation: None, pool: None };
                    (op, vec![0, 2, 3])
                }
                Op::MatMul { op, .. } => {
                    let op = Op::MatMul { op: *op, bias: false, residual: false, activation: None };
                    (op, (0..graph[node.output()].shape.len() - 1).collect())
                }
                _ => continue,
            };
            let error = rewriter.push(format!("{}/error", node.name), op, &inputs)?;
            let mean = Op::Reduce { op: ReduceOp::Mean, axes, keepdim: false };
            means.push(rewriter.push(format!("{}/mean error", node.name), mean, &[error])?);
            sums.push((node.output(), vec![0.0; product.outputs]));
        }
        Ok((Self { sums }, means))
    }

    /// Sees the means of a batch.
    pub fn see(&mut self, means: &[Vec<f32>]) {
        for ((_, sums), means) in self.sums.iter_mut().zip(means) {
            sums.iter_mut().zip(means).for_each(|(sum, &mean)| *sum += f64::from(mean));
        }
    }

    /// What is to be taken off the bias of each layer, by its result, after so many batches.
    pub fn corrections(&self, batches: usize) -> HashMap<ValueId, Vec<f32>> {
        let mean = |sum: &f64| (sum / batches.max(1) as f64) as f32;
        self.sums.iter().map(|(id, sums)| (*id, sums.iter().map(mean).collect())).collect()
    }
}

/// The weight after rounding less the weight, where it lies.
fn off(product: &Product, scheme: &Scheme) -> Vec<f32> {
    let rounded = weights::bytes(&product.rows(), product.outputs, scheme.weights);
    let mut off = vec![0.0; product.weight.len()];
    let mut numbers = rounded.numbers.iter();
    for (output, scale) in rounded.scales.iter().enumerate() {
        for (at, &number) in product.of_output(output).zip(&mut numbers) {
            off[at] = f32::from(number) * scale - product.weight[at];
        }
    }
    off
}
