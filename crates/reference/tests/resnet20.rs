//! A whole network made of reference functions against PyTorch: inference, the gradient of every parameter, and the
//! parameters after twenty training steps. It also keeps the goldens themselves honest.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use tilewright_ops::{AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, CrossEntropy, Sgd, UnaryOp};
use tilewright_reference::compare::{compare, relative_error};
use tilewright_reference::golden::{self, Case};
use tilewright_reference::{convolution, elementwise, loss, matmul, normalization, optimizer, pooling};

const NORM: BatchNorm = BatchNorm { eps: 1e-5, momentum: 0.1 };
const POOL: AdaptiveAvgPool2d = AdaptiveAvgPool2d { output: [1, 1] };

#[derive(Clone)]
struct Tensor {
    data: Vec<f32>,
    shape: [usize; 4],
}

type State = BTreeMap<String, (Vec<f32>, Vec<usize>)>;

/// The state dict with its floating-point tensors; counts of batches are left out.
fn weights() -> State {
    let bytes = std::fs::read(golden::directory().join("resnet20_weights.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter()
        .filter(|(_, view)| view.dtype() == Dtype::F32)
        .map(|(name, view)| {
            let words = view.data().chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap()));
            (name.to_owned(), (words.collect(), view.shape().to_vec()))
        })
        .collect()
}

/// The ResNet-20 of tests/goldens/networks.py, with its gradients as they come back.
struct Network {
    state: State,
    gradients: BTreeMap<String, Vec<f32>>,
    training: bool,
}

/// A convolution with batch normalisation: what the backward pass needs.
struct ConvNorm {
    name: (String, String),
    op: Conv2d,
    x: Tensor,
    between: Tensor,
}

/// What the backward pass of a block needs.
struct Block {
    first: ConvNorm,
    first_y: Tensor,
    second: ConvNorm,
    shortcut: Option<ConvNorm>,
    sum: Tensor,
}

impl Network {
    fn new(state: State, training: bool) -> Self {
        Self { state, gradients: BTreeMap::new(), training }
    }

    fn get(&self, name: &str) -> &[f32] {
        &self.state[name].0
    }

    fn conv_norm(&mut self, conv: &str, norm: &str, x: &Tensor, stride: usize) -> (Tensor, ConvNorm) {
        let (weight, weight_shape) = &self.state[&format!("{conv}.weight")];
        let weight_shape: [usize; 4] = weight_shape[..].try_into().unwrap();
        let op = Conv2d { stride: [stride; 2], padding: [weight_shape[2] / 2; 2], ..Conv2d::default() };
        let shape = op.output_shape(x.shape, weight_shape).unwrap();
        let between = convolution::conv2d(&op, &x.data, x.shape, weight, weight_shape, None);
        let [scale, bias, mean, variance] =
            ["weight", "bias", "running_mean", "running_var"].map(|kind| self.get(&format!("{norm}.{kind}")));
        let data = if self.training {
            let result =
                normalization::batch_norm_train(&NORM, &between, &shape, scale, bias, mean, variance);
            self.state.get_mut(&format!("{norm}.running_mean")).unwrap().0 = result.running_mean;
            self.state.get_mut(&format!("{norm}.running_var")).unwrap().0 = result.running_variance;
            result.output
        } else {
            normalization::batch_norm_eval(&NORM, &between, &shape, scale, bias, mean, variance)
        };
        let name = (conv.to_owned(), norm.to_owned());
        let cache = ConvNorm { name, op, x: x.clone(), between: Tensor { data: between, shape } };
        (Tensor { data, shape }, cache)
    }

    fn conv_norm_backward(&mut self, cache: &ConvNorm, grad: &[f32]) -> Vec<f32> {
        let ConvNorm { name: (conv, norm), op, x, between } = cache;
        let scale = self.get(&format!("{norm}.weight"));
        let norm_grad =
            normalization::batch_norm_train_backward(&NORM, &between.data, &between.shape, scale, grad);
        let (weight, weight_shape) = &self.state[&format!("{conv}.weight")];
        let weight_shape: [usize; 4] = weight_shape[..].try_into().unwrap();
        let grad_x = convolution::conv2d_backward_input(op, &norm_grad.x, x.shape, weight, weight_shape);
        let grad_weight =
            convolution::conv2d_backward_weight(op, &norm_grad.x, &x.data, x.shape, weight_shape);
        self.gradients.insert(format!("{conv}.weight"), grad_weight);
        self.gradients.insert(format!("{norm}.weight"), norm_grad.weight);
        self.gradients.insert(format!("{norm}.bias"), norm_grad.bias);
        grad_x
    }

