//! The way back over the tape.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tilewright_tensor::{self as tensor, DType, Tensor};

use crate::{
    detect,
    error::{Error, Result},
    gradients::{Gradients, sum},
    leaf::LeafId,
    node::{Asked, Key, Node, Place, Way},
    reach::{Reach, nodes_below},
    var::Var,
};

impl Var {
    /// The gradients of this value, which has one element, by every leaf. Frees the tape.
    ///
    /// # Errors
    /// [`Error::NotScalar`], [`Error::NoTape`], and [`Error::Freed`] at the second call.
    pub fn backward(&self) -> Result<Gradients> {
        self.backward_with(&self.one()?)
    }

    /// The gradients of `Σ gradient · self` by every leaf: `gradient` has this value's shape. Frees the tape.
    ///
    /// # Errors
    /// As [`Self::backward`]; [`Error::GradientShape`].
    pub fn backward_with(&self, gradient: &Tensor) -> Result<Gradients> {
        back(vec![(self.root(gradient)?, gradient.clone())], &Goal::Leaves)
    }

    /// As [`Self::backward`], but each leaf's gradient goes to `take` as soon as it is whole, while the tape below is still there: so
    /// gradients need not all be in memory at once. A leaf that does not get a gradient does not come.
    ///
    /// # Errors
    /// As [`Self::backward`], and those of `take`, which end the way back.
    pub fn backward_each<E: From<Error>>(
        &self,
        mut take: impl FnMut(LeafId, Tensor) -> Result<(), E>,
    ) -> Result<(), E> {
        let gradient = self.one()?;
        let root = (self.root(&gradient)?, gradient);
        let mut failed = None;
        let mut give = |id, gradient| match take(id, gradient) {
            Ok(()) => true,
            Err(error) => {
                failed = Some(error);
                false
            }
        };
        let outcome = back_to(vec![root], &Goal::Leaves, Some(&mut give));
        failed.map_or(Ok(()), Err)?;
        outcome?;
        Ok(())
    }

    /// The gradients of this value, which has one element, by these values alone, leaves or others (`torch.autograd.grad`):
    /// what does not lead to one of them is not computed. Frees the tape on the way.
    ///
    /// # Errors
    /// As [`Self::backward`]; [`Error::Constant`] if one of them has no gradient.
    pub fn backward_for(&self, values: &[&Self]) -> Result<Gradients> {
        self.backward_for_with(values, &self.one()?)
    }

    /// As [`Self::backward_for`], of `Σ gradient · self`.
    ///
    /// # Errors
    /// As [`Self::backward_for`]; [`Error::GradientShape`].
    pub fn backward_for_with(&self, values: &[&Self], gradient: &Tensor) -> Result<Gradients> {
        let wanted =
            values.iter().map(|value| Ok(value.place("backward_for")?.key())).collect::<Result<_>>()?;
        back(vec![(self.root(gradient)?, gradient.clone())], &Goal::Only { wanted, above: 0 })
    }

    /// The gradient of a loss by itself.
    fn one(&self) -> Result<Tensor> {
        if self.tensor().count() != 1 {
            return Err(Error::NotScalar { shape: self.shape().to_vec() });
        }
        Ok(Tensor::ones(self.tensor().context(), self.shape())?)
    }

    /// Where the way back begins with `gradient`.
    fn root(&self, gradient: &Tensor) -> Result<Place> {
        let op = "backward";
        check_shape(op, gradient, self.shape())?;
        if gradient.dtype() != DType::F32 {
            let (operand, found) = ("gradient", gradient.dtype());
            return Err(tensor::Error::DType { op, operand, found, expected: DType::F32.name() }.into());
        }
        if !gradient.context().same(self.tensor().context()) {
            return Err(tensor::Error::Contexts { op }.into());
        }
        self.node().cloned().ok_or(Error::NoTape)
    }
}

/// Whose gradients are wanted.
pub(crate) enum Goal {
    /// Of all leaves, and of what was retained.
    Leaves,
    /// Of these. Nodes whose number is below `above` are another tape's, which is left alone.
    Only { wanted: HashSet<Key>, above: u64 },
}

/// Goes back from `roots` with their gradients.
pub(crate) fn back(roots: Vec<(Place, Tensor)>, goal: &Goal) -> Result<Gradients> {
    back_to(roots, goal, None)
}

/// Takes a leaf's gradient; whether to go on.
type Give<'a> = &'a mut dyn FnMut(LeafId, Tensor) -> bool;

