//! `--quantize-aware`: training that sees the roundings of int8, and the network in bytes behind it.

use std::{path::Path, sync::Arc};

use serde::Serialize;
use tilewright_graph::{
    Compiled, Options,
    quantize::{Activations, Calibration, Layers, Scheme},
};
use tilewright_nn::{
    INPUT, Module, ParameterStore, Pass, Port, QuantizedState, StateDict, Values, Var,
    quantization::{QuantizationAware, QuantizationOptions, Ranges},
};
use tilewright_ops::{DType, SliceRange};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;
use tilewright_train::{Callback, Flow, Progress, Source};
use tilewright_zoo::Network;

use super::say::say;
use crate::{error::Error, error::Result, files};

#[derive(Debug, clap::Args)]
pub struct QuantizeArguments {
    /// Train on from --weights with weights and activations rounded as in int8, and write the network in bytes
    /// (OUTPUT/model.onnx and int8.safetensors) and its accuracy, too.
    #[arg(long, requires = "weights", conflicts_with_all = ["checkpoint_activations"])]
    quantize_aware: bool,
    /// Training batches whose activations give the first ranges.
    #[arg(long, value_name = "N", default_value_t = 16, requires = "quantize_aware")]
    calibration_batches: usize,
    /// Learn the scales of activations (LSQ) instead of following their ranges.
    #[arg(long, requires = "quantize_aware")]
    learn_scales: bool,
    /// Zero points of 0: ranges that reach as far below 0 as above it.
    #[arg(long, requires = "quantize_aware")]
    symmetric: bool,
    /// The last part of the steps, in which batch normalisations and ranges stay as they are.
    #[arg(long, value_name = "PART", default_value_t = 0.4, requires = "quantize_aware")]
    frozen_part: f64,
}

impl QuantizeArguments {
    pub fn is_on(&self) -> bool {
        self.quantize_aware
    }

    /// Fails for what makes no sense.
    pub fn check(&self, half: bool) -> Result<()> {
        let refuse = |argument, reason: &str| Err(Error::Argument { argument, reason: reason.to_owned() });
        if self.is_on() && half {
            return refuse("--precision", "training with the roundings of int8 is of f32; leave f16 out");
        }
        if self.calibration_batches == 0 {
            return refuse("--calibration-batches", "it must be at least 1");
        }
        if !(0.0..=1.0).contains(&self.frozen_part) {
            return refuse("--frozen-part", "it must be between 0 and 1");
        }
        Ok(())
    }

    /// For a run's description; empty where it is not asked for.
    pub fn description(&self) -> String {
        let Self { quantize_aware, calibration_batches, learn_scales, symmetric, frozen_part } = self;
        if !quantize_aware {
            return String::new();
        }
        let learnt = if *learn_scales { ", learnt scales" } else { "" };
        let symmetric = if *symmetric { ", symmetric" } else { "" };
        format!(
            ", quantisation-aware by {calibration_batches} batches{learnt}{symmetric}, frozen for {frozen_part}"
        )
    }

    /// The network to train in the place of `network`: observed on batches of `train`.
    pub fn prepare(
        &self,
        context: &Context,
        network: Network,
        train: &dyn Source,
    ) -> Result<(Network, Aware)> {
        let (mut calibration, mut batch_size) = (None, 0);
        for batch in train.epoch(0, 0)?.take(self.calibration_batches) {
            let batch = batch?;
            let Some((name, input)) = batch.inputs.first() else { continue };
            let x = input.upload(context, name)?;
            if calibration.is_none() {
                let graph = tilewright_nn::capture(
                    &*network.module,
                    &network.store,
                    &[(INPUT, x.shape(), DType::F32)],
                )?;
                let activations = if self.symmetric { Activations::Symmetric } else { Activations::Affine };
                let scheme = Scheme { activations, ..Scheme::default() };
                batch_size = batch.samples;
                calibration = Some(Calibration::new(&graph, scheme)?);
            }
            if let Some(calibration) = calibration.as_mut().filter(|_| batch.samples == batch_size) {
                calibration.observe(&[&x])?;
            }
        }
        let Some(calibration) = calibration else {
            let reason = "there are no training images to take ranges from".to_owned();
            return Err(Error::Argument { argument: "--quantize-aware", reason });
        };
        let ranges = if self.learn_scales { Ranges::Learned } else { QuantizationOptions::default().ranges };
        let store = ParameterStore::new(context, 0);
        let module = QuantizationAware::new(&calibration, &store, QuantizationOptions { ranges })?;
        let module = Arc::new(module);
        say!("ranges of activations from {} batches of {batch_size}", calibration.batches());
        let Network { name, store: begun, module: plain } = network;
        let aware = Aware { module: module.clone(), plain, begun, batch_size, frozen_part: self.frozen_part };
        Ok((Network { name, store, module: Box::new(Shared(module)) }, aware))
    }
}

/// A training that sees the roundings.
pub struct Aware {
    module: Arc<QuantizationAware>,
    /// The network that it began from, in f32, and its parameters.
    pub plain: Box<dyn Module>,
    begun: ParameterStore,
    batch_size: usize,
    frozen_part: f64,
}

