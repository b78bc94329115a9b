//! What `tilewright kernels bench` takes.

use tilewright_ops::DType;

use super::{extents::extents, pass::PassName};

/// A type as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Precision {
    F32,
    F16,
}

impl From<Precision> for DType {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    pub op: Op,
    /// Timed runs of each algorithm.
    #[arg(long, global = true, default_value_t = 20, value_name = "N")]
    pub repeat: usize,
    /// Fail if the table's choice is more than 10 % slower than the best.
    #[arg(long, global = true)]
    pub assert: bool,
    /// Run only the table's choice, not every candidate.
    #[arg(long, global = true, conflicts_with = "assert")]
    pub chosen: bool,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, clap::Subcommand)]
pub enum Op {
    /// Every kernel that is bound by memory, beside the device's own copy of as many bytes.
    Memory(super::super::memory::Arguments),
    /// A matrix product.
    Matmul {
        /// M×N×K, such as 512x512x512.
        #[arg(long, value_parser = extents::<3>, value_name = "MxNxK")]
        shape: [usize; 3],
        /// The left operand is stored K×M.
        #[arg(long)]
        transpose_left: bool,
        /// The right operand is stored N×K.
        #[arg(long)]
        transpose_right: bool,
        /// The operands' and the result's type; sums are f32.
        #[arg(long, value_enum, default_value = "f32")]
        precision: Precision,
    },
    /// A convolution.
    Conv2d {
        /// The input, N×C×H×W, such as 1x64x56x56.
        #[arg(long, value_parser = extents::<4>, value_name = "NxCxHxW")]
        shape: [usize; 4],
        /// The weight, O×I×KH×KW, such as 64x64x3x3; I is the channels of a group.
        #[arg(long, value_parser = extents::<4>, value_name = "OxIxKHxKW")]
        weight: [usize; 4],
        /// On both axes.
        #[arg(long, default_value_t = 1)]
        stride: usize,
        /// On both axes.
        #[arg(long, default_value_t = 0)]
        padding: usize,
        /// On both axes.
        #[arg(long, default_value_t = 1)]
        dilation: usize,
        /// Groups of channels.
        #[arg(long, default_value_t = 1)]
        groups: usize,
        /// Which of the three convolutions of training.
        #[arg(long, value_enum, default_value = "forward")]
        pass: PassName,
        /// The operands' and the result's type; sums are f32. Gradients are f32.
        #[arg(long, value_enum, default_value = "f32")]
        precision: Precision,
    },
    /// Every distinct convolution of well-known networks: the table's choice beside the best candidate. Each result is
    /// compared with the definition at some of its elements, and with the other candidates' at all.
    Suite(super::suite::Arguments),
}
