//! Convolutions and linear layers with their weights, and the batch normalisations that are folded into them.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use tilewright_autograd::Var;
use tilewright_graph::{
    Graph, Node, ValueId,
    quantize::{Norm, Training},
};
use tilewright_ops::{BatchNorm, BinaryOp, Conv2d, FakeQuantize, Op, ReduceOp, UnaryOp};
use tilewright_tensor::{Tensor, ops::normalization::BatchNormCall};

use super::scales::positive;
use crate::{error::Result, init::Init, parameter::Parameter, pass::Pass, store::Scope};

/// A node whose weight is learnt.
pub(super) struct Product {
    weight: Learnt,
    bias: Option<Learnt>,
    norm: Option<NormParameters>,
    /// Where the weight is rounded as i8: along which axis its channels are, their zero points, and 127.
    rounding: Option<(usize, Tensor, Tensor)>,
}

/// A constant of the graph, and the parameter that takes its place.
struct Learnt {
    constant: ValueId,
    parameter: Arc<Parameter>,
}

/// A batch normalisation behind the convolution.
struct NormParameters {
    op: BatchNorm,
    /// The convolution's own bias.
    bias: Option<Arc<Parameter>>,
    gamma: Arc<Parameter>,
    beta: Arc<Parameter>,
    mean: Arc<Parameter>,
    var: Arc<Parameter>,
    batches: Arc<AtomicI64>,
}

/// How weights are taken in a pass.
#[derive(Clone, Copy)]
pub(super) struct Mode {
    /// Whether they are rounded.
    pub rounds: bool,
    /// Whether statistics stay.
    pub frozen: bool,
}

/// Makes parameters under the paths that networks have.
pub(super) struct Maker<'a> {
    scope: &'a Scope,
    taken: HashSet<String>,
    /// By the memory of the constants: what is read twice is one parameter.
    made: Vec<(Tensor, Arc<Parameter>)>,
}

impl<'a> Maker<'a> {
    pub fn new(scope: &'a Scope) -> Self {
        Self { scope, taken: HashSet::new(), made: Vec::new() }
    }

    /// The node's weights as parameters; `None` if it has none.
    pub fn product(&mut self, training: &Training, at: usize) -> Result<Option<Product>> {
        let (graph, node) = (training.graph(), &training.graph().nodes()[at]);
        let constant = |at: usize| {
            let id = *node.inputs.get(at)?;
            Some((id, graph[id].constant.clone()?))
        };
        let (axis, has_bias) = match &node.op {
            Op::Conv2d { bias, .. } => (0, *bias),
            Op::MatMul { op, bias, .. } => (usize::from(!op.transpose_right), *bias),
            _ => return Ok(None),
        };
        let Some((weight_id, weight)) = constant(1).filter(|(_, weight)| weight.rank() >= 2) else {
            return Ok(None);
        };
        let bias = if has_bias { constant(2) } else { None };
        let norm = training.norm_of(at);
        let name = norm.map_or(&node.name, |norm| &norm.conv);
        let parameter = self.parameter(name, "weight", norm.map_or(&weight, |norm| &norm.weight))?;
        let learnt_bias = match (&bias, norm) {
            (Some((id, bias)), None) => {
                Some(Learnt { constant: *id, parameter: self.parameter(name, "bias", bias)? })
            }
            // The parameter of the folded bias is β; its constant is what is replaced.
            (Some((id, _)), Some(norm)) => Some(Learnt {
                constant: *id,
                parameter: self.parameter(&norm.name, "bias", &norm.statistics[1])?,
            }),
            (None, _) => None,
        };
        let norm = match (norm, &learnt_bias) {
            (Some(norm), Some(beta)) => Some(self.norm(norm, beta.parameter.clone())?),
            _ => None,
        };
        let rounding = training.is_int8(at).then(|| -> Result<_> {
            let (context, channels) = (weight.context(), weight.shape()[axis]);
            let zeros = Tensor::from_slice(context, &vec![0i32; channels], &[channels])?;
            Ok((axis, zeros, Tensor::full(context, 127.0, &[])?))
        });
        let weight = Learnt { constant: weight_id, parameter };
        Ok(Some(Product { weight, bias: learnt_bias, norm, rounding: rounding.transpose()? }))
    }

