//! The passes of training on the command line.

use tilewright_kernels::convolution::Pass;

/// A pass as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PassName {
    /// y from x and the weight.
    Forward,
    /// The gradient of x.
    BackwardInput,
    /// The gradient of the weight.
    BackwardWeight,
}

impl From<PassName> for Pass {
    fn from(name: PassName) -> Self {
        match name {
            PassName::Forward => Self::Forward,
            PassName::BackwardInput => Self::BackwardInput,
            PassName::BackwardWeight => Self::BackwardWeight,
        }
    }
}
