//! Convolutions with their windows written out as the rows of a matrix.

pub(super) mod algorithm;
pub(super) mod columns;
