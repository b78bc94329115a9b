//! `--precision`, of every command that compiles a network.

use tilewright_graph::{Graph, Node};
use tilewright_ops::{Op, Quantized};

use crate::{error::Error, error::Result};

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// Convolutions and products keep their numbers as 16-bit floating point and sum them in 32 bits, and everything else is
    /// 32 bits; half the memory traffic on a GPU. On software Vulkan they go by way of 32 bits: right, but no quicker than f32.
    F16,
    /// Whole numbers of one byte, in a network that has them: a file that `tilewright quantize` wrote, or an .onnx file that
    /// others quantised. Such a network is run so whatever is said here; this makes sure that it is one.
    Int8,
}

impl Precision {
    /// As reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }
}

impl Precision {
    /// Whether `graph`, of `model`, is what was asked for; gives what it is.
    ///
    /// # Errors
    /// Where bytes were asked for and it has none.
    pub fn check(self, graph: &Graph, model: &str) -> Result<Self> {
        let bytes = |node: &Node| matches!(&node.op, Op::Quantized(Quantized::Conv2d { .. }));
        // Those of a QDQ file are joined by the passes.
        let steps = |node: &Node| matches!(&node.op, Op::Quantized(Quantized::Dequantize { .. }));
        let has = |wanted: fn(&Node) -> bool| graph.nodes().iter().any(wanted);
        match self {
            Self::F32 if has(bytes) => Ok(Self::Int8),
            Self::Int8 if !has(bytes) && !has(steps) => {
                let reason = format!(
                    "`{model}` has no weights in bytes with these weights; `tilewright quantize {model} … -o FILE` makes a network that has"
                );
                Err(Error::Argument { argument: "--precision", reason })
            }
            asked => Ok(asked),
        }
    }
}

impl From<Precision> for tilewright_graph::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 | Precision::Int8 => Self::F32,
            Precision::F16 => Self::F16,
        }
    }
}