/// As [`back`], where `give` gets the gradients of leaves as they become whole, if it is there.
fn back_to(roots: Vec<(Place, Tensor)>, goal: &Goal, mut give: Option<Give<'_>>) -> Result<Gradients> {
    let mut found = Gradients::default();
    let nodes = || roots.iter().map(|(place, _)| place.node.clone());
    let (wanted, above) = match goal {
        Goal::Leaves => (None, 0),
        Goal::Only { wanted, above } => (Some(wanted), *above),
    };
    let reach = wanted.map(|wanted| Reach::of(nodes(), wanted, above));
    let watch = detect::Watch::begin(nodes());
    let mut uses = if give.is_some() { leaf_uses(nodes(), above) } else { HashMap::new() };
    // Every user of a value has a higher number than the value: when a node is the highest, its gradients are whole.
    let mut waiting: BTreeMap<u64, Waiting> = BTreeMap::new();
    // Leaves have low numbers; those whose users have all been visited come first.
    let mut ready: Vec<u64> = Vec::new();
    for (place, gradient) in roots {
        Waiting::add(&mut waiting, place, gradient)?;
    }
    loop {
        let next = ready.pop().and_then(|leaf| Some((leaf, waiting.remove(&leaf)?)));
        let Some((id, Waiting { nodes, mut gradients })) = next.or_else(|| waiting.pop_last()) else { break };
        let mut retained = HashSet::new();
        for node in &nodes {
            whole(node, &mut gradients, &mut retained)?;
        }
        let node = &nodes[0];
        if let (true, Some(give)) = (node.leaf, give.as_mut()) {
            let go_on = gradients.swap_remove(0).is_none_or(|gradient| give(LeafId(id), gradient));
            if go_on {
                continue;
            }
            break;
        }
        for (output, gradient) in gradients.iter().enumerate() {
            let key = (id, output);
            let keep = match wanted {
                None => node.leaf || retained.contains(&output),
                Some(wanted) => wanted.contains(&key),
            };
            if let (true, Some(gradient)) = (keep, gradient) {
                found.put(key, gradient.clone());
            }
        }
        if node.leaf || id < above || reach.as_ref().is_some_and(|reach| !reach.below(id)) {
            continue;
        }
        let Way { inputs, rule } = node.take().ok_or(Error::Freed { op: node.op })?;
        let leads = |input: &Place| reach.as_ref().is_none_or(|reach| reach.leads(&input.node));
        let needs: Vec<_> = inputs.iter().map(|input| input.as_ref().is_some_and(leads)).collect();
        let by_input = rule(gradients, &needs)?;
        if by_input.len() != inputs.len() {
            let (found, expected) = (by_input.len(), inputs.len());
            return Err(Error::GradientCount { op: node.op, found, expected });
        }
        watch.after_rule(node, &inputs, &by_input)?;
        for ((input, gradient), needed) in inputs.into_iter().zip(by_input).zip(needs) {
            let Some(input) = input else { continue };
            if let Some(left) = uses.get_mut(&input.node.id) {
                *left -= 1;
                if *left == 0 {
                    ready.push(input.node.id);
                }
            }
            let (Some(gradient), true) = (gradient, needed) else { continue };
            check_shape(node.op, &gradient, &input.node.shapes[input.output])?;
            Waiting::add(&mut waiting, input, gradient)?;
        }
    }
    Ok(found)
}

/// How often the operations below some roots take each leaf.
fn leaf_uses(roots: impl Iterator<Item = Arc<Node>>, above: u64) -> HashMap<u64, usize> {
    let mut uses = HashMap::new();
    for node in nodes_below(roots, above).into_values() {
        for input in node.inputs().into_iter().flatten().flatten().filter(|input| input.node.leaf) {
            *uses.entry(input.node.id).or_default() += 1;
        }
    }
    uses
}

/// What was asked of a node's gradients, now that they are whole: hooks see and replace them, and some are kept.
fn whole(node: &Node, gradients: &mut [Option<Tensor>], retained: &mut HashSet<usize>) -> Result<()> {
    // Taken out, so that a hook may ask again without waiting for itself.
    let mut asked = std::mem::take(&mut *node.asked());
    for asked in &mut asked {
        match asked {
            Asked::Retain(output) => {
                retained.insert(*output);
            }
            Asked::Hook(output, hook) => {
                let Some(slot) = gradients.get_mut(*output) else { continue };
                let Some(gradient) = slot.as_ref() else { continue };
                let Some(other) = hook(gradient)? else { continue };
                check_shape("the hook of a gradient", &other, gradient.shape())?;
                if other.dtype() != gradient.dtype() {
                    let (op, operand, found) = ("the hook of a gradient", "gradient", other.dtype());
                    let expected = gradient.dtype().name();
                    return Err(tensor::Error::DType { op, operand, found, expected }.into());
                }
                *slot = Some(other);
            }
        }
    }
    node.asked().splice(0..0, asked);
    Ok(())
}

fn check_shape(op: &'static str, gradient: &Tensor, expected: &[usize]) -> Result<()> {
    if gradient.shape() == expected {
        return Ok(());
    }
    let (found, expected) = (gradient.shape().to_vec(), expected.to_vec());
    Err(Error::GradientShape { op, found, expected })
}

/// A node whose turn comes, with the gradients of its outputs as far as they have been added up.
struct Waiting {
    /// One, or several of one leaf.
    nodes: Vec<Arc<Node>>,
    gradients: Vec<Option<Tensor>>,
}

impl Waiting {
    fn add(waiting: &mut BTreeMap<u64, Self>, place: Place, gradient: Tensor) -> Result<()> {
        let Place { node, output } = place;
        let entry = waiting.entry(node.id).or_insert_with(|| {
            let gradients = vec![None; node.shapes.len()];
            Self { nodes: Vec::new(), gradients }
        });
        if !entry.nodes.iter().any(|known| Arc::ptr_eq(known, &node)) {
            entry.nodes.push(node);
        }
        let slot = &mut entry.gradients[output];
        *slot = Some(match slot.take() {
            Some(earlier) => sum(earlier, gradient)?,
            None => gradient,
        });
        Ok(())
    }
}
