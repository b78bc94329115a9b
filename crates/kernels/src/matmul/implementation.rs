//! What a way of computing a product must answer, and do.

use tilewright_ops::{DType, UnaryOp};
use tilewright_runtime::{Context, Result};

use super::problem::{Operands, Problem};
use crate::base::{device::Device, matrices::Emulation};

/// One way of computing a product.
pub(super) trait Implementation {
    /// The name used in tables and on the command line.
    fn name(&self) -> &'static str;

    /// The kernel's stem.
    fn stem(&self) -> &'static str;

    /// What keeps it from running `problem`, if anything does, besides a device without f16.
    fn obstacle(&self, device: &Device, problem: &Problem) -> Option<&'static str>;

    /// Whether a trial on this device found it quicker for operands of `dtype`. What needs no trial is taken at the
    /// table's word.
    fn pays(&self, _device: &Device, _dtype: DType) -> bool {
        true
    }

    /// y = activation(left · right + bias + residual), where nothing keeps it from that.
    fn run(
        &self,
        context: &Context,
        problem: &Problem,
        operands: &Operands<'_>,
        activation: Option<UnaryOp>,
    ) -> Result<()>;

    /// The same with matrices that threads compute themselves in place of the device's, if it multiplies any.
    fn emulated(&self, _emulation: Emulation) -> Option<Box<dyn Implementation>> {
        None
    }
}