    fn block(&mut self, path: &str, x: &Tensor, stride: usize) -> (Tensor, Block) {
        let (conv, norm) = (|i| format!("{path}.conv{i}"), |i| format!("{path}.bn{i}"));
        let (first_y, first) = self.conv_norm(&conv(1), &norm(1), x, stride);
        let (y, second) = self.conv_norm(&conv(2), &norm(2), &relu(&first_y), 1);
        let (shortcut, cache) = if stride == 1 {
            (x.clone(), None)
        } else {
            let names = [0, 1].map(|i| format!("{path}.downsample.{i}"));
            let (y, cache) = self.conv_norm(&names[0], &names[1], x, stride);
            (y, Some(cache))
        };
        let data = elementwise::binary(BinaryOp::Add, &y.data, &y.shape, &shortcut.data, &y.shape);
        let sum = Tensor { data, shape: y.shape };
        (relu(&sum), Block { first, first_y, second, shortcut: cache, sum })
    }

    fn block_backward(&mut self, block: &Block, grad: &[f32]) -> Vec<f32> {
        let grad = elementwise::unary_backward(UnaryOp::Relu, &block.sum.data, grad);
        let inner = self.conv_norm_backward(&block.second, &grad);
        let inner = elementwise::unary_backward(UnaryOp::Relu, &block.first_y.data, &inner);
        let mut grad_x = self.conv_norm_backward(&block.first, &inner);
        let through = match &block.shortcut {
            None => grad,
            Some(cache) => self.conv_norm_backward(cache, &grad),
        };
        grad_x.iter_mut().zip(through).for_each(|(grad_x, through)| *grad_x += through);
        grad_x
    }

    /// The logits, and the loss where there are labels, whose gradients are then left in `gradients`.
    fn run(&mut self, x: Tensor, labels: Option<&[i32]>) -> (Vec<f32>, Option<f32>) {
        let (stem_y, stem) = self.conv_norm("conv1", "bn1", &x, 1);
        let mut y = relu(&stem_y);
        let mut blocks = Vec::new();
        for layer in 1..=3 {
            for index in 0..3 {
                let stride = if layer > 1 && index == 0 { 2 } else { 1 };
                let (next, block) = self.block(&format!("layer{layer}.{index}"), &y, stride);
                blocks.push(block);
                y = next;
            }
        }
        let [batch, channels, _, _] = y.shape;
        let features = pooling::adaptive_avg_pool2d(POOL, &y.data, y.shape);
        let (x_shape, weight_shape) = ([batch, channels], [10, channels]);
        let weight = self.get("fc.weight");
        let logits = matmul::linear(&features, x_shape, weight, weight_shape, Some(self.get("fc.bias")));
        let Some(labels) = labels else {
            return (logits, None);
        };

        let op = CrossEntropy::default();
        let value = loss::cross_entropy(&op, &logits, &[batch, 10], labels, None)[0];
        let grad = loss::cross_entropy_backward(&op, &logits, &[batch, 10], labels, None, &[1.0]);
        let (grad, grad_weight, grad_bias) =
            matmul::linear_backward(&features, x_shape, weight, weight_shape, &grad);
        self.gradients.insert("fc.weight".to_owned(), grad_weight);
        self.gradients.insert("fc.bias".to_owned(), grad_bias);
        let mut grad = pooling::adaptive_avg_pool2d_backward(POOL, &grad, y.shape);
        for block in blocks.iter().rev() {
            grad = self.block_backward(block, &grad);
        }
        let grad = elementwise::unary_backward(UnaryOp::Relu, &stem_y.data, &grad);
        self.conv_norm_backward(&stem, &grad);
        (logits, Some(value))
    }
}

