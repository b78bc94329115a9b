//! What every launcher stands on. Nothing here knows a kernel.

pub(crate) mod choice;
pub(crate) mod coarsening;
pub(crate) mod device;
pub(crate) mod epilogue;
pub(crate) mod magic;
pub(crate) mod matrices;
pub(crate) mod numbers;
pub(crate) mod params;
pub(crate) mod sources;
pub mod strided;
pub(crate) mod trials;
