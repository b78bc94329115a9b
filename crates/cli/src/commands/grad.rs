//! `tilewright grad`.

use std::{collections::BTreeMap, path::Path, path::PathBuf};

use tilewright_autograd::{Var, detect_anomaly};
use tilewright_nn::{HostTensor, Module, Pass, StateDict};
use tilewright_onnx::{ElementType, HostTensor as Numbers};
use tilewright_ops::{CrossEntropy, Reduction};
use tilewright_runtime::Context;
use tilewright_tensor::{Tensor, composite::loss as losses};

use crate::{convert, error::Error, error::Result, files, model};

/// Each is a mean, with PyTorch's defaults. Those of auxiliary heads are added as training does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Loss {
    /// Cross entropy of the logits against class numbers.
    #[value(alias = "cross-entropy")]
    CrossEntropy,
    /// Cross entropy of the logits against probabilities.
    SoftCrossEntropy,
    /// Binary cross entropy of the logits against probabilities.
    BceWithLogits,
    /// Focal loss of the logits against 0 and 1: alpha 0.25, gamma 2.
    SigmoidFocal,
    /// Mean squared error.
    Mse,
    /// Mean absolute error.
    L1,
    /// Smooth L1 loss with beta 1.
    #[value(name = "smooth_l1")]
    SmoothL1,
    /// Huber loss with delta 1.
    Huber,
    /// Divergence of the softmax of the logits from probabilities, by the batch.
    KlDiv,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A network of the zoo.
    model: String,
    /// Its weights, a safetensors file.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The input, a .npy file of float32 N×C×H×W.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The target, a .npy file: N class numbers (int64 or int32) for cross_entropy, else float32 of the output's shape.
    #[arg(long, value_name = "FILE")]
    target: PathBuf,
    /// The loss.
    #[arg(long, value_enum, default_value = "cross_entropy")]
    loss: Loss,
    /// Where the gradients go, a safetensors file with the parameters' names.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Look at every result and every gradient, and name the operation that makes the first NaN or infinity (slow).
    #[arg(long)]
    detect_anomaly: bool,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let images = convert::lossless(files::read_array(&arguments.input)?, ElementType::F32)
        .map_err(|reason| wrong(&arguments.input, reason))?;
    // Files that cannot be read are told before the network is made.
    let target = files::read_array(&arguments.target)?;
    let shape = images.shape();
    let [_, c, h, w] = model::image_shape(&arguments.input.display().to_string(), shape)?;
    let (network, _) = model::load(context, &arguments.model, &arguments.weights, [c, h, w])?;
    let x = Tensor::from_slice(context, &images.to_f32(), shape)?;
    let work = || -> Result<_> {
        let loss = of_outputs(&*network.module, x, &target, arguments)?;
        let gradients = loss.backward()?;
        Ok((loss, gradients))
    };
    let outcome = if arguments.detect_anomaly { detect_anomaly(work) } else { work() };
    let (loss, gradients) = outcome.map_err(|error| match error {
        Error::Nn(error) => Error::Nn(network.store.explain(error)),
        other => other,
    })?;
    let mut tensors = BTreeMap::new();
    for parameter in network.store.parameters() {
        let gradient = gradients.get_id(parameter.id()).ok_or_else(|| {
            Error::Check(format!(
                "the loss does not depend on `{}`, which is a fault of the network",
                parameter.path()
            ))
        })?;
        let value = HostTensor::F32(gradient.to_vec()?, gradient.shape().to_vec());
        tensors.insert(parameter.path().to_owned(), value);
    }
    let count = tensors.len();
    StateDict { tensors, metadata: None }.write(&arguments.output)?;
    println!("loss {:.6}, {count} gradients → {}", loss.tensor().item()?, arguments.output.display());
    Ok(())
}

fn wrong(path: &Path, reason: String) -> Error {
    Error::Array { path: path.display().to_string(), reason }
}

/// The loss of a network's output, with those of its auxiliary heads.
fn of_outputs(module: &dyn Module, x: Tensor, target: &Numbers, arguments: &Arguments) -> Result<Var> {
    let inputs = module.inputs().into_iter().take(1).map(|port| (port.name, Var::constant(x.clone())));
    let outputs = module.call(&inputs.collect(), &Pass::train(0, 0))?;
    let mut loss: Option<Var> = None;
    for port in module.outputs() {
        let Some(output) = outputs.find(&port.name) else { continue };
        let of_this = of_output(output, target.clone(), arguments)?;
        // The weights of `tilewright train`.
        let weight = if port.name == "aux" { 0.5 } else { 0.3 };
        loss = Some(match loss {
            None => of_this,
            Some(loss) => loss.add(&of_this.scale(weight)?)?,
        });
    }
    loss.ok_or_else(|| Error::Check("the network gives nothing".to_owned()))
}

/// The loss of one output.
fn of_output(output: &Var, target: Numbers, Arguments { target: path, loss, .. }: &Arguments) -> Result<Var> {
    let context = output.tensor().context();
    if *loss == Loss::CrossEntropy {
        let labels = convert::narrow(&target).map_err(|reason| wrong(path, reason))?;
        let op = CrossEntropy::default();
        if let Some(&classes) = output.shape().get(1) {
            op.check_labels(classes, &labels)?;
        }
        return Ok(output.cross_entropy(
            &Tensor::from_slice(context, &labels, target.shape())?,
            None,
            &op,
        )?);
    }
    let shape = target.shape().to_vec();
    let target = convert::lossless(target, ElementType::F32).map_err(|reason| wrong(path, reason))?;
    let target = Var::constant(Tensor::from_slice(context, &target.to_f32(), &shape)?);
    Ok(match loss {
        Loss::CrossEntropy | Loss::SoftCrossEntropy => {
            losses::soft_cross_entropy(output, &target, None, 0.0, Reduction::Mean)?
        }
        Loss::BceWithLogits => {
            losses::binary_cross_entropy_with_logits(output, &target, None, None, Reduction::Mean)?
        }
        Loss::SigmoidFocal => losses::sigmoid_focal_loss(output, &target, Some(0.25), 2.0, Reduction::Mean)?,
        Loss::Mse => losses::mse_loss(output, &target, Reduction::Mean)?,
        Loss::L1 => losses::l1_loss(output, &target, Reduction::Mean)?,
        Loss::SmoothL1 => losses::smooth_l1_loss(output, &target, 1.0, Reduction::Mean)?,
        Loss::Huber => losses::huber_loss(output, &target, 1.0, Reduction::Mean)?,
        Loss::KlDiv => {
            let logs = output.log_softmax(1)?;
            losses::kl_div(&logs, &target, false, losses::KlReduction::BatchMean)?
        }
    })
}
