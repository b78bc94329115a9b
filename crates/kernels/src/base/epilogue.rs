//! What products and convolutions do to a finished sum before they store it: add a bias, add a residual, apply a unary
//! operation, pool.

use tilewright_ops::{PoolKind, Pooling, UnaryOp};
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
    /// The windows that are stored in place of their pixels, where the kernel has such a part.
    pub pool: Option<Windows>,
}

/// Windows that lie side by side in an image, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Windows {
    /// What each is reduced to.
    pub kind: PoolKind,
    /// Height and width.
    pub size: [u32; 2],
}

impl Windows {
    /// The windows of `pooling` over the result of a convolution of shape N C H W; `None` if they are no tiles of it.
    pub(crate) fn new(pooling: &Pooling, y_shape: [usize; 4]) -> Option<Self> {
        let [height, width] = pooling.tiles(y_shape)?;
        let size = [u32::try_from(height).ok()?, u32::try_from(width).ok()?];
        Some(Self { kind: pooling.kind, size })
    }

    /// Pixels of a window.
    pub(crate) fn pixels(self) -> u32 {
        self.size[0].saturating_mul(self.size[1])
    }
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
        Self { bias: bias.is_some(), residual: residual.is_some(), in_place, activation, pool: None }
    }

    /// The same, with windows stored in place of pixels.
    pub(crate) fn pooled(self, pool: Option<Windows>) -> Self {
        Self { pool, ..self }
    }

    /// Writes it into a kernel with `@const HAS_BIAS`, `HAS_RESIDUAL` and `RESIDUAL_IN_PLACE` and `@slot unary`, and
    /// if it pools with `@const POOL`, `POOL_HEIGHT` and `POOL_WIDTH`.
    pub(crate) fn specialise(self, kernel: Specialisation) -> Specialisation {
        let kernel = kernel
            .with_bool("HAS_BIAS", self.bias)
            .with_bool("HAS_RESIDUAL", self.residual)
            .with_bool("RESIDUAL_IN_PLACE", self.in_place);
        let kernel = match self.activation {
            Some(name) => kernel.with_fragment("unary", name),
            None => kernel,
        };
        match self.pool {
            Some(Windows { kind, size: [height, width] }) => kernel
                .with_u32("POOL", if kind == PoolKind::Max { 1 } else { 2 })
                .with_u32("POOL_HEIGHT", height)
                .with_u32("POOL_WIDTH", width),
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
