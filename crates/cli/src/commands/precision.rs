//! `--precision`, of every command that compiles a network.

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// Convolutions and products keep their numbers as 16-bit floating point and sum them in 32 bits, and everything else is
    /// 32 bits; half the memory traffic on a GPU. On software Vulkan they go by way of 32 bits: right, but no quicker than f32.
    F16,
}

impl Precision {
    /// As reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

impl From<Precision> for tilewright_graph::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
        }
    }
}
