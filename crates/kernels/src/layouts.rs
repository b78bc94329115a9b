//! The layouts of every launcher's `Params`.

use crate::{
    attention, base::params::ParamsLayout, convolution, detection, elementwise, loss, matmul, movement,
    normalization, optimizer, pooling, probe, quantized, random, reduction, sort, texture,
};

/// The layouts of every launcher.
pub fn all_params() -> Vec<ParamsLayout> {
    [
        attention::params(),
        convolution::params(),
        detection::params(),
        elementwise::params(),
        loss::params(),
        matmul::params(),
        movement::params(),
        normalization::params(),
        optimizer::params(),
        pooling::params(),
        probe::params(),
        quantized::params(),
        random::params(),
        reduction::params(),
        sort::params(),
        texture::params(),
    ]
    .concat()
}
