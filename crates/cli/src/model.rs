//! A zoo network whose sizes follow from its weights and its input.

use std::path::Path;

use tilewright_nn::{LoadReport, ParameterStore, StateDict};
use tilewright_runtime::Context;
use tilewright_zoo::{Network, Options, Shortcut, build};

use crate::{Error, Result};

/// Builds the network `name` for images of `image` (channels, height, width) and loads `weights` into it.
///
/// The number of classes is that of the file's `fc.bias`, and a ResNet's shortcuts are those that the file has.
pub fn load(
    context: &Context,
    name: &str,
    weights: &Path,
    image: [usize; 3],
) -> Result<(Network, LoadReport)> {
    let state = StateDict::read(weights)?;
    let classes = match state.tensors.get("fc.bias").map(|bias| bias.shape()) {
        Some(&[classes]) => classes,
        _ => {
            let reason = format!("it has no one-dimensional `fc.bias`, by which `{name}` counts its classes");
            return Err(Error::Array { path: weights.display().to_string(), reason });
        }
    };
    // A ResNet without weights for its shortcuts has the paper's, which need none.
    let projects = state.tensors.keys().any(|key| key.contains(".downsample."));
    let shortcut =
        if projects || !name.starts_with("resnet") { Shortcut::Projection } else { Shortcut::Padding };
    let store = ParameterStore::new(context, 0);
    let network = build(name, &store, Options { image, classes, shortcut })?;
    let report = state.load_into(&network.store, &weights.display().to_string())?;
    Ok((network, report))
}

/// N C H W of an input, or an error that names the file.
pub fn image_shape(path: &Path, shape: &[usize]) -> Result<[usize; 4]> {
    shape.try_into().map_err(|_| Error::Array {
        path: path.display().to_string(),
        reason: format!("it has shape {shape:?}; N×C×H×W is wanted"),
    })
}
