//! What a network has to be so that a state dict fits it.

use tilewright_nn::StateSource;

use super::{
    build::{entries, entry},
    entry::{Entry, Task},
    error::Error,
    options::Options,
};
use crate::blocks::Shortcut;

/// The options with which the network `name` has the tensors of `state`: as many classes as its head, the shortcuts of a
/// ResNet that has weights for them, or none, and auxiliary heads if it has some. Prefixes of PyTorch's wrappers are to be
/// off already ([`tilewright_nn::Unwrapped`]).
///
/// # Errors
/// [`Error::UnknownName`]; [`Error::NoHead`] where the classes cannot be counted, with a network whose head `state` has.
pub fn options_of(name: &str, state: &dyn StateSource, image: [usize; 3]) -> Result<Options, Error> {
    let entry = entry(name)?;
    let Some(classes) = classes(entry, state) else {
        let other = entries().find(|other| classes(other, state).is_some());
        let hint = other.map_or_else(
            || "are these the weights of a whole network, under torchvision's names?".to_owned(),
            |other| format!("it has `{}`, as `{}` has", other.head, other.name),
        );
        return Err(Error::NoHead { file: state.label(), name: entry.name, head: entry.head, hint });
    };
    let has = |part: &str| state.names().iter().any(|key| key.contains(part));
    // A ResNet without weights for its shortcuts has the paper's, which need none.
    let shortcut = if has(".downsample.") || !name.starts_with("resnet") {
        Shortcut::Projection
    } else {
        Shortcut::Padding
    };
    let auxiliary = state.names().iter().any(|key| key.starts_with("aux"));
    Ok(Options::new(image, classes).shortcut(shortcut).auxiliary(auxiliary))
}

/// The first extent of the network's head; of a detector's three anchors, what each has beside a box and its objectness.
fn classes(entry: &Entry, state: &dyn StateSource) -> Option<usize> {
    let found = state.shape(entry.head).and_then(|shape| shape.first().copied())?;
    match entry.task {
        Task::Detection => {
            (found / 3).checked_sub(5).filter(|classes| 3 * (classes + 5) == found && *classes > 0)
        }
        Task::Classification | Task::Segmentation => Some(found),
    }
}
