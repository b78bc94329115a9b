//! `tilewright grad`.

use std::{collections::BTreeMap, path::Path, path::PathBuf};

use tilewright_autograd::{Var, detect_anomaly};
use tilewright_nn::{HostTensor, Pass, StateDict};
use tilewright_onnx::ElementType;
use tilewright_ops::CrossEntropy;
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

use crate::{convert, error::Error, error::Result, files, model};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Loss {
    /// Mean cross entropy of the logits against class numbers.
    #[value(name = "cross_entropy", alias = "cross-entropy")]
    CrossEntropy,
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
    /// The target, a .npy file: N class numbers (int64 or int32).
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
    let Loss::CrossEntropy = arguments.loss;
    let wrong = |path: &Path, reason| Error::Array { path: path.display().to_string(), reason };
    let images = convert::lossless(files::read_array(&arguments.input)?, ElementType::F32)
        .map_err(|reason| wrong(&arguments.input, reason))?;
    let target = files::read_array(&arguments.target)?;
    let labels = convert::narrow(&target).map_err(|reason| wrong(&arguments.target, reason))?;
    let (shape, labels_shape) = (images.shape(), target.shape());
    let [_, c, h, w] = model::image_shape(&arguments.input.display().to_string(), shape)?;
    let (network, _) = model::load(context, &arguments.model, &arguments.weights, [c, h, w])?;
    let x = Tensor::from_slice(context, &images.to_f32(), shape)?;
    let target = Tensor::from_slice(context, &labels, labels_shape)?;
    let op = CrossEntropy::default();
    let work = || -> Result<_> {
        let logits = network.module.forward(&Var::constant(x), &Pass::train(0, 0))?;
        if let Some(&classes) = logits.shape().get(1) {
            op.check_labels(classes, &labels)?;
        }
        let loss = logits.cross_entropy(&target, None, &op)?;
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
