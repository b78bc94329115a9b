//! What became of each layer.

use serde::Serialize;

/// A node of the network as it was converted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Its name.
    pub node: String,
    /// What it does.
    pub op: &'static str,
    /// Whether it computes with bytes.
    pub int8: bool,
    /// Why it does not.
    pub why: Option<&'static str>,
    /// The scale of its result, where that is bytes.
    pub scale: Option<f32>,
    /// Its zero point.
    pub zero_point: Option<i32>,
    /// Bytes of its weight and bias before and after.
    pub weight_bytes: [u64; 2],
    /// Bytes of its result before and after.
    pub activation_bytes: [u64; 2],
    /// The power of its result in f32 by that of the error, in decibels, where it was measured
    /// ([`super::Calibration::measure`]).
    pub decibels: Option<f64>,
    /// The share of its result's numbers that are the least or the largest one of i8, likewise.
    pub at_ends: Option<f64>,
}

/// All of them, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Layers {
    /// The layers.
    pub layers: Vec<Layer>,
}

impl Layers {
    /// How many convolutions and products compute with bytes, and how many there are.
    #[must_use]
    pub fn products(&self) -> [usize; 2] {
        let products = || self.layers.iter().filter(|layer| ["conv2d", "matmul"].contains(&layer.op));
        [products().filter(|layer| layer.int8).count(), products().count()]
    }

    /// Bytes of weights and biases before and after.
    #[must_use]
    pub fn weight_bytes(&self) -> [u64; 2] {
        [0, 1].map(|at| self.layers.iter().map(|layer| layer.weight_bytes[at]).sum())
    }
}
