//! Where a layer reports what it gives.

use std::fmt::Display;

use tilewright_autograd::Var;

use crate::{error::Result, module::Layer, pass::Pass, store::Scope};

/// The path of a layer, under which it reports its output to passes that want it ([`Pass::with_taps`]).
///
/// A layer makes one of its [`Scope`] and ends its forward pass by [`Self::give`]; a block of layers does the same, and
/// reports parts that have no parameters, and so no scope, by [`Self::give_as`]. Where nothing is wanted that costs one
/// comparison.
///
/// ```
/// use tilewright_nn::{Layer, Pass, Result, Scope, Tap, Var, layers::Linear};
///
/// struct Branch {
///     fc: Linear,
///     tap: Tap,
/// }
///
/// impl Branch {
///     fn new(scope: &Scope) -> Result<Self> {
///         Ok(Self { fc: Linear::new(&(scope / "fc"), 8, 4)?, tap: Tap::new(scope) })
///     }
/// }
///
/// impl Layer for Branch {
///     fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
///         let y = self.tap.give_as("relu", self.fc.forward(x, pass)?.relu()?, pass);
///         Ok(self.tap.give(y.add(x)?, pass))
///     }
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tap(Box<str>);

impl Tap {
    /// The tap of the layer whose parameters are under `scope`.
    pub fn new(scope: &Scope) -> Self {
        Self(scope.path().into())
    }

    /// Reports `value` as the layer's output and hands it on. The root has no path and reports nothing.
    #[inline]
    pub fn give(&self, value: Var, pass: &Pass) -> Var {
        if pass.is_tapped() && !self.0.is_empty() {
            pass.report(&self.0, &value);
        }
        value
    }

    /// Reports `value` as what goes into the layer, under its path and `.input`.
    #[inline]
    pub fn take(&self, value: &Var, pass: &Pass) {
        if pass.is_tapped() && !self.0.is_empty() {
            pass.report(&self.part("input"), value);
        }
    }

    /// Reports `value` as the output of the part `name` of the layer and hands it on.
    #[inline]
    pub fn give_as(&self, name: impl Display, value: Var, pass: &Pass) -> Var {
        if pass.is_tapped() {
            pass.report(&self.part(name), &value);
        }
        value
    }

    /// Whether `pass` wants the layer's output: for a layer that would otherwise leave out what is wanted.
    #[inline]
    pub fn is_wanted(&self, pass: &Pass) -> bool {
        pass.wants(&self.0)
    }

    /// Whether `pass` wants the output of the part `name` of the layer.
    #[inline]
    pub fn is_part_wanted(&self, name: impl Display, pass: &Pass) -> bool {
        pass.is_tapped() && pass.wants(&self.part(name))
    }

    fn part(&self, name: impl Display) -> String {
        if self.0.is_empty() { name.to_string() } else { format!("{}.{name}", self.0) }
    }
}

/// A layer whose output is found under paths of its own: one without parameters, and so without a scope, or one that PyTorch
/// wraps into modules which do nothing else.
///
/// ```
/// use tilewright_nn::{Tapped, layers::AdaptiveAvgPool2d};
/// # let context = tilewright_runtime::Context::new()?;
/// # let store = tilewright_nn::ParameterStore::new(&context, 0);
/// let pool = Tapped::new(AdaptiveAvgPool2d([1, 1]), [&(store.root() / "avgpool")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tapped<L> {
    layer: L,
    taps: Vec<Tap>,
}

impl<L> Tapped<L> {
    /// `layer`, whose output is found under the paths of `scopes`.
    pub fn new<'a>(layer: L, scopes: impl IntoIterator<Item = &'a Scope>) -> Self {
        Self { layer, taps: scopes.into_iter().map(Tap::new).collect() }
    }
}

impl<L: Layer> Layer for Tapped<L> {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let y = self.layer.forward(x, pass)?;
        Ok(self.taps.iter().fold(y, |y, tap| tap.give(y, pass)))
    }
}