/// What is known of the network in bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Int8Record {
    /// On the test images.
    pub test_accuracy: f64,
    /// Of the network that training began from, in f32.
    pub f32_accuracy: f64,
    /// Convolutions and products in int8, and all of them.
    pub products: [usize; 2],
    /// Bytes of weights and biases, before and after.
    pub weight_bytes: [u64; 2],
}

impl Aware {
    /// The weights as the network itself has them: what training added is left out, what it did not make is as it began.
    pub fn weights(&self, store: &ParameterStore, metadata: String) -> Result<StateDict> {
        let mut state = StateDict::of(&self.begun)?;
        for (path, tensor) in StateDict::of(store)?.tensors {
            if let Some(place) = state.tensors.get_mut(&path) {
                *place = tensor;
            }
        }
        Ok(StateDict { metadata: Some(metadata), ..state })
    }

    /// What freezes statistics in the last part of the steps.
    pub fn freezing(&self) -> Freezing {
        Freezing { module: self.module.clone(), part: self.frozen_part }
    }

    /// The network in bytes, written with its graph to `onnx` and without it to `numbers`.
    pub fn convert(
        &self,
        [onnx, numbers]: [&Path; 2],
        name: &str,
        metadata: String,
    ) -> Result<(Replayed, Layers)> {
        let (graph, layers) = self.module.convert()?;
        files::write_whole(onnx, &tilewright_onnx::export(&graph, name)?)?;
        let begun = StateDict::of(&self.begun)?.tensors.into_iter();
        let shapes = begun.map(|(name, tensor)| (name, tensor.shape().to_vec())).collect();
        let parameters = self.module.parameters()?;
        QuantizedState { parameters, shapes, about: Some(metadata) }.write(numbers)?;
        let names = |ports: &[(String, _)]| ports.iter().map(|(name, _)| name.clone()).collect();
        let (inputs, outputs) = (names(graph.inputs()), names(graph.outputs()));
        let compiled = Compiled::new(&graph, &Options::default())?;
        Ok((Replayed { compiled, batch: self.batch_size, inputs, outputs }, layers))
    }
}

/// Freezes statistics when the last part of the steps begins.
pub struct Freezing {
    module: Arc<QuantizationAware>,
    part: f64,
}

impl Freezing {
    fn look(&self, progress: &Progress) {
        let done = progress.epoch * progress.batches + progress.batch;
        let all = (progress.epochs * progress.batches) as f64;
        if done as f64 >= all * (1.0 - self.part) {
            self.module.freeze_statistics();
        }
    }
}

impl Callback for Freezing {
    fn epoch_begin(&mut self, progress: &Progress) -> tilewright_train::Result<()> {
        self.look(progress);
        Ok(())
    }

    fn step_end(&mut self, progress: &Progress) -> tilewright_train::Result<Flow> {
        self.look(progress);
        Ok(Flow::Continue)
    }
}

/// The same module for the trainer and for whoever freezes and converts it.
struct Shared(Arc<QuantizationAware>);

impl Module for Shared {
    fn inputs(&self) -> Vec<Port> {
        self.0.inputs()
    }

    fn outputs(&self) -> Vec<Port> {
        self.0.outputs()
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> tilewright_nn::Result<Values> {
        self.0.compute(inputs, pass)
    }
}

/// A plan of one batch size as a module of any.
pub struct Replayed {
    compiled: Compiled,
    batch: usize,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl Module for Replayed {
    fn inputs(&self) -> Vec<Port> {
        self.inputs.iter().cloned().map(Port::required).collect()
    }

    fn outputs(&self) -> Vec<Port> {
        self.outputs.iter().cloned().map(Port::required).collect()
    }

    fn compute(&self, inputs: &Values, _: &Pass) -> tilewright_nn::Result<Values> {
        let x = inputs.only()?.tensor();
        let count = x.shape()[0];
        let rows = |tensor: &Tensor, rows: SliceRange| {
            let others = tensor.shape()[1..].iter().map(|&extent| SliceRange::full(extent));
            tensor.slice(&[rows].into_iter().chain(others).collect::<Vec<_>>())
        };
        let mut found: Vec<Vec<Tensor>> = vec![Vec::new(); self.outputs.len()];
        for begin in (0..count).step_by(self.batch) {
            let end = (begin + self.batch).min(count);
            let mut padding = vec![(0, 0); x.rank()];
            padding[0].1 = self.batch - (end - begin);
            let part = rows(x, SliceRange::new(begin, end))?.pad(&padding, 0.0)?;
            for (found, output) in found.iter_mut().zip(self.compiled.run(&[&part])?) {
                found.push(rows(&output, SliceRange::new(0, end - begin))?);
            }
        }
        let joined = |parts: &Vec<Tensor>| Tensor::concat(&parts.iter().collect::<Vec<_>>(), 0);
        let values = self.outputs.iter().zip(&found);
        values.map(|(name, parts)| Ok((name.clone(), Var::constant(joined(parts)?)))).collect()
    }
}
