//! Where the first NaN or infinity comes from.

use std::{cell::Cell, collections::BTreeMap, sync::Arc};

use tilewright_tensor::{DType, Tensor};

use crate::{
    anomaly::{Anomaly, Culprit},
    error::{Error, Result},
    leaf::LeafId,
    node::{Node, Place},
    reach::nodes_below,
    var::Var,
};

thread_local! {
    /// Operations that this thread has checked; nothing while nobody wants it.
    static CHECKED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs `work`, and has every operation on variables and every gradient in it looked at: the first result that is NaN or
/// infinite is an [`Error::Anomaly`], which names the operation and its place on the tape. Only work of this thread is looked
/// at, forward and backward. Each result is read back, so that it is slow: for looking for a fault, not for training.
///
/// ```no_run
/// use tilewright_autograd::{Var, detect_anomaly};
/// # let context = tilewright_runtime::Context::new()?;
/// let x = Var::leaf(tilewright_tensor::Tensor::from_slice(&context, &[1.0f32, -1.0], &[2])?);
/// let found = detect_anomaly(|| x.unary(tilewright_ops::UnaryOp::Log));
/// assert!(found.is_err_and(|error| error.to_string().contains("log")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn detect_anomaly<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(Option<u64>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CHECKED.set(self.0);
        }
    }
    let before = CHECKED.get();
    let _restore = Restore(before);
    CHECKED.set(Some(before.unwrap_or(0)));
    work()
}

/// What is not finite in a tensor.
struct Found {
    nan: usize,
    infinite: usize,
    first: Vec<usize>,
}

/// Reads `tensor` back; nothing if all of it is finite, or it holds no real numbers yet.
fn look(tensor: &Tensor) -> Result<Option<Found>> {
    if tensor.is_symbolic() || !tensor.buffer().is_backed() {
        return Ok(None);
    }
    let values = match tensor.dtype() {
        DType::F32 => tensor.to_vec::<f32>()?,
        DType::F16 => tensor.cast(DType::F32)?.to_vec::<f32>()?,
        _ => return Ok(None),
    };
    let Some(mut at) = values.iter().position(|value| !value.is_finite()) else { return Ok(None) };
    let mut first = vec![0; tensor.rank()];
    for (place, &extent) in first.iter_mut().zip(tensor.shape()).rev() {
        *place = at % extent.max(1);
        at /= extent.max(1);
    }
    let nan = values.iter().filter(|value| value.is_nan()).count();
    let infinite = values.iter().filter(|value| value.is_infinite()).count();
    Ok(Some(Found { nan, infinite, first }))
}

fn shapes(tensors: &[Tensor]) -> Vec<Vec<usize>> {
    tensors.iter().map(|tensor| tensor.shape().to_vec()).collect()
}

/// Whether somebody wants results to be looked at.
pub(crate) fn is_on() -> bool {
    CHECKED.get().is_some()
}

/// Looks at what an operation gave, where somebody wants it.
pub(crate) fn after_forward(op: &'static str, inputs: &[&Var], outputs: &[Tensor]) -> Result<()> {
    let Some(checked) = CHECKED.get() else { return Ok(()) };
    let place = checked + 1;
    CHECKED.set(Some(place));
    let anomaly = |value, tensor: &Tensor, found: Found, leaf| {
        let operands = inputs.iter().map(|input| input.shape().to_vec()).collect();
        let (results, of, backward) = (shapes(outputs), None, false);
        let (Found { nan, infinite, first }, count) = (found, tensor.count());
        let name = None;
        Error::Anomaly(Box::new(Anomaly {
            op,
            backward,
            place,
            of,
            operands,
            results,
            value,
            nan,
            infinite,
            count,
            first,
            leaf,
            name,
        }))
    };
    for (at, output) in outputs.iter().enumerate() {
        let Some(found) = look(output)? else { continue };
        // All results before were finite: an operand that is not comes from outside.
        for (at, input) in inputs.iter().enumerate() {
            if let Some(found) = look(input.tensor())? {
                let leaf = input.node().filter(|place| place.node.leaf).map(|place| LeafId(place.node.id));
                return Err(anomaly(Culprit::Operand(at), input.tensor(), found, leaf));
            }
        }
        return Err(anomaly(Culprit::Result(at), output, found, None));
    }
    Ok(())
}

/// Looks at gradients on a way back.
pub(crate) struct Watch {
    /// The place of each node that is no leaf, where somebody wants it.
    places: Option<BTreeMap<u64, u64>>,
}

impl Watch {
    pub fn begin(roots: impl Iterator<Item = Arc<Node>>) -> Self {
        let places = CHECKED.get().map(|_| {
            let nodes = nodes_below(roots, 0);
            let operations = nodes.values().filter(|node| !node.leaf);
            operations.zip(1..).map(|(node, place)| (node.id, place)).collect()
        });
        Self { places }
    }

    /// Looks at what the rule of `node` gave.
    pub fn after_rule(
        &self,
        node: &Node,
        inputs: &[Option<Place>],
        gradients: &[Option<Tensor>],
    ) -> Result<()> {
        let Some(places) = &self.places else { return Ok(()) };
        for (at, gradient) in gradients.iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let Some(Found { nan, infinite, first }) = look(gradient)? else { continue };
            let shape = |place: &Option<Place>| {
                place.as_ref().map_or_else(Vec::new, |place| place.node.shapes[place.output].clone())
            };
            let leaf = inputs.get(at).and_then(Option::as_ref).filter(|place| place.node.leaf);
            return Err(Error::Anomaly(Box::new(Anomaly {
                op: node.op,
                backward: true,
                place: places.get(&node.id).copied().unwrap_or_default(),
                of: Some(places.len() as u64),
                operands: inputs.iter().map(shape).collect(),
                results: node.shapes.clone(),
                value: Culprit::Gradient(at),
                nan,
                infinite,
                count: gradient.count(),
                first,
                leaf: leaf.map(|place| LeafId(place.node.id)),
                name: None,
            })));
        }
        Ok(())
    }
}
