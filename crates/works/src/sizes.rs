//! The shapes that memory-bound works are at.

use tilewright_runtime::Context;
use tilewright_tensor::{Layout, Result, Tensor};

/// How large operands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// As in well-known networks.
    Networks,
    /// About so many MiB, with the channels and pixels of a ResNet's first stage. A copy in a cache has another roof than
    /// one in memory.
    Mib(usize),
}

impl Sizes {
    /// Shapes N C H W: those of networks, or the one of the size.
    pub(crate) fn images(self, networks: &[[usize; 4]]) -> Vec<[usize; 4]> {
        match self {
            Self::Networks => networks.to_vec(),
            Self::Mib(mib) => {
                let image = 64 * 56 * 56 * 4;
                vec![[((mib << 20) / image).max(1), 64, 56, 56]]
            }
        }
    }

    /// Rows and columns: those of networks, or as many rows of 1000 as make the size.
    pub(crate) fn rows(self, networks: &[[usize; 2]]) -> Vec<[usize; 2]> {
        match self {
            Self::Networks => networks.to_vec(),
            Self::Mib(mib) => vec![[((mib << 20) / 4000).max(1), 1000]],
        }
    }
}

/// Random numbers, row-major.
pub(crate) fn tensor(context: &Context, shape: &[usize]) -> Result<Tensor> {
    Tensor::uniform(context, shape, 1, 0)
}

/// Random images, channels-last.
pub(crate) fn images(context: &Context, shape: &[usize; 4]) -> Result<Tensor> {
    tensor(context, shape)?.to_layout(Layout::ChannelsLast)
}
