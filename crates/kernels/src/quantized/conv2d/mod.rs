//! Convolutions of bytes: the packing of weights, one file for each kernel, the table that chooses one.

mod algorithm;
mod call;
mod depthwise;
mod direct;
mod implicit_gemm;
mod lanes;
mod prepare;
mod run;
mod table;
mod trial;

pub use algorithm::QConv2dAlgorithm;
pub use call::QConv2dLaunch;
pub use run::qconv2d;
pub use table::{candidates, choose};
pub use trial::try_dot4;

use crate::base::params::ParamsLayout;

pub(super) const LAYOUTS: &[ParamsLayout] = &[
    depthwise::LAYOUT,
    direct::LAYOUT,
    implicit_gemm::LAYOUT,
    lanes::LAYOUT,
    prepare::LAYOUTS[0],
    prepare::LAYOUTS[1],
];
