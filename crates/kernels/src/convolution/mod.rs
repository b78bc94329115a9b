//! Convolutions: the plain definition in three directions, the quicker ways of computing it, and the choice among them.

mod algorithm;
mod backward_bias;
mod call;
pub(crate) mod choose;
mod cooperative;
mod depthwise;
mod direct;
pub(crate) mod geometry;
mod im2col;
mod implementation;
mod implicit_gemm;
mod lanes;
pub(crate) mod measure;
mod pack;
mod pack_tiles;
mod plain;
mod problem;
mod registry;
mod run;
pub(crate) mod table;
mod weight;
mod winograd;

pub use algorithm::Conv2dAlgorithm;
pub use backward_bias::backward_bias;
pub use call::{Conv2dLaunch, Placement};
pub use cooperative::Spec as CooperativeSpec;
pub use depthwise::{
    backward_input::InputSpec as DepthwiseInputSpec, backward_weight::WeightSpec as DepthwiseWeightSpec,
    blocks::BlocksSpec as DepthwiseBlocksSpec, forward::ForwardSpec as DepthwiseForwardSpec,
};
pub use direct::Spec as DirectSpec;
pub use im2col::columns::{Spec as Im2colSpec, col2im, im2col};
pub use implicit_gemm::spec::Spec as ImplicitGemmSpec;
pub use lanes::{
    backward_input::InputSpec as LanesInputSpec, backward_weight::WeightSpec as LanesWeightSpec,
    forward::ForwardSpec as LanesForwardSpec, narrow::Spec as NarrowSpec,
};
pub use pack::Spec as PackSpec;
pub use problem::{Pass, Problem};
pub use registry::forward_emulated;
pub use run::{backward_input, backward_weight, forward, pack_weight, placement};
pub use weight::{PackedWeight, Weight};
pub use winograd::spec::Spec as WinogradSpec;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    let single = [
        plain::Params::LAYOUT,
        implicit_gemm::work::Params::LAYOUT,
        backward_bias::LAYOUT,
        pack::LAYOUT,
        depthwise::forward::LAYOUT,
        depthwise::backward_input::LAYOUT,
        depthwise::blocks::LAYOUT,
        depthwise::backward_weight::LAYOUT,
        lanes::forward::LAYOUT,
        lanes::backward_input::LAYOUT,
        lanes::narrow::LAYOUT,
        lanes::backward_weight::LAYOUT,
        winograd::input::LAYOUT,
        winograd::weight::LAYOUT,
        winograd::output::LAYOUT,
    ];
    [&single[..], &pack_tiles::LAYOUTS, &winograd::gradient::LAYOUTS].concat()
}
