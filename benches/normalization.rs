//! Normalisation kernels.
fn main() {}
