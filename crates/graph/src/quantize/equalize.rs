//! Cross-layer equalisation (Nagel et al., arXiv 1906.04721, section 4.1).
//!
//! ReLU(s·x) = s·ReLU(x) for s > 0: channel i between two layers may be divided by any `s_i` in the first one's weight and bias
//! and multiplied by it in the second one's weight. With the largest magnitudes `r1_i` and `r2_i` of the channel's weights in
//! both, `s_i = sqrt(r1_i · r2_i) / r2_i` makes both `sqrt(r1_i · r2_i)`.

use std::collections::{HashMap, HashSet};

use tilewright_ops::{Op, ReduceOp, UnaryOp};
use tilewright_tensor::Tensor;

use super::{product::Product, scheme::Equalization, scheme::Scheme};
use crate::{Graph, Node, Result, Rewriter, ValueId};

/// Rounds over all pairs at the most; a network of depthwise convolutions needs about ten.
const ROUNDS: usize = 40;
/// A round in which no channel changes by more than this share is the last.
const STILL: f32 = 1e-3;

/// The graph with equal channels, and the number of pairs of layers whose channels were made alike.
///
/// # Errors
/// Those of reading weights.
pub(super) fn equalize(graph: &Graph, how: Equalization) -> Result<(Graph, usize)> {
    if how == Equalization::Off {
        return Ok((graph.clone(), 0));
    }
    let all = Scheme::default();
    let mut products: HashMap<usize, Product> = HashMap::new();
    for (at, node) in graph.nodes().iter().enumerate() {
        if let Some(product) = Product::read(graph, node, &all)? {
            products.insert(at, product);
        }
    }
    let pairs = pairs(graph, &products, how);
    for _ in 0..ROUNDS {
        let mut change: f32 = 1.0;
        for &(first, second) in &pairs {
            change = change.max(alike(&mut products, first, second));
        }
        if change < 1.0 + STILL {
            break;
        }
    }
    let firsts: HashSet<usize> = pairs.iter().map(|(first, _)| *first).collect();
    let changed: HashSet<usize> = pairs.iter().flat_map(|&(first, second)| [first, second]).collect();
    let mut rewriter = Rewriter::new(graph);
    for (at, node) in graph.nodes().iter().enumerate() {
        let Some(product) = products.get(&at).filter(|_| changed.contains(&at)) else {
            rewriter.keep(node)?;
            continue;
        };
        let mut inputs: Vec<ValueId> = node.inputs.iter().map(|&id| rewriter.value(id)).collect();
        let constants = [(1, Some(&product.weight)), (2, product.bias.as_ref())];
        for (place, numbers) in constants {
            if let Some(numbers) = numbers {
                let shape = &graph[node.inputs[place]].shape;
                inputs[place] = rewriter.constant(Tensor::from_slice(graph.context(), numbers, shape)?);
            }
        }
        let op = if firsts.contains(&at) { without_relu6(&node.op) } else { node.op.clone() };
        let y = rewriter.push(node.name.clone(), op, &inputs)?;
        rewriter.replace(node.output(), y);
    }
    Ok((rewriter.finish(), pairs.len()))
}

/// Pairs of layers, by their nodes' numbers, where the second alone reads what the first gives.
fn pairs(graph: &Graph, products: &HashMap<usize, Product>, how: Equalization) -> Vec<(usize, usize)> {
    let uses = graph.uses();
    let alone = |id: ValueId| uses.get(&id) == Some(&1);
    // A weight that several layers share would be changed for all of them.
    let own = |node: &Node| node.inputs[1..].iter().all(|&id| graph[id].constant.is_none() || alone(id));
    let mut pairs = Vec::new();
    for (at, node) in graph.nodes().iter().enumerate() {
        let Some(first) = products.get(&at) else { continue };
        let (activation, residual) = match node.op {
            Op::Conv2d { activation, residual, .. } | Op::MatMul { activation, residual, .. } => {
                (activation, residual)
            }
            _ => continue,
        };
        let passes = match activation {
            None | Some(UnaryOp::Relu) => true,
            Some(UnaryOp::Relu6) => how == Equalization::Relu6AsRelu,
            _ => false,
        };
        if residual || !passes || !own(node) {
            continue;
        }
        let mut id = node.output();
        let reader = loop {
            let found = graph.nodes().iter().enumerate().find(|(_, reader)| reader.inputs.contains(&id));
            let Some((reader, found)) = found.filter(|_| alone(id)) else { break None };
            if products.contains_key(&reader) {
                break (found.inputs[0] == id && own(found)).then_some(reader);
            }
            if !channel_by_channel(graph, found) {
                break None;
            }
            id = found.output();
        };
        if let Some(second) = reader.filter(|second| products[second].inputs == first.outputs) {
            pairs.push((at, second));
        }
    }
    pairs
}

/// Whether a node multiplies each of its channels by a number where its operand's is.
fn channel_by_channel(graph: &Graph, node: &Node) -> bool {
    let shape = &graph[node.inputs[0]].shape[..];
    match &node.op {
        Op::MaxPool2d { indices: false, .. } | Op::AvgPool2d(_) | Op::AdaptiveAvgPool2d(_) => true,
        Op::Unary(UnaryOp::Relu | UnaryOp::LeakyRelu { .. }) => true,
        Op::Reduce { op: ReduceOp::Mean, axes, .. } => axes[..] == [2, 3],
        Op::Reshape(to) => matches!(*shape, [n, c, 1, 1] if to[..] == [n, c]),
        _ => false,
    }
}

/// Makes the channels of a pair alike, and says by which factor the one was changed that was changed most.
fn alike(products: &mut HashMap<usize, Product>, first: usize, second: usize) -> f32 {
    let mut most: f32 = 1.0;
    let channels = products[&first].outputs;
    let factors: Vec<f32> = (0..channels)
        .map(|channel| {
            let (a, b) = (&products[&first], &products[&second]);
            let (r1, r2) = (a.most(a.of_output(channel)), b.most(b.of_input(channel)));
            let factor = (r1 / r2).sqrt();
            // A channel of zeros has no range.
            if factor.is_normal() { factor } else { 1.0 }
        })
        .collect();
    for &factor in &factors {
        most = most.max(factor).max(1.0 / factor);
    }
    if let Some(first) = products.get_mut(&first) {
        for (channel, factor) in factors.iter().enumerate() {
            first.of_output(channel).for_each(|at| first.weight[at] /= factor);
            first.bias.iter_mut().for_each(|bias| bias[channel] /= factor);
        }
    }
    if let Some(second) = products.get_mut(&second) {
        for (channel, factor) in factors.iter().enumerate() {
            second.of_input(channel).for_each(|at| second.weight[at] *= factor);
        }
    }
    most
}

/// The operation with a ReLU for a ReLU6.
fn without_relu6(op: &Op) -> Op {
    let mut op = op.clone();
    if let Op::Conv2d { activation, .. } | Op::MatMul { activation, .. } = &mut op
        && *activation == Some(UnaryOp::Relu6)
    {
        *activation = Some(UnaryOp::Relu);
    }
    op
}
