//! What products and convolutions do to a finished sum before they store it: add a bias, add a residual, apply a unary
//! operation.

use tilewright_ops::UnaryOp;
use tilewright_runtime::Buffer;
use tilewright_shaders::Specialisation;

/// The compile-time part of an epilogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epilogue {
    /// A bias is added.
    pub bias: bool,
    /// A buffer of the result's shape and layout is added.
    pub residual: bool,
    /// The residual is what the result's memory holds: the sum goes where it lies.
    pub in_place: bool,
    /// The fragment of the slot `unary`; `None` is the identity.
    pub activation: Option<&'static str>,
}

impl Epilogue {
    /// The epilogue of a launch.
    pub fn new(
        bias: Option<&Buffer>,
        residual: Option<&Buffer>,
        y: &Buffer,
        activation: Option<UnaryOp>,
    ) -> Self {
        let in_place = residual.is_some_and(|residual| residual.same(y));
        let activation = activation.map(UnaryOp::name);
        Self { bias: bias.is_some(), residual: residual.is_some(), in_place, activation }
    }

    /// Writes it into a kernel with `@const HAS_BIAS`, `HAS_RESIDUAL` and `RESIDUAL_IN_PLACE` and `@slot unary`.
    pub(crate) fn specialise(self, kernel: Specialisation) -> Specialisation {
        let kernel = kernel
            .with_bool("HAS_BIAS", self.bias)
            .with_bool("HAS_RESIDUAL", self.residual)
            .with_bool("RESIDUAL_IN_PLACE", self.in_place);
        match self.activation {
            Some(name) => kernel.with_fragment("unary", name),
            None => kernel,
        }
    }
}

/// The run-time part: p0 and p1 of the activation.
pub(crate) fn parameters(activation: Option<UnaryOp>) -> [f32; 2] {
    activation.map_or([0.0; 2], UnaryOp::parameters)
}

/// What is bound as the residual: any buffer that is only read where there is none, or where it lies in `y`, which may
/// not be bound twice.
pub(crate) fn bound_residual<'a>(residual: Option<&'a Buffer>, y: &Buffer, unused: &'a Buffer) -> &'a Buffer {
    residual.filter(|residual| !residual.same(y)).unwrap_or(unused)
}
