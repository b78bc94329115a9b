//! Gradient checkpointing (Chen et al., arXiv 1604.06174): a part of a network saves its inputs alone, and is computed anew on the
//! way back.

use std::{collections::HashSet, sync::Arc};

use tilewright_tensor::Tensor;

use crate::{
    backward::{Goal, back},
    error::Error,
    leaf::{LeafId, next_id},
    node::Saved,
    reach::nodes_below,
    scope::{Open, passes_by},
    var::{Rule, Var},
};

/// `function` of `inputs`. Of what it computes nothing is saved but its results; on the way back it is called again, and its
/// tape lives from there to its gradients. Gradients go to `inputs` and to whatever else `function` uses: parameters, other
/// values of the pass. They have the bits of the plain run where a value that the part shares with what is outside has one
/// user inside.
///
/// Both calls must do the same. Dropout does, since its mask is a function of seed and stream; a network's own state (running
/// statistics) is for the caller to change once, as `tilewright_nn::Checkpointed` does by [`checkpoint_by`]. Checkpoints may
/// be nested. Hooks on values inside run in the second call; [`Var::retain_gradient`] inside has no effect.
///
/// # Errors
/// Those of `function`; on the way back [`Error::Recomputed`] if the second call differs from the first.
pub fn checkpoint<E: std::error::Error + From<Error> + Send + Sync + 'static>(
    inputs: &[&Var],
    function: impl Fn(&[Var]) -> Result<Vec<Var>, E> + Send + Sync + 'static,
) -> Result<Vec<Var>, E> {
    let function = Arc::new(function);
    let again = function.clone();
    checkpoint_by(inputs, |inputs| function(inputs), move |inputs| again(inputs))
}

/// As [`checkpoint`], with a function for the first call and one for the second, for parts with a state: they compute the same.
///
/// # Errors
/// As [`checkpoint`].
pub fn checkpoint_by<E: std::error::Error + From<Error> + Send + Sync + 'static>(
    inputs: &[&Var],
    first: impl FnOnce(&[Var]) -> Result<Vec<Var>, E>,
    again: impl FnOnce(&[Var]) -> Result<Vec<Var>, E> + Send + 'static,
) -> Result<Vec<Var>, E> {
    let needs: Vec<bool> = inputs.iter().map(|input| input.needs_gradient()).collect();
    let saved: Vec<Tensor> = inputs.iter().map(|input| input.tensor().clone()).collect();
    let part = Open::unrecorded();
    let outputs = first(&stand_ins(&saved, &needs))?;
    let places: Vec<_> = outputs.iter().map(|output| output.node().cloned()).collect();
    passes_by(&places);
    let captured = part.end();
    let tensors: Vec<Tensor> = outputs.iter().map(|output| output.tensor().clone()).collect();
    drop(outputs);
    let held = saved.iter().map(|tensor| Saved::of(tensor, inputs)).collect();
    let keys: Vec<_> = captured.iter().map(|place| place.key()).collect();
    let mut before: Vec<_> = inputs.iter().map(|input| input.node().cloned()).collect();
    before.extend(captured.into_iter().map(Some));
    let shapes: Vec<_> = tensors.iter().map(|tensor| tensor.shape().to_vec()).collect();
    let rule: Rule = Box::new(move |gradients, wanted| {
        let _part = Open::recorded();
        let above = next_id();
        let stand_ins = stand_ins(&saved, &wanted[..saved.len()]);
        let outputs = again(&stand_ins).map_err(Error::function)?;
        let same = outputs.iter().map(|output| output.shape()).eq(shapes.iter().map(Vec::as_slice));
        if !same {
            return Err(Error::Recomputed { reason: "it gives results of other shapes" });
        }
        let roots = outputs
            .into_iter()
            .zip(gradients)
            .filter_map(|(output, gradient)| Some((output.node()?.clone(), gradient?)));
        let roots: Vec<_> = roots.collect();
        drop(saved);
        let used = stand_ins.iter().map(|input| input.node().map(|place| place.key()));
        let all: Vec<_> = used.chain(keys.into_iter().map(Some)).collect();
        drop(stand_ins);
        // What it takes from before it must be what it took at first: else a gradient would be lost.
        let below = nodes_below(roots.iter().map(|(place, _)| place.node.clone()), above);
        if below.keys().any(|&id| id < above && !all.iter().flatten().any(|key| key.0 == id)) {
            return Err(Error::Recomputed {
                reason: "it uses a leaf or a value that it did not use at first",
            });
        }
        drop(below);
        let needed = all.iter().zip(wanted).filter(|(_, wanted)| **wanted);
        let goal = Goal::Only { wanted: needed.filter_map(|(key, _)| *key).collect::<HashSet<_>>(), above };
        let mut found = back(roots, &goal)?;
        Ok(all.iter().map(|key| found.take(key.as_ref()?)).collect())
    });
    let results = Var::node_at("checkpoint", before, tensors, held, rule);
    let own = results.into_iter().zip(places);
    Ok(own.map(|(result, place)| if place.is_some() { result } else { result.detach() }).collect())
}

/// Leaves in the inputs' places where a gradient is wanted.
fn stand_ins(inputs: &[Tensor], wanted: &[bool]) -> Vec<Var> {
    let stand_in = |(tensor, wanted): (&Tensor, &bool)| {
        if *wanted { Var::leaf_of(tensor.clone(), LeafId::new()) } else { Var::constant(tensor.clone()) }
    };
    inputs.iter().zip(wanted).map(stand_in).collect()
}