fn relu(x: &Tensor) -> Tensor {
    Tensor { data: elementwise::unary(UnaryOp::Relu, &x.data), shape: x.shape }
}

fn case(name: &str) -> Case {
    golden::family("resnet20").unwrap().into_iter().find(|case| case.name == name).unwrap()
}

/// The tensors of a case whose role starts with `prefix`, by the rest of their role.
fn with_prefix<'a>(case: &'a Case, prefix: &str) -> BTreeMap<&'a str, &'a [f32]> {
    let roles = case.tensors.keys().filter_map(|role| role.strip_prefix(prefix).map(|rest| (rest, role)));
    roles.map(|(rest, role)| (rest, case.f32(role).unwrap().0)).collect()
}

fn input(case: &Case) -> Tensor {
    let (data, shape) = case.images("x").unwrap();
    Tensor { data, shape: shape.try_into().unwrap() }
}

#[test]
fn inference_is_pytorchs() {
    let case = case("eval");
    let (logits, _) = Network::new(weights(), false).run(input(&case), None);
    compare(&logits, case.f32("logits").unwrap().0, 1e-5, 1e-5).unwrap();
}

#[test]
fn every_parameter_gradient_is_pytorchs() {
    let case = case("gradients");
    let mut network = Network::new(weights(), true);
    let (logits, loss) = network.run(input(&case), Some(case.i32("target").unwrap().0));
    compare(&logits, case.f32("logits").unwrap().0, 1e-5, 1e-5).unwrap();
    compare(&[loss.unwrap()], case.f32("loss").unwrap().0, 1e-5, 0.0).unwrap();
    let expected = with_prefix(&case, "grad/");
    assert_eq!(expected.keys().collect::<Vec<_>>(), network.gradients.keys().collect::<Vec<_>>());
    for (name, expected) in expected {
        let error = relative_error(&network.gradients[name], expected);
        assert!(error < 1e-5, "{name}: {error:e}");
    }
    for (name, expected) in with_prefix(&case, "state/") {
        compare(network.get(name), expected, 1e-5, 1e-6)
            .unwrap_or_else(|mismatch| panic!("{name}: {mismatch}"));
    }
}

#[test]
fn twenty_training_steps_are_pytorchs() {
    let case = case("training");
    let number = |name: &str| case.number(name).unwrap() as f32;
    let op = Sgd {
        lr: number("lr"),
        momentum: number("momentum"),
        weight_decay: number("weight_decay"),
        ..Sgd::default()
    };
    let ((images, shape), (labels, _)) = (case.images("x").unwrap(), case.i32("target").unwrap());
    let [steps, batch, channels, height, width] = shape.try_into().unwrap();
    let shape = [batch, channels, height, width];
    let mut network = Network::new(weights(), true);
    let mut buffers: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    let mut losses = Vec::new();
    for (images, labels) in images.chunks_exact(images.len() / steps).zip(labels.chunks_exact(batch)) {
        losses.extend(network.run(Tensor { data: images.to_vec(), shape }, Some(labels)).1);
        for (name, gradient) in std::mem::take(&mut network.gradients) {
            let parameter = &mut network.state.get_mut(&name).unwrap().0;
            let (new, buffer) =
                optimizer::sgd(&op, parameter, &gradient, buffers.get(&name).map(Vec::as_slice));
            *parameter = new;
            buffers.insert(name, buffer.unwrap());
        }
    }
    compare(&losses, case.f32("losses").unwrap().0, 1e-4, 0.0).unwrap();
    let (initial, expected) = (weights(), with_prefix(&case, "state/"));
    assert!(expected.len() > 100, "{} tensors", expected.len());
    for (name, expected) in expected {
        let error = relative_error(network.get(name), expected);
        assert!(error < 1e-4, "{name}: {error:e}");
        // What was learned is small beside what was there: compare it alone, or a wrong optimizer could pass.
        let learned =
            |new: &[f32]| -> Vec<f32> { new.iter().zip(&initial[name].0).map(|(a, b)| a - b).collect() };
        let error = relative_error(&learned(network.get(name)), &learned(expected));
        assert!(error < 1e-2, "what {name} learned: {error:e}");
    }
}
