//! A module as a graph for compiled inference.

use tilewright_autograd::Var;
use tilewright_graph::{Graph, capture_named};
use tilewright_ops::DType;

use crate::{
    error::Error, error::Result, features::features_of, module::Module, parameter::Entry, pass::Pass,
    store::ParameterStore, values::Values,
};

/// Runs `module` once on symbolic inputs, in evaluation mode, and gives what it does as a graph whose inputs and outputs
/// have the names of the module's ports. `inputs` are names, shapes and types; a layer is named after its path in `store`.
///
/// # Errors
/// [`Error::Ports`] for an input that the module does not have, [`Error::Graph`] where it does what cannot be captured.
///
/// ```
/// use tilewright_graph::{Compiled, Options};
/// use tilewright_nn::{INPUT, ParameterStore, capture, layers::Linear};
/// use tilewright_ops::DType;
/// # let context = tilewright_runtime::Context::new()?;
/// let store = ParameterStore::new(&context, 0);
/// let network = Linear::new(&(store.root() / "fc"), 4, 2)?;
/// let graph = capture(&network, &store, &[(INPUT, &[1, 4], DType::F32)])?;
/// let compiled = Compiled::new(&graph, &Options::default())?;
/// assert_eq!(compiled.outputs()[0].name, "output");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn capture(
    module: &dyn Module,
    store: &ParameterStore,
    inputs: &[(&str, &[usize], DType)],
) -> Result<Graph> {
    captured(module, store, inputs, None)
}

/// As [`capture`], as a graph whose outputs are what the layers at `paths` give ([`crate::features`]), under those paths and
/// in their order. What they do not need, such as the layers behind them, compiling leaves out; the name of an output port
/// among the paths is that output.
///
/// # Errors
/// Those of [`capture`]; [`Error::UnknownPath`].
pub fn capture_features(
    module: &dyn Module,
    store: &ParameterStore,
    inputs: &[(&str, &[usize], DType)],
    paths: &[&str],
) -> Result<Graph> {
    captured(module, store, inputs, Some(paths))
}

fn captured(
    module: &dyn Module,
    store: &ParameterStore,
    inputs: &[(&str, &[usize], DType)],
    paths: Option<&[&str]>,
) -> Result<Graph> {
    store.fill()?;
    let mut parameters = Vec::new();
    for entry in store.entries() {
        if let Entry::Parameter(parameter) | Entry::Buffer(parameter) = entry {
            parameters.push((parameter.path().to_owned(), parameter.tensor()?));
        }
    }
    // Capture words what `forward` says; the ports are checked here for an error that can be matched.
    let mut fault = None;
    let graph = capture_named(store.context(), inputs, &parameters, |tensors| {
        let named = inputs.iter().zip(tensors);
        let named: Values =
            named.map(|((name, ..), x)| ((*name).to_owned(), Var::constant(x.clone()))).collect();
        let outputs = match paths {
            None => module.call(&named, &Pass::eval()),
            Some(paths) => features_of(module, paths, &named, Pass::eval()).map(|(_, found)| found),
        };
        let outputs = outputs.map_err(|error| {
            let said = error.to_string();
            fault = Some(error);
            said
        })?;
        let outputs = outputs.iter().map(|(name, value)| (name.to_owned(), value.tensor().clone()));
        Ok::<_, String>(outputs.collect())
    });
    match (graph, fault) {
        (_, Some(error @ (Error::Ports { .. } | Error::UnknownPath { .. }))) => Err(error),
        (graph, _) => Ok(graph?),
    }
}
