//! What a batch normalisation is told, forward and backward.

use tilewright_ops::UnaryOp;
use tilewright_runtime::Buffer;

/// What normalises a channel, both `[C]`.
#[derive(Clone, Copy, Debug)]
pub enum Deviation<'a> {
    /// 1 / √(variance + eps), as training keeps it, and what the rounded mean is short of the mean.
    InvStd(&'a Buffer, &'a Buffer),
    /// The variance, to which eps is added.
    Variance(&'a Buffer, f32),
}

impl<'a> Deviation<'a> {
    /// The buffer, that of the mean's rest (another where there is none, which is not read), eps, and whether the kernel
    /// takes the root.
    pub(super) fn parts(self) -> (&'a Buffer, &'a Buffer, f32, bool) {
        match self {
            Self::InvStd(buffer, rest) => (buffer, rest, 0.0, false),
            Self::Variance(buffer, eps) => (buffer, buffer, eps, true),
        }
    }
}

/// `activation((x − mean) / deviation · weight + bias)`: x is `[pixels, channels]`, what is of a channel is `[channels]`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormLaunch<'a> {
    /// The operation's name in errors and profiles.
    pub op: &'a str,
    /// Pixels and channels.
    pub dims: [usize; 2],
    /// What is normalised.
    pub x: &'a Buffer,
    /// The mean of each channel.
    pub mean: &'a Buffer,
    /// How far its values lie from the mean.
    pub deviation: Deviation<'a>,
    /// The factor of each channel.
    pub weight: &'a Buffer,
    /// What is added to each channel. No gradient without an activation depends on it: any buffer of its shape does then.
    pub bias: &'a Buffer,
    /// What the result goes through in the same pass.
    pub activation: Option<UnaryOp>,
}
