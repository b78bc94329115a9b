//! Training with f16 storage: what products and normalisations read, and what the tape keeps of it.

use tilewright_ops::{DType, Op};
use tilewright_tensor::Tensor;

use crate::{detect, error::Result, node::Rule, node::Saved, rules, rules::rule::Backward, var::Var};

impl Var {
    /// As [`Self::run`], in mixed precision (Micikevicius et al., arXiv 1710.03740): the large operands of convolutions,
    /// matrix products and batch normalisations are rounded to f16 and kept as such on the tape, and a product's result is
    /// rounded to f16, as are the gradients of both; sums, biases, statistics and what goes from operation to operation are
    /// f32. Numbers beyond 65504 become infinite: the loss is to be scaled, and steps with such gradients left out. Every
    /// other operation runs in f32.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_half(op: &Op, inputs: &[&Self]) -> Result<Vec<Self>> {
        let (halved, product) = match op {
            Op::Conv2d { .. } | Op::ConvTranspose2d(_) | Op::MatMul { .. } => (2, true),
            Op::BatchNorm { .. } | Op::BatchNormTrain { .. } => (1, false),
            _ => (0, false),
        };
        let plain = halved == 0 || rules::parts(op).is_some();
        if plain || inputs.iter().any(|input| input.tensor().dtype() != DType::F32) {
            return Self::run(op, inputs);
        }
        let mut kept = Vec::with_capacity(inputs.len());
        for (at, input) in inputs.iter().enumerate() {
            kept.push(if at < halved { input.tensor().cast(DType::F16)? } else { input.tensor().clone() });
        }
        let mut outputs = if product && !matches!(op, Op::ConvTranspose2d(_)) {
            // The kernels of f16 where the device has them; they sum in f32.
            Tensor::run(op, &kept.iter().collect::<Vec<_>>())?
        } else {
            Tensor::run(op, &wide(&kept)?.iter().collect::<Vec<_>>())?
        };
        if product {
            for output in &mut outputs {
                *output = round(output)?;
            }
        }
        // The first result is large, and none of these rules reads it.
        let mut read = outputs.clone();
        read[0] = Tensor::zeros(outputs[0].context(), &[0])?;
        detect::after_forward(op.name(), inputs, &outputs)?;
        let held = kept.iter().chain(&read).map(|tensor| Saved::of(tensor, inputs)).collect();
        let (op_kept, wanted) = (op.clone(), needs(inputs));
        let rule: Rule = Box::new(move |mut gradients, needs| {
            let operands: Vec<Self> = wide(&kept)?
                .into_iter()
                .zip(&wanted)
                .map(|(tensor, &wanted)| operand(tensor, wanted))
                .collect();
            drop(kept);
            let Backward::Rule(rule) =
                rules::backward(&op_kept, &operands.iter().collect::<Vec<_>>(), &read)?
            else {
                return Ok(vec![None; needs.len()]);
            };
            drop((operands, read));
            if product {
                for gradient in gradients.iter_mut().flatten() {
                    *gradient = round(gradient)?;
                }
            }
            let mut found = rule(gradients, needs)?;
            for gradient in found.iter_mut().take(halved).flatten() {
                *gradient = round(gradient)?;
            }
            Ok(found)
        });
        let mut results = Self::node_of(op.name(), inputs, outputs, held, rule);
        results.iter_mut().skip(rules::differentiable(op)).for_each(|result| *result = result.detach());
        Ok(results)
    }
}

fn needs(inputs: &[&Var]) -> Vec<bool> {
    inputs.iter().map(|input| input.needs_gradient()).collect()
}

fn operand(tensor: Tensor, wanted: bool) -> Var {
    if wanted { Var::leaf(tensor) } else { Var::constant(tensor) }
}

/// All in f32.
fn wide(tensors: &[Tensor]) -> Result<Vec<Tensor>> {
    Ok(tensors.iter().map(|tensor| tensor.cast(DType::F32)).collect::<Result<_, _>>()?)
}

/// The nearest number that f16 has, in f32.
fn round(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.cast(DType::F16)?.cast(DType::F32)?)
}
