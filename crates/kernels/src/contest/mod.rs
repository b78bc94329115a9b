//! Measuring which of several ways to compute something is the quickest: what is right, what is timed, what is kept.

pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod table;
pub(crate) mod winner;
