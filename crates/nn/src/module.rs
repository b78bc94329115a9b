//! What computes: a module with named ports, and its simple form with one input and one output.

use tilewright_autograd::Var;

use crate::{error::Error, error::Result, pass::Pass, values::Name, values::Values};

/// The name of the input of a [`Layer`].
pub const INPUT: &str = "input";
/// The name of the output of a [`Layer`].
pub const OUTPUT: &str = "output";

/// What takes one variable and gives one: a layer, or a network with one input and one output.
///
/// Every layer is a [`Module`] with the ports [`INPUT`] and [`OUTPUT`].
pub trait Layer: Send + Sync {
    /// Computes the output of `x`.
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var>;
}

/// An input or output of a [`Module`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: Name,
    /// Whether a pass may do without it: targets that only training reads, a state that starts as zeros, an output that
    /// only training gives.
    pub optional: bool,
}

impl Port {
    /// A port that every pass has.
    pub fn required(name: impl Into<Name>) -> Self {
        Self { name: name.into(), optional: false }
    }

    /// A port that a pass may do without.
    pub fn optional(name: impl Into<Name>) -> Self {
        Self { name: name.into(), optional: true }
    }
}

/// A network with named inputs and outputs, as many as it likes.
///
/// What has one of each implements [`Layer`] and is a module by that. Two inputs and two outputs:
///
/// ```
/// use tilewright_nn::{Layer, Module, Pass, Port, Result, Values, layers::Linear};
///
/// /// Compares two inputs by one set of weights.
/// struct Siamese {
///     embed: Linear,
/// }
///
/// impl Module for Siamese {
///     fn inputs(&self) -> Vec<Port> {
///         vec![Port::required("left"), Port::required("right")]
///     }
///
///     fn outputs(&self) -> Vec<Port> {
///         vec![Port::required("difference"), Port::required("product")]
///     }
///
///     fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
///         let left = self.embed.forward(inputs.get("left")?, pass)?;
///         let right = self.embed.forward(inputs.get("right")?, pass)?;
///         Ok([("difference", left.sub(&right)?), ("product", left.mul(&right)?)].into())
///     }
/// }
/// ```
pub trait Module: Send + Sync {
    /// The inputs it takes, in order.
    fn inputs(&self) -> Vec<Port>;

    /// The outputs it gives, in order.
    fn outputs(&self) -> Vec<Port>;

    /// Computes the outputs of `inputs`; [`Self::call`] has held the names against [`Self::inputs`].
    fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values>;

    /// Computes the outputs of `inputs`, by names.
    ///
    /// # Errors
    /// [`Error::Ports`] for an input or output that is missing or that the module does not have, so that a misspelt name of
    /// an optional port is not passed over; else what [`Self::compute`] says.
    fn call(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        check("input", &self.inputs(), inputs)?;
        let outputs = self.compute(inputs, pass)?;
        check("output", &self.outputs(), &outputs)?;
        Ok(outputs)
    }
}

impl<L: Layer + ?Sized> Module for L {
    fn inputs(&self) -> Vec<Port> {
        vec![Port::required(INPUT)]
    }

    fn outputs(&self) -> Vec<Port> {
        vec![Port::required(OUTPUT)]
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        Ok([(OUTPUT, self.forward(inputs.get(INPUT)?, pass)?)].into())
    }
}

impl dyn Module + '_ {
    /// The only output of the only input, whatever their names: for networks of one input and one output.
    ///
    /// # Errors
    /// [`Error::NotOne`] where several inputs or outputs are required.
    pub fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let mut inputs = self.inputs();
        if inputs.len() > 1 {
            inputs.retain(|port| !port.optional);
        }
        let [Port { name, .. }] = &inputs[..] else {
            let names = inputs.iter().map(|port| port.name.as_ref()).collect::<Vec<_>>().join(", ");
            return Err(Error::NotOne { names });
        };
        Ok(self.call(&Values::new().with(name.clone(), x.clone()), pass)?.only()?.clone())
    }
}

fn check(what: &'static str, ports: &[Port], values: &Values) -> Result<()> {
    let missing = ports.iter().find(|port| !port.optional && values.find(&port.name).is_none());
    let unknown = values.names().find(|name| !ports.iter().any(|port| port.name == *name));
    let fault = match (missing, unknown) {
        (None, None) => return Ok(()),
        (Some(port), None) => format!("`{}` is missing", port.name),
        (None, Some(name)) => format!("there is none called `{name}`"),
        (Some(port), Some(name)) => format!("`{}` is missing, and there is none called `{name}`", port.name),
    };
    let name = |port: &Port| format!("{}{}", port.name, if port.optional { " (optional)" } else { "" });
    let ports = ports.iter().map(name).collect::<Vec<_>>().join(", ");
    Err(Error::Ports { what, fault, ports })
}
