//! What layers within a network give, by their paths.

use tilewright_autograd::Var;

use crate::{
    error::Error, error::Result, module::Module, pass::Pass, state::report::distance, values::Values,
};

/// What the layers at `paths` give for `x`, in evaluation mode, under those paths and in their order.
///
/// A path is that of a layer's or a block's parameters without the parameter's name (`layer3`, `layer4.1.conv2`, `fc`), or,
/// of parts without parameters, that of PyTorch's module where the network reports it (`avgpool`); networks of the zoo have every
/// path that begins a parameter's and at which PyTorch's forward hook finds a tensor. What a BatchNorm gives is what it gives in
/// PyTorch, before the activation that is fused with it. The name of an output port (`output`) is that output, and a convolution's
/// or linear layer's path with `.input` (`fc.input`) is what goes into it. Of a layer that runs several times the last output is
/// given.
///
/// # Errors
/// [`Error::UnknownPath`] with paths that are near; what the network says.
///
/// ```
/// use tilewright_nn::{ParameterStore, Sequential, Var, features, layers::{Activation, Linear}};
/// # use tilewright_ops::UnaryOp;
/// # let context = tilewright_runtime::Context::new()?;
/// let store = ParameterStore::new(&context, 0);
/// let head = store.root() / "head";
/// let network = Sequential::under(&head)
///     .then(Linear::new(&(&head / 0), 4, 3)?)
///     .then(Activation(UnaryOp::Relu))
///     .then(Linear::new(&(&head / 2), 3, 2)?);
/// let x = Var::constant(tilewright_tensor::Tensor::ones(&context, &[1, 4])?);
/// let found = features(&network, &["head.1", "head.2"], &x)?;
/// assert_eq!(found.get("head.1")?.shape(), [1, 3]);
/// assert_eq!(found.get("head.2")?.shape(), [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn features(module: &dyn Module, paths: &[&str], x: &Var) -> Result<Values> {
    let pass = Pass::eval().with_taps(paths);
    let y = module.forward(x, &pass)?;
    let outputs = match &module.outputs()[..] {
        [port] => Values::new().with(port.name.clone(), y),
        _ => Values::new(),
    };
    pick(&pass, paths, &outputs)
}

/// As [`features`], of a module with any number of inputs, in a pass of one's own: the outputs and what the layers gave,
/// both with gradients where the pass has them.
///
/// # Errors
/// Those of [`features`].
pub fn features_of(
    module: &dyn Module,
    paths: &[&str],
    inputs: &Values,
    pass: Pass,
) -> Result<(Values, Values)> {
    let pass = pass.with_taps(paths);
    let outputs = module.call(inputs, &pass)?;
    let found = pick(&pass, paths, &outputs)?;
    Ok((outputs, found))
}

/// What was reported under the paths; else the outputs of those names.
pub(crate) fn pick(pass: &Pass, paths: &[&str], outputs: &Values) -> Result<Values> {
    let mut found = Values::new();
    for (&path, value) in paths.iter().zip(pass.take_tapped()) {
        let Some(value) = value.or_else(|| outputs.find(path).cloned()) else {
            let near = near_names(path, pass.reported());
            return Err(Error::UnknownPath { path: path.to_owned(), near });
        };
        found.insert(path.to_owned(), value);
    }
    Ok(found)
}

/// Names listed in a message.
const LISTED: usize = 8;

/// The names that are most like `path`, in the order in which they are `there`: for messages.
pub fn near_names(path: &str, mut there: Vec<String>) -> String {
    let mut seen = std::collections::HashSet::new();
    there.retain(|other| seen.insert(other.clone()));
    let mut by_distance: Vec<_> = (0..there.len()).collect();
    // A block that holds it, or that it is in, is nearest.
    let within = |other: &str| path.starts_with(other) || other.starts_with(path);
    let far = |other: &str| if within(other) { 0 } else { distance(path, other) };
    by_distance.sort_by_key(|&at| far(&there[at]));
    by_distance.truncate(LISTED);
    by_distance.sort_unstable();
    by_distance.into_iter().map(|at| there[at].as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_paths_are_those_that_look_alike() {
        let there = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect::<Vec<_>>();
        assert_eq!(near_names("lyer3", there(&["layer3", "layer3"])), "layer3");
        let many: Vec<String> =
            (0..30).map(|at| format!("layer{at}.conv")).chain(["fc".to_owned()]).collect();
        let said = near_names("layer17.con", many);
        assert!(said.contains("layer17.conv") && said.split(", ").count() == LISTED, "{said}");
    }
}
