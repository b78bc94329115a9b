//! Darknet's weights as a state dict, and back.

use tilewright_darknet::{Array, Header, Kind, Network, Part, Weights, arrays};
use tilewright_nn::{Error, HostTensor, Result, StateDict};

/// The counter of images.
const SEEN: &str = "seen";

/// The path of an array among a network's parameters, such as `layers.0.norm.running_mean`.
pub fn darknet_path(network: &Network, array: &Array) -> String {
    let layer = network.layers.get(array.layer).map(|layer| &layer.kind);
    let (product, normalises) = match layer {
        Some(Kind::Connected(connected)) => ("linear", connected.batch_normalize),
        Some(Kind::Convolutional(conv)) => ("conv", conv.batch_normalize),
        _ => ("conv", false),
    };
    let name = match array.part {
        Part::Weight => format!("{product}.weight"),
        Part::Bias if !normalises => format!("{product}.bias"),
        Part::Bias => "norm.bias".to_owned(),
        Part::Scale => "norm.weight".to_owned(),
        Part::Mean => "norm.running_mean".to_owned(),
        Part::Variance => "norm.running_var".to_owned(),
    };
    format!("layers.{}.{name}", array.layer)
}

/// What a file holds, under the paths of a [`Darknet`](super::Darknet) of `network`. Of a file of first layers it is those alone, for
/// [`StateDict::load_matching`].
pub fn darknet_state(network: &Network, weights: Weights) -> StateDict {
    let mut state = StateDict::default();
    let seen = i64::try_from(weights.header.seen).unwrap_or(i64::MAX);
    state.tensors.insert(SEEN.to_owned(), HostTensor::I64(vec![seen], Vec::new()));
    for (array, values) in weights.arrays {
        let path = darknet_path(network, &array);
        state.tensors.insert(path, HostTensor::F32(values, array.shape));
    }
    state
}

/// The file of a state dict of `network`, whose header has the version of `header` and, where the state dict has a counter, its
/// images.
///
/// # Errors
/// [`Error::MissingValue`] and [`Error::ParameterShape`] where the state dict is not the network's.
pub fn darknet_weights(network: &Network, state: &StateDict, header: Header) -> Result<Weights> {
    let mut header = header;
    if let Some(HostTensor::I64(values, _)) = state.tensors.get(SEEN) {
        header.seen = values.first().map_or(0, |&seen| u64::try_from(seen).unwrap_or(0));
    }
    let mut filled = Vec::new();
    for array in arrays(network) {
        let path = darknet_path(network, &array);
        let there = || "those of another network: take the .cfg that the state dict was made with".to_owned();
        match state.tensors.get(&path) {
            Some(HostTensor::F32(values, shape)) if *shape == array.shape => {
                filled.push((array, values.clone()))
            }
            Some(other) => {
                return Err(Error::ParameterShape {
                    path,
                    expected: array.shape,
                    found: other.shape().to_vec(),
                });
            }
            None => return Err(Error::MissingValue { name: path, there: there() }),
        }
    }
    Ok(Weights { header, arrays: filled, layers: network.layers.len() })
}
