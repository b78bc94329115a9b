//! Keras' variables as PyTorch's: by the model's own description, never by order or name alone.
//!
//! Keras 3 names a variable by the class of its layer and a number (`layers/conv2d_1/vars/0`), Keras 2's HDF5 files by the
//! layer's name (`model_weights/stem/stem/kernel:0`): `conv2d` can be one layer in the one and another in the other. So each layer
//! is found in the description, which also says of what kind it is, and the layout follows from the kind:
//!
//! | layer | variable | here |
//! | --- | --- | --- |
//! | `Conv1D`, `Conv2D`, `Conv3D` | kernel, space × in × out | weight, out × in × space |
//! | `DepthwiseConv2D` | kernel, space × in × multiplier | weight, in · multiplier × 1 × space |
//! | `SeparableConv2D` | both kernels | `depthwise.weight`, `pointwise.weight` |
//! | `Conv2DTranspose` | kernel, space × out × in | weight, in × out × space |
//! | `Dense` | kernel, in × out | weight, out × in |
//! | `BatchNormalization` | gamma, beta, moving mean and variance | weight, bias, `running_mean`, `running_var` |
//! | `LayerNormalization`, `GroupNormalization` | gamma, beta | weight, bias |
//! | `Embedding` | embeddings | weight |
//!
//! Variables of other layers keep their layout and get the layer's name.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{array::Array, error::Fault};

/// A layer of the description.
struct Layer {
    /// The user's name of it, behind the names of the models that it is in.
    name: String,
    class: String,
    config: Value,
}

/// How the elements of a variable come to lie.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turn {
    Keep,
    /// The axes in their new order.
    Axes(Vec<usize>),
    /// The last two axes first and as one, then one of 1, then the others.
    Depthwise,
}

/// Where a variable goes: the path in the file, and how it is turned.
pub(crate) type Plan = BTreeMap<String, (String, Turn)>;

/// How deep models may lie in one another.
const DEEPEST: usize = 16;

/// The layers of a model, by the path that Keras 3 gives each in the file.
fn layers(
    model: &Value,
    path: &str,
    prefix: &str,
    depth: usize,
    found: &mut BTreeMap<String, Layer>,
) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault::Limit { what: "the depth of its models", limit: DEEPEST as u64 });
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for layer in model["config"]["layers"].as_array().into_iter().flatten() {
        let class = layer["class_name"].as_str().unwrap_or_default();
        let config = &layer["config"];
        let name = config["name"].as_str().or(layer["name"].as_str()).unwrap_or_default();
        let snake = snake_case(class);
        let number = numbers.entry(snake.clone()).and_modify(|number| *number += 1).or_insert(0);
        let own = if *number == 0 { snake } else { format!("{snake}_{number}") };
        let (path, name) = (format!("{path}layers/{own}"), format!("{prefix}{name}"));
        if config["layers"].is_array() {
            layers(layer, &format!("{path}/"), &format!("{name}."), depth + 1, found)?;
        } else {
            found.insert(path, Layer { name, class: class.to_owned(), config: config.clone() });
        }
    }
    Ok(())
}

/// A class's name as Keras writes it in paths: `BatchNormalization` is `batch_normalization`, `Conv2DTranspose` is
/// `conv2d_transpose`.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> =
        class.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let mut snake = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let starts_word = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let after_small = before.is_some_and(|before| before.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && before.is_some() && (starts_word || after_small) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Where each dataset of a Keras file goes.
///
/// `paths` are those of the file, `description` is the model's configuration.
pub(crate) fn plan<'a>(
    paths: impl Iterator<Item = (&'a str, &'a [usize])>,
    description: &str,
    notes: &mut Vec<String>,
) -> Result<Plan, Fault> {
    let model: Value = serde_json::from_str(description)
        .map_err(|error| Fault::damaged(format!("its model's description is no JSON ({error})")))?;
    let mut known = BTreeMap::new();
    layers(&model, "", "", 0, &mut known)?;
    if known.is_empty() {
        return Err(Fault::State(
            "its model's description lists no layers: it is of a class of its own. Leave --layout keras out, and name the \
             variables with --map"
                .to_owned(),
        ));
    }
    let (mut plan, mut others, mut kept) = (Plan::new(), Vec::new(), Vec::new());
    for (path, shape) in paths {
        let Some((layer, variable)) = found(&known, path)? else {
            others.push(path.to_owned());
            continue;
        };
        let (name, turn) = turned(layer, &variable, shape)?;
        if turn.is_none() {
            kept.push(format!("{}.{name} ({})", layer.name, layer.class));
        }
        let name = format!("{}.{name}", layer.name);
        if let Some((other, _)) = plan.insert(name.clone(), (path.to_owned(), turn.unwrap_or(Turn::Keep))) {
            return Err(Fault::State(format!("`{other}` and `{path}` would both be called `{name}`")));
        }
    }
    if !others.is_empty() {
        notes.push(format!("left out, for they are no variables of layers: {}", shortened(&others)));
    }
    if !kept.is_empty() {
        notes.push(format!("of layers that PyTorch has otherwise, as they are: {}", shortened(&kept)));
    }
    Ok(plan)
}

fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(8);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// A variable of a layer: its number, or its name.
enum Variable<'a> {
    Number(usize),
    Name(&'a str),
}

/// The layer that a path is of, and which variable of it. None for what belongs to no layer, as an optimizer's.
fn found<'l, 'p>(
    known: &'l BTreeMap<String, Layer>,
    path: &'p str,
) -> Result<Option<(&'l Layer, Variable<'p>)>, Fault> {
    if let Some((layer, number)) = path.split_once("/vars/") {
        let Some(layer) = known.get(layer) else { return Ok(None) };
        let number = number.parse().map_err(|_| Fault::damaged(format!("`{path}` has no number")))?;
        return Ok(Some((layer, Variable::Number(number))));
    }
    let Some(path) = path.strip_prefix("model_weights/") else { return Ok(None) };
    let Some((folder, name)) = path.rsplit_once('/') else { return Ok(None) };
    let name = name.split(':').next().unwrap_or(name);
    // The layer's name is said once by its group and again by its variables; in a nested model, behind the model's.
    let of = |layer: &&Layer| {
        let last = layer.name.rsplit('.').next().unwrap_or_default();
        folder.split('/').rev().any(|part| part == last)
    };
    let layers: Vec<&Layer> = known.values().filter(of).collect();
    match &layers[..] {
        [] => Ok(None),
        [one] => Ok(Some((one, Variable::Name(name)))),
        several => Err(Fault::State(format!(
            "`{path}` is of one of several layers of a name: {}; leave --layout keras out",
            several.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The names of a layer's variables, in their order.
fn variables(layer: &Layer) -> Vec<&'static str> {
    let has = |option: &str| layer.config[option].as_bool().unwrap_or(true);
    let only =
        |names: &[(&'static str, bool)]| names.iter().filter(|name| name.1).map(|name| name.0).collect();
    match layer.class.as_str() {
        "Conv1D" | "Conv2D" | "Conv3D" | "Conv1DTranspose" | "Conv2DTranspose" | "Conv3DTranspose"
        | "Dense" => only(&[("kernel", true), ("bias", has("use_bias"))]),
        "DepthwiseConv1D" | "DepthwiseConv2D" => {
            only(&[("depthwise_kernel", true), ("bias", has("use_bias"))])
        }
        "SeparableConv1D" | "SeparableConv2D" => {
            only(&[("depthwise_kernel", true), ("pointwise_kernel", true), ("bias", has("use_bias"))])
        }
        "BatchNormalization" => only(&[
            ("gamma", has("scale")),
            ("beta", has("center")),
            ("moving_mean", true),
            ("moving_variance", true),
        ]),
        "LayerNormalization" | "GroupNormalization" => {
            only(&[("gamma", has("scale")), ("beta", has("center"))])
        }
        "Embedding" => vec!["embeddings"],
        _ => Vec::new(),
    }
}

/// PyTorch's name of a variable and how it is turned; no turn for layers that are not known.
fn turned(layer: &Layer, variable: &Variable<'_>, shape: &[usize]) -> Result<(String, Option<Turn>), Fault> {
    let names = variables(layer);
    let name = match *variable {
        Variable::Name(name) => name.to_owned(),
        Variable::Number(number) => match names.get(number) {
            Some(name) => (*name).to_owned(),
            None if names.is_empty() => number.to_string(),
            None => {
                return Err(Fault::State(format!(
                    "layer `{}` ({}) has a variable number {number}, and its description gives it {}",
                    layer.name,
                    layer.class,
                    names.len()
                )));
            }
        },
    };
    if names.is_empty() {
        return Ok((name, None));
    }
    let rank = shape.len();
    // The last two axes before the others, which are space.
    let swapped =
        |a: usize, b: usize| Turn::Axes([a, b].into_iter().chain(0..rank.saturating_sub(2)).collect());
    let (new, wanted, turn) = match (layer.class.as_str(), name.as_str()) {
        ("Dense", "kernel") => ("weight", 2, Turn::Axes(vec![1, 0])),
        // Keras 2 calls it by the one name, Keras 3 by the other.
        (class, "kernel" | "depthwise_kernel") if class.starts_with("Depthwise") => {
            ("weight", rank.max(3), Turn::Depthwise)
        }
        // Out and in lie the other way round in transposed ones, here as there.
        (_, "kernel") => ("weight", rank.max(3), swapped(rank.wrapping_sub(1), rank.wrapping_sub(2))),
        (class, "depthwise_kernel") if class.starts_with("Separable") => {
            ("depthwise.weight", rank.max(3), Turn::Depthwise)
        }
        (_, "pointwise_kernel") => {
            ("pointwise.weight", rank.max(3), swapped(rank.wrapping_sub(1), rank.wrapping_sub(2)))
        }
        (class, "bias") if class.starts_with("Separable") => ("pointwise.bias", 1, Turn::Keep),
        (_, "bias" | "beta") => ("bias", rank, Turn::Keep),
        (_, "gamma") => ("weight", rank, Turn::Keep),
        (_, "moving_mean") => ("running_mean", 1, Turn::Keep),
        (_, "moving_variance") => ("running_var", 1, Turn::Keep),
        (_, "embeddings") => ("weight", 2, Turn::Keep),
        (_, other) => return Ok((other.to_owned(), None)),
    };
    if rank != wanted {
        return Err(Fault::State(format!(
            "`{name}` of layer `{}` ({}) has the shape {shape:?}, which no such layer has",
            layer.name, layer.class
        )));
    }
    Ok((new.to_owned(), Some(turn)))
}

impl Turn {
    /// The axes in their order, and the shape that they make.
    pub fn shape(&self, shape: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let rank = shape.len();
        let axes: Vec<usize> = match self {
            Self::Keep => (0..rank).collect(),
            Self::Axes(axes) => axes.clone(),
            Self::Depthwise => [rank - 2, rank - 1].into_iter().chain(0..rank - 2).collect(),
        };
        let mut turned: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
        if *self == Self::Depthwise {
            turned[0] = turned[0].saturating_mul(turned[1]);
            turned[1] = 1;
        }
        (axes, turned)
    }

    /// The array with its axes so.
    pub fn apply(&self, array: Array) -> Array {
        if *self == Self::Keep {
            return array;
        }
        let (axes, shape) = self.shape(&array.shape);
        let size = array.element.size();
        let mut strides = vec![size; array.shape.len()];
        for axis in (0..strides.len().saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * array.shape[axis + 1];
        }
        let mut places = vec![0];
        for &axis in &axes {
            let along = |place: usize| (0..array.shape[axis]).map(move |at| (place, at));
            places =
                places.into_iter().flat_map(along).map(|(place, at)| place + at * strides[axis]).collect();
        }
        let bytes =
            places.into_iter().flat_map(|place| array.bytes[place..place + size].iter().copied()).collect();
        Array { element: array.element, shape, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_written_as_keras_does() {
        for (class, snake) in [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("BatchNormalization", "batch_normalization"),
            ("Dense", "dense"),
            ("InputLayer", "input_layer"),
            ("PReLU", "p_re_lu"),
            ("GRU", "gru"),
        ] {
            assert_eq!(snake_case(class), snake);
        }
    }
}
