//! The measured choice: at the first use of a shape, every algorithm that can run it computes it, the wrong ones are
//! thrown out, the right ones are timed, and the quickest is remembered on disk by adapter, driver, kernel sources,
//! operation and shape. It is opt-in ([`tilewright_runtime::Tuning`]): a table gives the same bits in every run, a
//! measurement may not.
//!
//! [`crate::select::conv2d_for`] and [`crate::select::matmul_for`] consult it.

pub use crate::{
    contest::{
        run::{Candidate, Verdict, contest},
        sample::{Sample, Samples},
        table::Entry,
        winner::{forget, remembered},
    },
    convolution::measure::{conv2d_samples, measure_conv2d},
    matmul::measure::matmul_samples,
};
