//! What a way of computing a convolution must answer, and do.

use tilewright_ops::{DType, Pooling};
use tilewright_runtime::{Buffer, Context, Error, Result};

use super::{
    call::Conv2dLaunch,
    problem::{Pass, Problem},
};
use crate::base::{device::Device, epilogue::Windows, matrices::Emulation};

/// One way of computing a convolution.
pub(super) trait Implementation {
    /// The name used in tables and on the command line.
    fn name(&self) -> &'static str;

    /// What keeps it from running a pass of `problem`, if anything does, besides extents of zero and a device without
    /// f16. Memory is another question: see [`Self::workspace`].
    fn obstacle(&self, device: &Device, pass: Pass, problem: &Problem) -> Option<&'static str>;

    /// Whether it runs problems with an extent of zero.
    fn runs_empty(&self) -> bool {
        false
    }

    /// Bytes of the largest buffer that it needs beside its operands.
    fn workspace(&self, _device: &Device, _pass: Pass, _problem: &Problem) -> u64 {
        0
    }

    /// Whether the kernel that stores the result of a forward pass can pool it: a thread of it holds whole windows.
    fn pools(&self, _problem: &Problem, _windows: Windows, _pooling: &Pooling) -> bool {
        false
    }

    /// Whether a trial on this device found it quicker for operands of `dtype`. What needs no trial is taken at the
    /// table's word.
    fn pays(&self, _device: &Device, _dtype: DType) -> bool {
        true
    }

    /// The weight, O C/groups KH KW and not empty, in the order that its forward pass reads.
    fn pack(&self, context: &Context, problem: &Problem, weight: &Buffer) -> Result<Buffer>;

    /// What `call` says, into `y`, which has elements, where nothing keeps it from that.
    fn forward(&self, context: &Context, call: &Conv2dLaunch<'_>, y: &Buffer) -> Result<()>;

    /// The gradient of x, which has elements.
    fn backward_input(
        &self,
        _context: &Context,
        problem: &Problem,
        _grad_y: &Buffer,
        _weight: &Buffer,
        _grad_x: &Buffer,
    ) -> Result<()> {
        Err(unsupported(Pass::BackwardInput, self.name(), problem, FORWARD_ONLY))
    }

    /// The gradient of the weight, which has elements.
    fn backward_weight(
        &self,
        _context: &Context,
        problem: &Problem,
        _grad_y: &Buffer,
        _x: &Buffer,
        _grad_weight: &Buffer,
    ) -> Result<()> {
        Err(unsupported(Pass::BackwardWeight, self.name(), problem, FORWARD_ONLY))
    }

    /// The same with matrices that threads compute themselves in place of the device's, if it multiplies any.
    fn emulated(&self, _emulation: Emulation) -> Option<Box<dyn Implementation>> {
        None
    }
}

/// Why an algorithm has no gradients.
pub(super) const FORWARD_ONLY: &str = "it runs forward";

/// That `algorithm` cannot run a pass of `problem`.
pub(super) fn unsupported(pass: Pass, algorithm: &'static str, problem: &Problem, reason: &str) -> Error {
    Error::Unsupported { op: pass.name().to_owned(), algorithm, reason: format!("{reason} ({problem})") }
}