    fn norm(&mut self, norm: &Norm, beta: Arc<Parameter>) -> Result<NormParameters> {
        let Norm { conv, name, op, bias, statistics: [gamma, _, mean, var], .. } = norm;
        let bias = bias.as_ref().map(|bias| self.parameter(conv, "bias", bias)).transpose()?;
        let gamma = self.parameter(name, "weight", gamma)?;
        let [mean, var] = [("running_mean", mean), ("running_var", var)].map(|(what, value)| {
            let path = self.path(name, what);
            let buffer = self.scope.buffer(&path, value.shape(), Init::Constant(0.0))?;
            buffer.set(value.clone())?;
            Ok::<_, crate::Error>(buffer)
        });
        let path = self.path(name, "num_batches_tracked");
        Ok(NormParameters {
            op: *op,
            bias,
            gamma,
            beta,
            mean: mean?,
            var: var?,
            batches: self.scope.counter(&path)?,
        })
    }

    fn parameter(&mut self, name: &str, what: &str, value: &Tensor) -> Result<Arc<Parameter>> {
        let same = |other: &Tensor| other.buffer().same(value.buffer()) && other.shape() == value.shape();
        if let Some((_, made)) = self.made.iter().find(|(other, _)| same(other)) {
            return Ok(made.clone());
        }
        let path = self.path(name, what);
        let parameter = self.scope.parameter(&path, value.shape(), Init::Constant(0.0))?;
        parameter.set(value.clone())?;
        self.made.push((value.clone(), parameter.clone()));
        Ok(parameter)
    }

    /// A path that nothing has yet: names of nodes need not differ.
    fn path(&mut self, name: &str, what: &str) -> String {
        let free = |path: &String| !self.taken.contains(path);
        let numbered = (2..).map(|number| format!("{name}_{number}.{what}"));
        let path = [format!("{name}.{what}")].into_iter().chain(numbered).find(free).unwrap_or_default();
        self.taken.insert(path.clone());
        path
    }
}

impl Product {
    /// Runs the node: `x` are its operands, of which weight and bias are not read, and `x_scale` is the scale of the first where that is
    /// rounded.
    pub fn run(&self, op: &Op, x: &[&Var], x_scale: Option<&Tensor>, pass: &Pass, mode: Mode) -> Result<Var> {
        let by_batch = |norm: &&NormParameters| pass.is_training() && !mode.frozen && norm.mean.is_tracked();
        if let (Some(norm), Op::Conv2d { op, residual, activation, .. }) =
            (self.norm.as_ref().filter(by_batch), op)
        {
            let residual = residual.then(|| x[x.len() - 1]);
            return self.run_by_batch(norm, op, x[0], (residual, *activation), pass, mode);
        }
        let (weight, bias) = self.folded(pass)?;
        let (weight, scale) = self.rounded(&weight, mode)?;
        let bias = match (bias, scale, x_scale) {
            (Some(bias), Some(scale), Some(x_scale)) => Some(whole_steps(&bias, &scale.mul(x_scale)?)?),
            (bias, ..) => bias,
        };
        let mut operands = x.to_vec();
        operands[1] = &weight;
        if let Some(bias) = &bias {
            operands[2] = bias;
        }
        Ok(Var::run_one(op, &operands)?)
    }

    /// As PyTorch's `ConvBn2d` computes it: the weight is rounded as folded with the running statistics, and what comes out is taken
    /// back and normalised by the batch. Scales follow from each channel's own weights, so that rounding what a channel's factor was
    /// multiplied with, and dividing by it then, is to round the weight itself.
    fn run_by_batch(
        &self,
        norm: &NormParameters,
        op: &Conv2d,
        x: &Var,
        (residual, activation): (Option<&Var>, Option<UnaryOp>),
        pass: &Pass,
        mode: Mode,
    ) -> Result<Var> {
        let (weight, _) = self.rounded(&self.weight.parameter.var(pass)?, mode)?;
        let bias = norm.bias.as_ref().map(|bias| bias.var(pass)).transpose()?;
        let y = x.conv2d(&weight, bias.as_ref(), op)?;
        let (gamma, beta) = (norm.gamma.var(pass)?, norm.beta.var(pass)?);
        let call = BatchNormCall { op: norm.op, activation: activation.filter(|_| residual.is_none()) };
        let trained = y.batch_norm_train(&gamma, &beta, &norm.mean.tensor()?, &norm.var.tensor()?, call)?;
        if !pass.is_recomputing() {
            norm.mean.set(trained.running_mean)?;
            norm.var.set(trained.running_var)?;
            norm.batches.fetch_add(1, Ordering::Relaxed);
        }
        match residual {
            Some(residual) => {
                let add = Op::Binary { op: BinaryOp::Add, activation };
                Ok(Var::run_one(&add, &[&trained.y, residual])?)
            }
            None => Ok(trained.y),
        }
    }

