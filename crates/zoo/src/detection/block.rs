//! A layer of a Darknet network.

use tilewright_autograd::Var;
use tilewright_darknet::{Activation, Convolutional, Kind, MaxPool, Route};
use tilewright_nn::{
    Layer, Pass, Result, Scope, Tap,
    layers::{Conv2d, Conv2dOptions, Dropout, Linear, Upsample, UpsampleMode},
};
use tilewright_ops::{AdaptiveAvgPool2d, Pool2d, UnaryOp};

use super::norm::Norm;

/// A layer with its parameters.
pub(super) struct Block {
    kind: Kind,
    parameters: Parameters,
    tap: Tap,
}

enum Parameters {
    None,
    Convolution(Conv2d, Option<Norm>),
    Product(Linear, Option<Norm>),
}

impl Block {
    /// The layer under `scope`: `conv` or `linear`, and `norm`.
    pub fn new(scope: &Scope, layer: &tilewright_darknet::Layer) -> Result<Self> {
        let [channels, height, width] = layer.input;
        let norm =
            |wanted: bool, channels| wanted.then(|| Norm::new(&(scope / "norm"), channels)).transpose();
        let parameters = match &layer.kind {
            Kind::Convolutional(conv) => {
                let norm = norm(conv.batch_normalize, conv.filters)?;
                Parameters::Convolution(convolution(&(scope / "conv"), channels, conv)?, norm)
            }
            Kind::Connected(connected) => {
                let (inputs, bias) = (channels * height * width, !connected.batch_normalize);
                let init = tilewright_nn::init::Init::DEFAULT_WEIGHT;
                let linear = Linear::with_options(&(scope / "linear"), inputs, connected.output, bias, init)?;
                Parameters::Product(linear, norm(connected.batch_normalize, connected.output)?)
            }
            _ => Parameters::None,
        };
        Ok(Self { kind: layer.kind.clone(), parameters, tap: Tap::new(scope) })
    }

    /// What the layer gives for `x`, the output before it; `output` is that of any layer before.
    pub fn forward<'a>(
        &self,
        x: &Var,
        output: impl Fn(usize) -> Result<&'a Var>,
        pass: &Pass,
    ) -> Result<Var> {
        let y = match (&self.kind, &self.parameters) {
            (Kind::Convolutional(conv), Parameters::Convolution(layer, norm)) => {
                activated(layer.forward(x, pass)?, norm.as_ref(), conv.activation, pass)?
            }
            (Kind::Connected(connected), Parameters::Product(layer, norm)) => {
                let y = layer.forward(&x.flatten(1)?, pass)?;
                let y = y.reshape(&[-1, connected.output as isize, 1, 1])?;
                activated(y, norm.as_ref(), connected.activation, pass)?
            }
            (Kind::MaxPool(pool), _) => max_pool(x, pool)?,
            (Kind::Dropout(probability), _) => Dropout::new(*probability)?.forward(x, pass)?,
            (Kind::AvgPool, _) => x.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })?,
            (Kind::Upsample(upsample), _) => {
                let y = Upsample::new(upsample.stride, UpsampleMode::Nearest).forward(x, pass)?;
                if upsample.scale == 1.0 { y } else { y.scale(upsample.scale)? }
            }
            (Kind::Route(route), _) => routed(route, output)?,
            (Kind::Shortcut(shortcut), _) => {
                let sum = x.add(output(shortcut.from)?)?;
                function(shortcut.activation)
                    .map_or_else(|| Ok(sum.clone()), |function| sum.unary(function))?
            }
            (Kind::Softmax(temperature), _) => {
                let shape: Vec<isize> = x.shape().iter().map(|&extent| extent as isize).collect();
                let flat = x.flatten(1)?;
                let flat = if *temperature == 1.0 { flat } else { flat.scale(1.0 / temperature)? };
                flat.softmax(1)?.reshape(&shape)?
            }
            // What a head gives is what comes in; it is decoded beside.
            _ => x.clone(),
        };
        Ok(self.tap.give(y, pass))
    }
}

/// Darknet's function as an operation; nothing for the line.
fn function(activation: Activation) -> Option<UnaryOp> {
    match activation {
        Activation::Linear => None,
        Activation::Leaky => Some(UnaryOp::LeakyRelu { slope: 0.1 }),
        Activation::Relu => Some(UnaryOp::Relu),
        Activation::Logistic => Some(UnaryOp::Sigmoid),
        Activation::Mish => Some(UnaryOp::Mish),
        Activation::Swish => Some(UnaryOp::Silu),
    }
}

fn convolution(scope: &Scope, channels: usize, conv: &Convolutional) -> Result<Conv2d> {
    let options = Conv2dOptions::default().padding(conv.padding).stride(conv.stride).groups(conv.groups);
    let options = if conv.batch_normalize { options.no_bias() } else { options };
    Conv2d::new(scope, channels, conv.filters, [conv.size; 2], options)
}

fn activated(y: Var, norm: Option<&Norm>, activation: Activation, pass: &Pass) -> Result<Var> {
    let function = function(activation);
    match (norm, function) {
        (Some(norm), function) => norm.forward(&y, pass, function),
        (None, Some(function)) => Ok(y.unary(function)?),
        (None, None) => Ok(y),
    }
}

/// The largest of windows: half of the padding, rounded down, in front, and as much of the rest as the last window sees.
fn max_pool(x: &Var, pool: &MaxPool) -> Result<Var> {
    let &MaxPool { size, stride, padding } = pool;
    let op = Pool2d { stride: [stride; 2], ..Pool2d::new([size; 2]) };
    let front = padding / 2;
    let sides = |extent: usize| {
        let windows = (extent + padding).saturating_sub(size) / stride + 1;
        (front, ((windows - 1) * stride + size).saturating_sub(extent + front))
    };
    let &[_, _, height, width] = x.shape() else {
        return Ok(x.max_pool2d(&op)?);
    };
    let border = [sides(height), sides(width)];
    if border.iter().all(|&(before, after)| before == after && before <= size / 2) {
        let op = Pool2d { padding: border.map(|(before, _)| before), ..op };
        return Ok(x.max_pool2d(&op)?);
    }
    Ok(x.max_pool2d_bordered(border, &op)?)
}

fn routed<'a>(route: &Route, output: impl Fn(usize) -> Result<&'a Var>) -> Result<Var> {
    let part = |&at: &usize| -> Result<Var> {
        let whole = output(at)?;
        if route.groups == 1 {
            return Ok(whole.clone());
        }
        let channels = whole.shape()[1] / route.groups;
        Ok(whole.split(1, &vec![channels; route.groups])?.swap_remove(route.group))
    };
    let parts = route.layers.iter().map(part).collect::<Result<Vec<_>>>()?;
    if let [one] = &parts[..] {
        return Ok(one.clone());
    }
    Ok(Var::concat(&parts.iter().collect::<Vec<_>>(), 1)?)
}
