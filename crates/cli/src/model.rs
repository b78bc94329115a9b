//! The network that a command names: an ONNX file, or one of the zoo, whose sizes follow from its weights and its input.

use std::{path::Path, sync::Arc};

use tilewright_graph::{Graph, ValueId};
use tilewright_nn::{INPUT, LoadReport, ParameterStore, Unwrapped};
use tilewright_onnx::{ElementType, Import, Imported, InputPort, Model, OutputPort};
use tilewright_ops::DType;
use tilewright_runtime::Context;
use tilewright_weights::Opened;
use tilewright_zoo::{Network, Options, build, options_of};

use crate::{
    error::Error,
    error::Result,
    mistaken,
    weights::{self, Weights},
};

/// Classes of a network that is made without weights: ImageNet's.
const CLASSES: usize = 1000;

/// An input as a command line gives it.
pub struct InputShape {
    /// The file or argument that it comes from, for messages.
    pub from: String,
    /// Its name, where it was named.
    pub name: Option<String>,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// A network as a graph, with what goes in and comes out in its own types.
pub struct Loaded {
    /// The graph.
    pub graph: Graph,
    /// The inputs, in the graph's order.
    pub inputs: Vec<InputPort>,
    /// The outputs, in the model's order.
    pub outputs: Vec<OutputPort>,
}

/// [`load_graph`], for those who look at the graph alone.
pub fn graph(context: &Context, model: &str, weights: Option<&Path>, inputs: &[InputShape]) -> Result<Graph> {
    Ok(load_graph(context, model, weights, inputs)?.graph)
}

/// The inference graph of `model` (a name of the zoo, or a path that ends in `.onnx`) for inputs of these shapes. A
/// network of the zoo without `weights` has random ones.
pub fn load_graph(
    context: &Context,
    model: &str,
    weights: Option<&Path>,
    inputs: &[InputShape],
) -> Result<Loaded> {
    mistaken::check_model(model)?;
    if mistaken::is_onnx(model) {
        return onnx(context, model, weights, inputs);
    }
    let [InputShape { from, name, shape }] = inputs else {
        let reason = match inputs.len() {
            0 => format!("`{model}` has one input, and none was given"),
            given => format!("`{model}` has one input, and {given} were given"),
        };
        return Err(Error::Argument { argument: "--input", reason });
    };
    if let Some(name) = name.as_ref().filter(|name| *name != INPUT) {
        let reason = format!("`{model}` has no input `{name}`; its input is `{INPUT}`");
        return Err(Error::Argument { argument: "--input", reason });
    }
    let [_, channels, height, width] = image_shape(from, shape)?;
    if channels > 4 && matches!(width, 1 | 3 | 4) {
        let reason = format!(
            "it has shape {shape:?}, which looks like N×H×W×C, and N×C×H×W is wanted: x.transpose(0, 3, 1, 2)"
        );
        return Err(Error::Array { path: from.clone(), reason });
    }
    let image = [channels, height, width];
    let held = weights.map(|path| Ok::<_, Error>((path, weights::read(path)?))).transpose()?;
    let mut quantised = None;
    let network = match held {
        Some((_, Weights::Bytes(held))) => {
            let state = held.source();
            quantised = Some(held);
            let store = ParameterStore::from_state(context, 0, state.clone());
            build(model, &store, options_of(model, &*state, image)?)?
        }
        Some((path, Weights::Real(opened))) => loaded(context, model, path, opened, image)?.0,
        None => {
            let store = ParameterStore::new(context, 0);
            build(model, &store, Options::new(image, CLASSES))?
        }
    };
    let graph = tilewright_nn::capture(&*network.module, &network.store, &[(INPUT, shape, DType::F32)])?;
    let graph = match &quantised {
        Some(quantised) => quantised.parameters.apply(&graph)?.0,
        None => graph,
    };
    let input = InputPort { name: INPUT.to_owned(), dtype: ElementType::F32, shape: shape.clone() };
    let output = |(at, (name, id)): (usize, &(String, ValueId))| {
        OutputPort::computed(name.clone(), ElementType::F32, graph[*id].shape.clone(), at)
    };
    let outputs = graph.outputs().iter().enumerate().map(output).collect();
    Ok(Loaded { inputs: vec![input], outputs, graph })
}

/// The graph of an ONNX file. Inputs without a name are the model's in its order; those that are not given have the shape
/// that the file says.
fn onnx(context: &Context, path: &str, weights: Option<&Path>, inputs: &[InputShape]) -> Result<Loaded> {
    let argument = |argument, reason: String| Err(Error::Argument { argument, reason });
    if weights.is_some() {
        return argument("--weights", format!("`{path}` brings its own weights; leave this out"));
    }
    let model = Model::load(path).map_err(|error| mistaken::explain(Path::new(path), error.into()))?;
    let names: Vec<&str> = model.inputs().map(|input| input.name.as_str()).collect();
    let mut import = Import::new(&model);
    for (at, input) in inputs.iter().enumerate() {
        let name = match &input.name {
            Some(name) if names.contains(&name.as_str()) => name,
            None if at < names.len() => names[at],
            _ => {
                let given = input.name.clone().unwrap_or_else(|| format!("number {}", at + 1));
                let there = match &names[..] {
                    [] => "it has none".to_owned(),
                    names => format!("its inputs are: {}", names.join(", ")),
                };
                return argument("--input", format!("`{path}` has no input {given}; {there}"));
            }
        };
        import = import.shape(name, &input.shape);
    }
    let names: Vec<&str> = model.outputs().iter().map(|output| output.name.as_str()).collect();
    if let Some(twice) = (1..names.len()).find(|&at| names[..at].contains(&names[at])) {
        let reason = format!("it declares the output `{}` twice; give each a name of its own", names[twice]);
        return Err(Error::Array { path: path.to_owned(), reason });
    }
    let Imported { graph, inputs, outputs, warnings } = import.graph(context)?;
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    Ok(Loaded { graph, inputs, outputs })
}

/// Builds the network `name` for images of `image` (channels, height, width) and loads the weights at `path` into it.
///
/// What the file decides (classes, shortcuts, auxiliary heads) is as [`options_of`] says.
pub fn load(context: &Context, name: &str, path: &Path, image: [usize; 3]) -> Result<(Network, LoadReport)> {
    loaded(context, name, path, weights::open(path)?, image)
}

fn loaded(
    context: &Context,
    name: &str,
    path: &Path,
    opened: Opened,
    image: [usize; 3],
) -> Result<(Network, LoadReport)> {
    let state = Unwrapped::new(opened.state);
    let options = options_of(name, &state, image)?;
    let store = ParameterStore::from_state(context, 0, Arc::new(state));
    let network = build(name, &store, options)?;
    let report = store.finish_loading()?;
    if !report.stripped.is_empty() {
        let (file, prefix) = (path.display(), &report.stripped);
        eprintln!("note: every name in {file} begins with `{prefix}`, which is taken off");
    }
    Ok((network, report))
}

/// N C H W of an input, or an error that names where it comes from.
pub fn image_shape(from: &str, shape: &[usize]) -> Result<[usize; 4]> {
    shape.try_into().map_err(|_| Error::Array {
        path: from.to_owned(),
        reason: format!("it has shape {shape:?}; it must have four axes, N×C×H×W"),
    })
}