    /// Weight and bias as the graph has them: with s = γ / √(σ² + ε), s · w and (b − μ) · s + β.
    fn folded(&self, pass: &Pass) -> Result<(Var, Option<Var>)> {
        let weight = self.weight.parameter.var(pass)?;
        let Some(norm) = &self.norm else {
            let bias = self.bias.as_ref().map(|bias| bias.parameter.var(pass)).transpose()?;
            return Ok((weight, bias));
        };
        let (mean, var) = (norm.mean.tensor()?, norm.var.tensor()?);
        let inverse = var.unary(UnaryOp::AddScalar { value: norm.op.eps })?.unary(UnaryOp::Rsqrt)?;
        let scale = norm.gamma.var(pass)?.mul(&Var::constant(inverse))?;
        let column = scale.reshape(&[mean.count() as isize, 1, 1, 1])?;
        let centred = match &norm.bias {
            Some(bias) => bias.var(pass)?.sub(&Var::constant(mean))?,
            None => Var::constant(mean.unary(UnaryOp::Neg)?),
        };
        Ok((weight.mul(&column)?, Some(centred.mul(&scale)?.add(&norm.beta.var(pass)?)?)))
    }

    /// The weight in steps of its channels' largest magnitudes, of which i8 has 127; and these steps.
    fn rounded(&self, weight: &Var, mode: Mode) -> Result<(Var, Option<Tensor>)> {
        let Some((axis, zeros, most)) = self.rounding.as_ref().filter(|_| mode.rounds) else {
            return Ok((weight.clone(), None));
        };
        let w = weight.tensor();
        let others: Vec<_> = (0..w.rank()).filter(|other| other != axis).collect();
        let largest = w.unary(UnaryOp::Abs)?.reduce(ReduceOp::Max, &others, false)?;
        let scale = positive(&largest.binary(BinaryOp::Div, most)?)?;
        let by = Var::constant(scale.clone());
        Ok((weight.fake_quantize(FakeQuantize::weight(*axis), &by, zeros)?, Some(scale)))
    }

    /// The graph's constants as they are now.
    pub fn constants(&self, into: &mut HashMap<ValueId, Tensor>) -> Result<()> {
        let (weight, bias) = self.folded(&Pass::eval())?;
        into.insert(self.weight.constant, weight.tensor().clone());
        if let (Some(learnt), Some(bias)) = (&self.bias, bias) {
            into.insert(learnt.constant, bias.tensor().clone());
        }
        Ok(())
    }
}

/// A bias in whole steps, straight through: what is added to integer sums.
fn whole_steps(bias: &Var, steps: &Tensor) -> Result<Var> {
    let b = bias.tensor();
    let rounded = b.binary(BinaryOp::Div, steps)?.unary(UnaryOp::Round)?.mul(steps)?;
    Ok(bias.add(&Var::constant(rounded.sub(b)?))?)
}

/// The operation of a node where the batch is another than the one that was captured.
pub(super) fn for_batch(graph: &Graph, node: &Node, captured: usize, found: usize) -> Op {
    let leads = node.inputs.first().and_then(|&id| graph[id].shape.first()) == Some(&captured);
    let mut op = node.op.clone();
    match &mut op {
        Op::Reshape(shape) | Op::Expand(shape) if leads && shape.first() == Some(&captured) => {
            shape[0] = found
        }
        Op::Slice(ranges) if leads && ranges.first().is_some_and(|range| range.end == captured) => {
            ranges[0].end = found;
        }
        _ => {}
    }
    op
}
