//! Matrix products: a ladder of kernels with one contract, the second pass of those that split K, and the choice among
//! them.

mod algorithm;
pub(crate) mod choose;
mod cooperative;
mod implementation;
mod lanes;
mod launch;
pub(crate) mod measure;
mod naive;
pub(crate) mod problem;
mod register_tiled;
mod registry;
pub(crate) mod run;
mod split_f16;
pub(crate) mod split_k_reduce;
pub(crate) mod table;
mod tiled;
pub(crate) mod trial;
mod vec4;

pub use algorithm::MatmulAlgorithm;
pub use cooperative::Spec as CooperativeSpec;
pub use lanes::Spec as LanesSpec;
pub use naive::Spec as NaiveSpec;
pub use problem::{Operands, Problem};
pub use register_tiled::Spec as RegisterTiledSpec;
pub use registry::{matmul_as, matmul_emulated};
pub use run::matmul;
pub use split_f16::Spec as SplitF16Spec;
pub use split_k_reduce::{Addends, Reduction, Spec as SplitKReduceSpec, split_k_reduce};
pub use tiled::Spec as TiledSpec;
pub use vec4::Spec as Vec4Spec;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    vec![
        launch::Params::LAYOUT,
        split_f16::LargestParams::LAYOUT,
        split_f16::SplitParams::LAYOUT,
        split_f16::Params::LAYOUT,
        split_k_reduce::Params::LAYOUT,
    ]
}
