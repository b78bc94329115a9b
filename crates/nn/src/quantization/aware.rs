//! A network in training that sees the roundings of bytes.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use tilewright_graph::{
    Graph, ValueId,
    quantize::{Calibration, Layers, Parameters, Training},
};
use tilewright_tensor::Tensor;

use super::{
    options::{QuantizationOptions, Ranges},
    points::Points,
    products::{Maker, Mode, Product},
    run::Run,
};
use crate::{error::Result, module::Module, module::Port, pass::Pass, store::ParameterStore, values::Values};

/// A captured network in fake quantisation, to be trained and then converted.
///
/// Weights are rounded to i8 by output channel, activations where the integer graph will have bytes; gradients go straight through.
/// Batch normalisations behind convolutions train as PyTorch's `ConvBn2d` does: weights are rounded as folded, values are normalised by
/// the batch, and the running statistics follow, until [`Self::freeze_statistics`]. What has no form in bytes is f32 as it was captured.
///
/// Weights, biases and statistics are parameters of a store of their own under the network's paths (`layer1.0.conv1.weight`), so that a
/// state dict of one is one of the other but for `activation_ranges` and, where they are learnt, `activation_scales`.
///
/// ```
/// use tilewright_graph::quantize::{Calibration, Scheme};
/// use tilewright_nn::{INPUT, Layer, Module, ParameterStore, Pass, Values, Var, capture, layers};
/// use tilewright_nn::quantization::{QuantizationAware, QuantizationOptions};
/// use tilewright_ops::DType;
/// use tilewright_tensor::Tensor;
/// # let context = tilewright_runtime::Context::new()?;
/// let trained = ParameterStore::new(&context, 0);
/// let network = layers::Linear::new(&(trained.root() / "fc"), 4, 3)?;
/// let graph = capture(&network, &trained, &[(INPUT, &[2, 4], DType::F32)])?;
/// let x = Tensor::from_slice(&context, &[0.5f32, -1.0, 0.25, 2.0, 1.0, 0.0, -0.5, 1.5], &[2, 4])?;
/// let mut calibration = Calibration::new(&graph, Scheme::default())?;
/// calibration.observe(&[&x])?;
/// let store = ParameterStore::new(&context, 0);
/// let aware = QuantizationAware::new(&calibration, &store, QuantizationOptions::default())?;
/// assert!(store.parameter("fc.weight").is_some());
/// let module: &dyn Module = &aware;
/// let y = module.forward(&Var::constant(x), &Pass::train(0, 0))?;
/// assert!(y.needs_gradient());
/// let (bytes, layers) = aware.convert()?;
/// assert_eq!(layers.products(), [1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct QuantizationAware {
    training: Training,
    options: QuantizationOptions,
    points: Points,
    products: HashMap<usize, Product>,
    last: HashMap<ValueId, usize>,
    rounds: AtomicBool,
    frozen: AtomicBool,
}

impl QuantizationAware {
    /// Of a network that was observed, with its weights as they are. Its parameters are made in `store`.
    ///
    /// # Errors
    /// [`tilewright_graph::Error::Calibration`] if nothing was observed; those of [`QuantizationOptions::check`];
    /// [`crate::Error::DuplicatePath`] for a store that has them already.
    pub fn new(
        calibration: &Calibration,
        store: &ParameterStore,
        options: QuantizationOptions,
    ) -> Result<Self> {
        options.check()?;
        let training = calibration.training()?;
        let (scope, graph) = (store.root(), training.graph());
        let mut maker = Maker::new(&scope);
        let (mut products, mut last) = (HashMap::new(), HashMap::new());
        for (at, node) in graph.nodes().iter().enumerate() {
            products.extend(maker.product(&training, at)?.map(|product| (at, product)));
            last.extend(node.inputs.iter().map(|&id| (id, at)));
        }
        for (_, id) in graph.outputs() {
            last.remove(id);
        }
        let points = Points::new(&scope, training.points(), training.activations(), options.ranges)?;
        let (rounds, frozen) = (AtomicBool::new(true), AtomicBool::new(false));
        Ok(Self { training, options, points, products, last, rounds, frozen })
    }

    /// Keeps running statistics and ranges as they are from now on; batch normalisations normalise by them. It is what the last part of
    /// a training does, so that the network that is converted is the one that was trained. Scales that are learnt go on.
    pub fn freeze_statistics(&self) {
        self.frozen.store(true, Ordering::Relaxed);
    }

    /// Lets them follow the batches again.
    pub fn unfreeze_statistics(&self) {
        self.frozen.store(false, Ordering::Relaxed);
    }

    /// Whether statistics and ranges stay as they are.
    #[must_use]
    pub fn are_statistics_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Rounds or does not: without roundings it is the network in f32.
    pub fn set_rounding(&self, rounds: bool) {
        self.rounds.store(rounds, Ordering::Relaxed);
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> QuantizationOptions {
        self.options
    }

    /// The network in f32 with the weights as they are, batch normalisations folded.
    ///
    /// # Errors
    /// What the device reports.
    pub fn graph(&self) -> Result<Graph> {
        Ok(self.training.graph().with_constants(&self.constants()?)?)
    }

    /// The network in bytes, for the batch that was captured, and what became of each layer: what [`Calibration::convert`] gives, by the
    /// weights and ranges as they are.
    ///
    /// # Errors
    /// [`tilewright_graph::Error::Calibration`] for a range that is no longer finite; what the device reports.
    pub fn convert(&self) -> Result<(Graph, Layers)> {
        Ok(self.training.convert(&self.constants()?, &self.points.scales()?)?)
    }

    /// The numbers of the network in bytes apart from its graph: what a file keeps, for any batch.
    ///
    /// # Errors
    /// Those of [`Self::convert`].
    pub fn parameters(&self) -> Result<Parameters> {
        Ok(self.training.parameters(&self.constants()?, &self.points.scales()?)?)
    }

    fn constants(&self) -> Result<HashMap<ValueId, Tensor>> {
        let mut constants = HashMap::new();
        for product in self.products.values() {
            product.constants(&mut constants)?;
        }
        Ok(constants)
    }
}

impl Module for QuantizationAware {
    fn inputs(&self) -> Vec<Port> {
        ports(self.training.graph().inputs())
    }

    fn outputs(&self) -> Vec<Port> {
        ports(self.training.graph().outputs())
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        let frozen = self.are_statistics_frozen();
        let moving = matches!(self.options.ranges, Ranges::MovingAverage { .. });
        let sees = moving && pass.is_training() && !frozen && !pass.is_recomputing();
        let mut run = Run {
            training: &self.training,
            points: &self.points,
            products: &self.products,
            last: &self.last,
            pass,
            mode: Mode { rounds: self.rounds.load(Ordering::Relaxed), frozen },
            seen: sees.then(|| self.points.begin()),
        };
        let outputs = run.outputs(inputs)?;
        if let Some(seen) = &run.seen {
            self.points.follow(seen)?;
        }
        Ok(outputs)
    }
}

fn ports(values: &[(String, ValueId)]) -> Vec<Port> {
    values.iter().map(|(name, _)| Port::required(name.clone())).collect()
}

impl std::fmt::Debug for QuantizationAware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QuantizationAware({:?}, {} products)", self.options, self.products.len())
    }
}
