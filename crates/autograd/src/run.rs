//! The one road from an operation to variables.

use tilewright_ops::{BinaryOp, Op};
use tilewright_tensor::{Hints, Tensor};

use crate::{detect, error::Result, node::Saved, rules, rules::Part, rules::rule::Backward, var::Var};

impl Var {
    /// `op` of `inputs`, in the order that [`Op`] lists, and its results in theirs, as [`Tensor::run`]; where an input wants
    /// a gradient, with the operation's backward rule on the tape. All methods of a variable that compute come here.
    ///
    /// # Errors
    /// Those of [`Tensor::run`]; [`crate::Error::NoGradient`] where one is wanted of an operation that has no rule: detach
    /// the input if it is not meant.
    pub fn run(op: &Op, inputs: &[&Self]) -> Result<Vec<Self>> {
        Self::run_over(op, inputs, None)
    }

    /// As [`Self::run`], where the first result may lie in the place of the operand `over`, which the caller gives away. Where a
    /// gradient is wanted it does so for an operand that rules make again: none holds it.
    pub(crate) fn run_over(op: &Op, inputs: &[&Self], over: Option<usize>) -> Result<Vec<Self>> {
        // Whoever looks for anomalies looks at operands afterwards.
        let wanted = inputs.iter().any(|input| input.needs_gradient());
        let unread = |at: usize| !detect::is_on() && (!wanted || inputs[at].recipe().is_some());
        let given = |&at: &usize| unread(at) && inputs[at].tensor().buffer().is_spare();
        let hints = Hints { over: over.filter(given), ..Hints::default() };
        let tensors: Vec<&Tensor> = inputs.iter().map(|input| input.tensor()).collect();
        if !wanted {
            let outputs = Tensor::run_with(op, &tensors, &hints)?;
            detect::after_forward(op.name(), inputs, &outputs)?;
            return Ok(outputs.into_iter().map(Self::constant).collect());
        }
        if let Some((plain, parts)) = rules::parts(op) {
            return apart(op, &plain, &parts, inputs);
        }
        let (forward, given) = rules::forward(op);
        let outputs = Tensor::run_with(&forward, &tensors, &hints)?;
        detect::after_forward(op.name(), inputs, &outputs)?;
        // A rule can only hold operands and results: what has more holders than before is what it saved.
        let candidates: Vec<&Tensor> = tensors.iter().copied().chain(&outputs).collect();
        let before: Vec<usize> = candidates.iter().map(|tensor| tensor.buffer().holders()).collect();
        match rules::backward(&forward, inputs, &outputs)? {
            Backward::Nothing => Ok(outputs.into_iter().map(Self::constant).collect()),
            Backward::Rule(rule) => {
                let held =
                    candidates.iter().zip(before).filter(|(held, before)| held.buffer().holders() > *before);
                let mut saved: Vec<_> = held.map(|(tensor, _)| Saved::of(tensor, inputs)).collect();
                let mut seen = std::collections::HashSet::new();
                saved.retain(|saved| seen.insert(saved.key));
                let recipe = rules::recipe(&forward, inputs, &outputs);
                let mut results = Self::node_of(op.name(), inputs, outputs, saved, rule);
                results.truncate(given);
                if let Some(recipe) = recipe {
                    let first = results.swap_remove(0).made_by(recipe);
                    results.push(first);
                    let last = results.len() - 1;
                    results.swap(0, last);
                }
                results
                    .iter_mut()
                    .skip(rules::differentiable(op))
                    .for_each(|result| *result = result.detach());
                Ok(results)
            }
        }
    }

    /// The first result of [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_one(op: &Op, inputs: &[&Self]) -> Result<Self> {
        let mut results = Self::run(op, inputs)?;
        if results.is_empty() {
            return Err(tilewright_ops::ShapeError::NoOperands { op: op.name() }.into());
        }
        Ok(results.swap_remove(0))
    }
}

/// Runs what an operation has taken into itself one after the other: each has a rule, the whole has none.
fn apart(op: &Op, plain: &Op, parts: &[Part], inputs: &[&Var]) -> Result<Vec<Var>> {
    // Checked as a whole: an error names it, and a residual is no sum that broadcasts.
    let facts = op.facts();
    facts.check_count(inputs.len())?;
    let types: Vec<_> = inputs.iter().map(|input| input.tensor().dtype()).collect();
    facts.output_dtypes(&types).map_err(tilewright_tensor::Error::from)?;
    let extents: Vec<_> = inputs.iter().map(|input| input.shape()).collect();
    facts.output_shapes(&extents)?;
    let count = plain.facts().inputs.len();
    let mut y = Var::run_one(plain, &inputs[..count])?;
    for part in parts {
        y = match part {
            Part::Residual => {
                let add = Op::Binary { op: BinaryOp::Add, activation: None };
                Var::run_one(&add, &[&y, inputs[inputs.len() - 1]])?
            }
            Part::Activation(activation) => Var::run_one(&Op::Unary(*activation), &[&y])?,
            Part::Pool(pool) => Var::run_one(pool, &[&y])?,
        };
    }
    Ok(vec![y])
}
